/**
 * The opening handshake as a table: what a server makes of a request, and a client of a response. Each row starts from
 * the request or response of RFC 6455 section 1.3 and changes something.
 */

/** Changes to a list of headers: a value, several for a repeated header, none to leave it out. */
export type HeaderChanges = Record<string, string | readonly string[] | undefined>;

export interface RequestVector {
  readonly name: string;
  readonly method?: string;
  readonly url?: string;
  readonly httpVersion?: string;
  readonly headers?: HeaderChanges;
  /** The subprotocols that the server speaks. */
  readonly speaks?: readonly string[];
  readonly origins?: readonly string[] | '*';
  /** The status of the refusal, or the subprotocol chosen, `none` for an acceptance without one. */
  readonly result: number | string;
  /** A part of the refusal's text. */
  readonly says?: string;
}

export const sampleKey = 'dGhlIHNhbXBsZSBub25jZQ==';
export const sampleAccept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

const sampleRequest: HeaderChanges = {
  Host: 'server.example.com',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': sampleKey,
  'Sec-WebSocket-Version': '13',
};

const sampleResponse: HeaderChanges = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Accept': sampleAccept,
};

export function listChanged(sample: HeaderChanges, changes: HeaderChanges = {}): string[] {
  return Object.entries({ ...sample, ...changes }).flatMap(([name, value]) => {
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
    return values.flatMap((one) => [name, one]);
  });
}

export function makeRequest(vector: Partial<Omit<RequestVector, 'result'>> = {}): {
  method: string;
  url: string;
  httpVersion: string;
  rawHeaders: string[];
} {
  return {
    method: vector.method ?? 'GET',
    url: vector.url ?? '/chat',
    httpVersion: vector.httpVersion ?? '1.1',
    rawHeaders: listChanged(sampleRequest, vector.headers),
  };
}

export function makeResponse(vector: Partial<ResponseVector> = {}): { status: number; rawHeaders: string[] } {
  return { status: vector.status ?? 101, rawHeaders: listChanged(sampleResponse, vector.headers) };
}

const huge = 100_000;

