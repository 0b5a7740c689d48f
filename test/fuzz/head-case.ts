import fc from 'fast-check';
import { sampleAccept, sampleKey } from '../handshake/vectors.js';
import { byteMutation, mutateBytes } from './mutations.js';

/** The head of a request or response, perhaps broken. */
export interface HeadCase {
  readonly bytes: Buffer;
  readonly chunks: readonly number[];
  /** Whether single bytes were changed: what comes of it only the parser of HTTP knows. */
  readonly isWild: boolean;
}

type Header = readonly [name: string, value: string];

/** Values that are tempting, right or wrong, for each header. */
const values: Readonly<Record<string, readonly string[]>> = {
  Host: ['a.example', 'a.example:80', '', 'a b', 'a/b', 'b.example'],
  Upgrade: [
    'websocket',
    'WebSocket',
    'h2c',
    'h2c, websocket',
    '',
    'websocket/13',
    'websoc\u212aet',
    ', websocket',
  ],
  Connection: ['Upgrade', 'keep-alive, Upgrade', 'close', '', 'upgrade,', 'Upgrade, Upgrade'],
  'Sec-WebSocket-Key': [sampleKey, 'AAAA', '', `${sampleKey}=`, sampleKey.slice(1)],
  'Sec-WebSocket-Version': ['13', '8', '013', '+13', '13.0', '13, 8', ''],
  'Sec-WebSocket-Accept': [sampleAccept, '', sampleAccept.toLowerCase(), sampleKey],
  'Sec-WebSocket-Protocol': ['chat', 'chat, news', 'Chat', '', 'a b', 'news', 'constructor', '__proto__'],
  'Sec-WebSocket-Extensions': [
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; client_max_window_bits=10; server_no_context_takeover',
    'permessage-deflate; server_max_window_bits="9"',
    'permessage-deflate; server_max_window_bits=08',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate, permessage-deflate',
    'constructor',
    'permessage-deflate; __proto__=1',
    ';',
    '"',
    '',
    `${'a,'.repeat(2_000)}`,
    `x; y="${'\\'.repeat(999)}`,
  ],
  'Content-Length': ['0', '5', '-1'],
  'Transfer-Encoding': ['chunked'],
  Origin: ['http://a.example', 'null', 'http://evil.example', '', 'http://', `http://${'a'.repeat(3_000)}`],
  'X-Other': ['', 'x'.repeat(2_000), '\u00ff'],
};

const names = Object.keys(values);

const headerMutation = fc.record({
  kind: fc.constantFrom('drop', 'twice', 'swap', 'value', 'value', 'add', 'add', 'case', 'flood'),
  at: fc.nat(),
  name: fc.constantFrom(...names),
  pick: fc.nat(),
});

type HeaderMutation = typeof headerMutation extends fc.Arbitrary<infer T> ? T : never;

function mutateHeaders(headers: readonly Header[], { kind, at, name, pick }: HeaderMutation): Header[] {
  const any = (of: string) => values[of]![pick % values[of]!.length]!;
  if (headers.length === 0 || kind === 'add') return [...headers, [name, any(name)]];
  const index = at % headers.length;
  const header = headers[index]!;
  const replace = (...others: Header[]) => headers.toSpliced(index, 1, ...others);
  if (kind === 'drop') return replace();
  if (kind === 'twice') return replace(header, header);
  if (kind === 'swap') return headers.toSpliced(index, 1).toSpliced(pick % headers.length, 0, header);
  if (kind === 'value') {
    // In whatever case: values of other headers are beyond what the plain rules know.
    const own = names.find((known) => known.toLowerCase() === header[0].toLowerCase());
    return replace([header[0], any(own ?? name)]);
  }
  if (kind === 'case') return replace([header[0].toUpperCase(), header[1]]);
  return replace(...Array<Header>(pick % 400).fill(header));
}

function headCase(firstLines: readonly string[], sample: readonly Header[]): fc.Arbitrary<HeadCase> {
  return fc
    .record({
      first: fc.oneof(
        { weight: 8, arbitrary: fc.constant(firstLines[0]!) },
        { weight: 1, arbitrary: fc.constantFrom(...firstLines) },
      ),
      mutations: fc.array(headerMutation, { maxLength: 3 }),
      wild: fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(byteMutation, { minLength: 1, maxLength: 3 }) },
      ),
      behind: fc.constantFrom('', '\x81\x82\0\0\0\0hi'),
      chunks: fc.oneof(
        fc.constant([Infinity]),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
      ),
    })
    .map(({ first, mutations, wild, behind, chunks }) => {
      let headers = [...sample];
      for (const mutation of mutations) headers = mutateHeaders(headers, mutation);
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
      let bytes: Buffer = Buffer.from(`${first}\r\n${lines.join('')}\r\n${behind}`, 'latin1');
      for (const mutation of wild) bytes = mutateBytes(bytes, mutation);
      return { bytes, chunks, isWild: wild.length > 0 };
    });
}

export const requestCase = headCase(
  [
    'GET /chat HTTP/1.1',
    'POST /chat HTTP/1.1',
    'GET /chat HTTP/1.0',
    'GET * HTTP/1.1',
    'GET /a#b HTTP/1.1',
    'get / HTTP/1.1',
  ],
  [
    ['Host', 'a.example'],
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Key', sampleKey],
    ['Sec-WebSocket-Version', '13'],
  ],
);

export const responseCase = headCase(
  [
    'HTTP/1.1 101 Switching Protocols',
    'HTTP/1.1 101',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 ',
    'HTTP/1.1 401 No',
    'HTTP/2.0 101 x',
    'HTTP/1.1 1010 x',
    ' HTTP/1.1 101 x',
    `${'HTTP/1.1 103 Early\r\nLink: a\r\n\r\n'.repeat(12)}HTTP/1.1 101 `,
  ],
  [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', sampleAccept],
  ],
);
