import { createConnection, type Socket } from 'node:net';
import type { ServeOptions } from 'ants-ws';
import { headOf } from './runner.js';

/** A request to our server, right or wrong, and the status of the answer with what was agreed on. */
export interface RequestCase {
  readonly name: string;
  readonly section: string;
  readonly request: string;
  readonly expected: string;
  /** Of the server, beside the usual ones. */
  readonly options?: ServeOptions;
  /** Another one was accepted before, and has its connection still. */
  readonly isSecond?: true;
}

/** Those of RFC 6455 section 1.3. */
const headers = [
  ['Host', '127.0.0.1'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
] as const;

/** The request with changes: a header gets these values, one line for each; none leaves it out. */
export function request(
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

/** Headers by name, one value for each line. */
export type Changes = Readonly<Record<string, readonly string[]>>;

/** A row of the table. */
export function row(name: string, section: string, bytes: string, expected: string | number): RequestCase {
  return { name, section, request: bytes, expected: String(expected) };
}

/** Rows that differ in headers. */
export function rows(
  section: string,
  expected: string | number,
  list: readonly (readonly [name: string, changes: Changes])[],
): RequestCase[] {
  return list.map(([name, changes]) => row(name, section, request(changes), expected));
}

/** The key of RFC 6455 section 1.3. */
export const key = headers[3][1];

/** Sends a request to a server on this port; says the status of the answer, and what was agreed on. */
export async function ask(port: number, { request: bytes, isSecond }: RequestCase): Promise<string> {
  const first = isSecond && (await send(port, request()));
  const { socket, head } = await send(port, bytes);
  socket.destroy();
  first?.socket.destroy();
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 'no HTTP/1.1';
  const agreed = ['Protocol', 'Extensions'].flatMap(
    (name) => new RegExp(`\\r\\nSec-WebSocket-${name}: (.*)\\r\\n`).exec(head)?.[1] ?? [],
  );
  return [status, ...agreed].join(', ');
}

async function send(port: number, bytes: string): Promise<{ socket: Socket; head: string }> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  // A reset behind the answer is one of the ways to end.
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  const { head } = await headOf(socket);
  return { socket, head };
}