export const requestVectors: readonly RequestVector[] = [
  { name: 'the request of the RFC', result: 'none' },

  // The request line.
  { name: 'POST', method: 'POST', result: 405, says: 'GET' },
  { name: 'HEAD', method: 'HEAD', result: 405 },
  { name: 'a method in lower case', method: 'get', result: 405 },
  { name: 'HTTP/1.0', httpVersion: '1.0', result: 400, says: 'HTTP/1.1' },
  { name: 'HTTP/0.9', httpVersion: '0.9', result: 400 },
  { name: 'HTTP/1.2', httpVersion: '1.2', result: 'none' },
  { name: 'HTTP/2.0 in an HTTP/1.1 message', httpVersion: '2.0', result: 400 },
  { name: 'HTTP/1.01', httpVersion: '1.01', result: 400 },
  { name: 'HTTP/1.10', httpVersion: '1.10', result: 400 },
  { name: 'HTTP/11.1', httpVersion: '11.1', result: 400 },
  { name: 'a query', url: '/chat?room=1', result: 'none' },
  { name: 'an absolute-form target', url: 'http://server.example.com/chat', result: 'none' },
  { name: 'an authority-form target', url: 'server.example.com:80', result: 400, says: 'target' },
  { name: 'an asterisk-form target', url: '*', result: 400 },
  { name: 'an empty target', url: '', result: 400 },
  { name: 'a target with a fragment', url: '/chat#room', result: 400 },

  // Bodies.
  { name: 'a length of 0', headers: { 'Content-Length': '0' }, result: 'none' },
  { name: 'a body', headers: { 'Content-Length': '5' }, result: 400, says: 'body' },
  { name: 'two lengths', headers: { 'Content-Length': ['0', '5'] }, result: 400 },
  { name: 'a chunked body', headers: { 'Transfer-Encoding': 'chunked' }, result: 400, says: 'body' },

  // Host.
  { name: 'no Host', headers: { Host: undefined }, result: 400, says: 'Host' },
  { name: 'an empty Host', headers: { Host: '' }, result: 400 },
  { name: 'two Hosts', headers: { Host: ['a.example', 'b.example'] }, result: 400 },
  { name: 'two equal Hosts', headers: { Host: ['a.example', 'a.example'] }, result: 400 },
  { name: 'a Host with a port', headers: { Host: 'localhost:8080' }, result: 'none' },
  { name: 'a Host that is IPv6', headers: { Host: '[::1]:8080' }, result: 'none' },
  { name: 'a Host with a path', headers: { Host: 'a.example/b' }, result: 400 },
  { name: 'a Host with a user', headers: { Host: 'user@a.example' }, result: 400 },
  { name: 'a Host with a space', headers: { Host: 'a b' }, result: 400 },
  { name: 'a Host with a port too high', headers: { Host: 'a.example:65536' }, result: 400 },
  { name: 'a list of Hosts', headers: { Host: 'a.example, b.example' }, result: 400 },

  // Upgrade and Connection.
  { name: 'no Upgrade', headers: { Upgrade: undefined }, result: 426, says: 'Upgrade: websocket' },
  { name: 'Upgrade in capitals', headers: { Upgrade: 'WebSocket' }, result: 'none' },
  { name: 'Upgrade as a list', headers: { Upgrade: 'h2c,, websocket' }, result: 'none' },
  { name: 'Upgrade repeated', headers: { Upgrade: ['h2c', 'websocket'] }, result: 'none' },
  { name: 'Upgrade to something else', headers: { Upgrade: 'h2c' }, result: 426 },
  { name: 'Upgrade with a version', headers: { Upgrade: 'websocket/13' }, result: 426 },
  { name: 'Upgrade to a longer word', headers: { Upgrade: 'websockets' }, result: 426 },
  {
    name: 'Upgrade with a Kelvin sign for a k',
    headers: { Upgrade: 'websoc\u212aet' },
    result: 426,
  },
  { name: 'Upgrade behind a no-break space', headers: { Upgrade: '\u00a0websocket' }, result: 426 },
  { name: 'no Connection', headers: { Connection: undefined }, result: 400, says: 'Connection: Upgrade' },
  { name: 'Connection: keep-alive, Upgrade', headers: { Connection: 'keep-alive, Upgrade' }, result: 'none' },
  { name: 'Connection repeated', headers: { Connection: ['keep-alive', '\tUPGRADE '] }, result: 'none' },
  { name: 'Connection: keep-alive', headers: { Connection: 'keep-alive' }, result: 400, says: 'proxy' },

  // Key.
  { name: 'no key', headers: { 'Sec-WebSocket-Key': undefined }, result: 400, says: 'Sec-WebSocket-Key' },
  { name: 'two keys', headers: { 'Sec-WebSocket-Key': [sampleKey, sampleKey] }, result: 400 },
  { name: 'an empty key', headers: { 'Sec-WebSocket-Key': '' }, result: 400 },
  { name: 'a key of 15 bytes', headers: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAA' }, result: 400 },
  { name: 'a key of 17 bytes', headers: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAAA=' }, result: 400 },
  { name: 'a key without padding', headers: { 'Sec-WebSocket-Key': sampleKey.slice(0, 22) }, result: 400 },
  {
    name: 'a key that is not base64',
    headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j*Q==' },
    result: 400,
  },
  { name: 'a key in base64url', headers: { 'Sec-WebSocket-Key': '_-AAAAAAAAAAAAAAAAAAAA==' }, result: 400 },
  {
    name: 'the key of RFC 6455 section 4.1, which has bits left over',
    headers: { 'Sec-WebSocket-Key': 'AQIDBAUGBwgJCgsMDQ4PEC==' },
    result: 'none',
  },

  // Version.
  { name: 'no version', headers: { 'Sec-WebSocket-Version': undefined }, result: 426, says: 'was none' },
  { name: 'version 8', headers: { 'Sec-WebSocket-Version': '8' }, result: 426, says: 'was "8"' },
  { name: 'version 013', headers: { 'Sec-WebSocket-Version': '013' }, result: 426 },
  { name: 'version +13', headers: { 'Sec-WebSocket-Version': '+13' }, result: 426 },
  { name: 'version 13.0', headers: { 'Sec-WebSocket-Version': '13.0' }, result: 426 },
  { name: 'version 0xd', headers: { 'Sec-WebSocket-Version': '0xd' }, result: 426 },
  { name: 'a list of versions', headers: { 'Sec-WebSocket-Version': '13, 8' }, result: 426 },
  { name: 'two versions', headers: { 'Sec-WebSocket-Version': ['13', '13'] }, result: 426, says: 'and' },

  // Origin.
  { name: 'the same origin', headers: { Origin: 'http://server.example.com' }, result: 'none' },
  { name: 'the same origin over TLS', headers: { Origin: 'https://server.example.com' }, result: 'none' },
  { name: 'another origin', headers: { Origin: 'http://evil.example' }, result: 403, says: '"origins"' },
  { name: 'the null origin', headers: { Origin: 'null' }, result: 403, says: '"null"' },
  {
    name: 'two origins',
    headers: { Origin: ['http://server.example.com', 'http://evil.example'] },
    result: 400,
  },
  { name: 'any origin', headers: { Origin: 'http://evil.example' }, origins: '*', result: 'none' },
  {
    name: 'a listed origin',
    headers: { Origin: 'https://app.example' },
    origins: ['https://app.example'],
    result: 'none',
  },
  {
    name: 'the same origin beside a list',
    headers: { Origin: 'https://server.example.com' },
    origins: ['https://app.example'],
    result: 'none',
  },
  {
    name: 'an absolute-form target that outweighs Host',
    url: 'http://other.example/',
    headers: { Origin: 'http://server.example.com' },
    result: 403,
    says: 'other.example',
  },

  // Subprotocols.
  {
    name: "the first of the client's that is spoken",
    headers: { 'Sec-WebSocket-Protocol': 'a, b, c' },
    speaks: ['c', 'b'],
    result: 'b',
  },
  { name: 'none that is spoken', headers: { 'Sec-WebSocket-Protocol': 'a' }, speaks: ['b'], result: 'none' },
  { name: 'none spoken at all', headers: { 'Sec-WebSocket-Protocol': 'a' }, result: 'none' },
  { name: 'none offered', speaks: ['a'], result: 'none' },
  {
    name: 'offered in two headers with empty elements',
    headers: { 'Sec-WebSocket-Protocol': [',a,', ' ,b'] },
    speaks: ['b'],
    result: 'b',
  },
  { name: 'another case', headers: { 'Sec-WebSocket-Protocol': 'Chat' }, speaks: ['chat'], result: 'none' },
  { name: 'offered twice', headers: { 'Sec-WebSocket-Protocol': 'a, a' }, speaks: ['a'], result: 400 },
  { name: 'an empty offer', headers: { 'Sec-WebSocket-Protocol': '' }, result: 400, says: 'Protocol' },
  { name: 'not a token', headers: { 'Sec-WebSocket-Protocol': 'a b' }, result: 400 },
  {
    name: 'names of what every object has',
    headers: { 'Sec-WebSocket-Protocol': '__proto__, constructor, toString' },
    speaks: ['a'],
    result: 'none',
  },
  {
    name: 'such a name that is spoken',
    headers: { 'Sec-WebSocket-Protocol': 'constructor, __proto__' },
    speaks: ['__proto__'],
    result: '__proto__',
  },

  // Extensions.
  { name: 'an unknown extension', headers: { 'Sec-WebSocket-Extensions': 'x-unknown; a=1' }, result: 'none' },
  {
    name: 'extensions named as what every object has',
    headers: { 'Sec-WebSocket-Extensions': '__proto__, constructor; __proto__=1' },
    result: 'none',
  },
  { name: 'malformed extensions', headers: { 'Sec-WebSocket-Extensions': 'a;' }, result: 400, says: '9.1' },

  // Large input.
  {
    name: 'very many subprotocols',
    headers: { 'Sec-WebSocket-Protocol': Array.from({ length: huge }, (_, i) => `p${i}`).join() },
    speaks: [`p${huge - 1}`],
    result: `p${huge - 1}`,
  },
  {
    name: 'very many empty elements and spaces',
    headers: { 'Sec-WebSocket-Protocol': `${' ,'.repeat(huge)}${' '.repeat(huge)}a${'\t,'.repeat(huge)}` },
    speaks: ['a'],
    result: 'a',
  },
  { name: 'a very long Host', headers: { Host: 'a'.repeat(huge) }, result: 400 },
  { name: 'a very long Origin', headers: { Origin: `http://${'xn--'.repeat(huge)}` }, result: 403 },
  { name: 'a very long version', headers: { 'Sec-WebSocket-Version': '1'.repeat(huge) }, result: 426 },
  {
    name: 'spaces without end in the extensions',
    headers: {
      'Sec-WebSocket-Extensions': `a${' '.repeat(huge)};${' '.repeat(huge)}b=${'\t'.repeat(huge)}"`,
    },
    result: 400,
  },
  {
    name: 'quotes without end in the extensions',
    headers: { 'Sec-WebSocket-Extensions': `a;b="${'\\"'.repeat(huge)}` },
    result: 400,
  },
  {
    name: 'very many extensions',
    headers: { 'Sec-WebSocket-Extensions': Array(huge).fill('permessage-deflate; a; b=1').join() },
    result: 'none',
  },
  {
    name: 'very many headers',
    headers: Object.fromEntries(Array.from({ length: huge }, (_, i) => [`X-${i}`, 'x'])),
    result: 'none',
  },
];

export interface ResponseVector {
  readonly name: string;
  readonly status?: number;
  readonly headers?: HeaderChanges;
  /** The subprotocols that were offered. */
  readonly offers?: readonly string[];
  /** The subprotocol agreed on, `none` for an acceptance without one, or the code of the error. */
  readonly result: string;
  /** A part of the error's message. */
  readonly says?: string;
}

const invalid = 'ANTS_HANDSHAKE_INVALID';

export const responseVectors: readonly ResponseVector[] = [
  { name: 'the response of the RFC', result: 'none' },
  { name: 'another status', status: 200, result: 'ANTS_HANDSHAKE_REFUSED', says: '200' },
  { name: 'a redirect', status: 301, result: 'ANTS_HANDSHAKE_REFUSED' },

  { name: 'no Upgrade', headers: { Upgrade: undefined }, result: invalid, says: 'Upgrade: websocket' },
  { name: 'Upgrade in capitals', headers: { Upgrade: 'WEBSOCKET' }, result: 'none' },
  { name: 'Upgrade to something else', headers: { Upgrade: 'h2c' }, result: invalid },
  { name: 'Upgrade to two', headers: { Upgrade: 'websocket, h2c' }, result: invalid },
  { name: 'no Connection', headers: { Connection: undefined }, result: invalid, says: 'Connection: Upgrade' },
  { name: 'Connection as a list', headers: { Connection: 'keep-alive,upgrade' }, result: 'none' },
  { name: 'Connection: close', headers: { Connection: 'close' }, result: invalid },

  { name: 'no accept', headers: { 'Sec-WebSocket-Accept': undefined }, result: invalid, says: 'has 0' },
  {
    name: 'two accepts',
    headers: { 'Sec-WebSocket-Accept': [sampleAccept, sampleAccept] },
    result: invalid,
    says: 'has 2',
  },
  { name: 'a wrong accept', headers: { 'Sec-WebSocket-Accept': sampleKey }, result: invalid, says: 'fit' },
  {
    name: 'an accept in another case',
    headers: { 'Sec-WebSocket-Accept': sampleAccept.toLowerCase() },
    result: invalid,
  },

  {
    name: 'an offered subprotocol',
    headers: { 'Sec-WebSocket-Protocol': 'b' },
    offers: ['a', 'b'],
    result: 'b',
  },
  { name: 'none of the offered subprotocols', offers: ['a'], result: 'none' },
  { name: 'a subprotocol without an offer', headers: { 'Sec-WebSocket-Protocol': 'a' }, result: invalid },
  {
    name: 'another subprotocol',
    headers: { 'Sec-WebSocket-Protocol': 'c' },
    offers: ['a', 'b'],
    result: invalid,
    says: '"c"',
  },
  {
    name: 'two subprotocols in a list',
    headers: { 'Sec-WebSocket-Protocol': 'a, b' },
    offers: ['a', 'b'],
    result: invalid,
  },
  {
    name: 'two subprotocols in two headers',
    headers: { 'Sec-WebSocket-Protocol': ['a', 'b'] },
    offers: ['a', 'b'],
    result: invalid,
    says: 'more than one',
  },
  { name: 'an empty subprotocol', headers: { 'Sec-WebSocket-Protocol': '' }, offers: ['a'], result: invalid },
  { name: 'the name __proto__', headers: { 'Sec-WebSocket-Protocol': '__proto__' }, result: invalid },

  {
    name: 'an extension without an offer',
    headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
    result: invalid,
    says: 'not offered',
  },
  {
    name: 'the extension constructor',
    headers: { 'Sec-WebSocket-Extensions': 'constructor' },
    result: invalid,
  },
  {
    name: 'malformed extensions',
    headers: { 'Sec-WebSocket-Extensions': 'a;=' },
    result: invalid,
    says: 'malformed',
  },
  { name: 'empty extensions', headers: { 'Sec-WebSocket-Extensions': '' }, result: invalid },
  {
    name: 'a very long list of extensions',
    headers: { 'Sec-WebSocket-Extensions': 'a,'.repeat(huge) },
    result: invalid,
  },
];
