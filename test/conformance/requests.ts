import { once } from 'node:events';
import { createConnection } from 'node:net';

/** A request to our server, right or wrong, and the first line of the answer. */
export interface RequestCase {
  readonly name: string;
  readonly section: string;
  readonly request: string;
  readonly expected: string;
}

const headers = [
  ['Host', '127.0.0.1'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
] as const;

/** The request with changes: a header gets these values, one line for each; none leaves it out. */
function request(
  changes: Readonly<Record<string, readonly string[]>> = {},
  start = 'GET / HTTP/1.1',
): string {
  const changed = new Map(Object.entries(changes));
  const lines = headers.flatMap(([name, value]) =>
    (changed.get(name) ?? [value]).map((one) => `${name}: ${one}`),
  );
  const known = new Set<string>(headers.map(([name]) => name));
  for (const [name, values] of changed)
    if (!known.has(name)) lines.push(...values.map((one) => `${name}: ${one}`));
  return `${[start, ...lines].join('\r\n')}\r\n\r\n`;
}

function row(name: string, section: string, bytes: string, status: number): RequestCase {
  return { name, section, request: bytes, expected: String(status) };
}

const accepted: readonly (readonly [string, Readonly<Record<string, readonly string[]>>])[] = [
  ['as in the RFC', {}],
  ['Upgrade in capitals', { Upgrade: ['WEBSOCKET'] }],
  ['Connection as a list', { Connection: ['keep-alive, Upgrade'] }],
  ['Connection in two lines', { Connection: ['keep-alive', 'upgrade'] }],
  ['two lines of extensions that nobody knows', { 'Sec-WebSocket-Extensions': ['a; b=1', 'c'] }],
];

const keys = [
  '',
  'short',
  'dGhlIHNhbXBsZSBub25jZQ',
  'dGhlIHNhbXBsZSBub25jZQ==x',
  'AAAA',
  '!!!!!!!!!!!!!!!!!!!!!!==',
];
const versions = [
  '',
  '0',
  '8',
  '12',
  '14',
  '013',
  '+13',
  '13.0',
  '13 13',
  '13, 13',
  '0x0d',
  '255',
  '256',
  'x',
];

/** Every request, in the order of its number. */
export const requests: readonly RequestCase[] = [
  ...accepted.map(([name, changes]) => row(name, '4.2.1', request(changes), 101)),
  ...['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version'].map((name) =>
    row(`no ${name}`, '4.2.1', request({ [name]: [] }), name === 'Host' || name.endsWith('Key') ? 400 : 426),
  ),
  ...['Host', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version'].map((name) => {
    const value = headers.find(([known]) => known === name)![1];
    return row(
      `${name} twice`,
      '4.2.1',
      request({ [name]: [value, value] }),
      name.endsWith('Version') ? 426 : 400,
    );
  }),
  ...keys.map((key) =>
    row(`key ${JSON.stringify(key)}`, '4.2.1', request({ 'Sec-WebSocket-Key': [key] }), 400),
  ),
  ...versions.map((version) =>
    row(`version ${JSON.stringify(version)}`, '4.4', request({ 'Sec-WebSocket-Version': [version] }), 426),
  ),
  row('Upgrade to h2c', '4.2.1', request({ Upgrade: ['h2c'] }), 426),
  row('Connection: close', '4.2.1', request({ Connection: ['close'] }), 426),
  row('POST', '4.1', request({}, 'POST / HTTP/1.1'), 405),
  row('HTTP/1.0', '4.1', request({}, 'GET / HTTP/1.0'), 400),
  row('HTTP/0.9', '4.1', 'GET /\r\n\r\n', 426),
  row('a header without a colon', '4.1', request({}).replace('Upgrade: ', 'Upgrade '), 400),
  row('a head of 32 KiB', '4.1', request({ 'X-Long': ['x'.repeat(32_768)] }), 431),
];

/** Sends a request; returns the status of the answer. */
export async function ask(port: number, bytes: string): Promise<string> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  // A reset behind the answer is one of the ways to end.
  socket.on('error', () => {});
  socket.write(bytes);
  let answer = '';
  while (!answer.includes('\r\n\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    answer += chunk.toString('latin1');
  }
  socket.destroy();
  return /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 'no HTTP/1.1';
}
