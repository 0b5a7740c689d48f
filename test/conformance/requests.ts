import { deflateName } from './deflate-peer.js';
import { key, type RequestCase, request, row, rows } from './request-case.js';
import { extensionOffers, subprotocolOffers } from './request-offers.js';

const starts: readonly (readonly [start: string, status: number])[] = [
  ['GET http://127.0.0.1/ HTTP/1.1', 101],
  ['GET //a HTTP/1.1', 101],
  ['GET /?a=1 HTTP/1.1', 101],
  ['GET /#a HTTP/1.1', 400],
  ['GET * HTTP/1.1', 400],
  ['GET 127.0.0.1:80 HTTP/1.1', 400],
  ['GET  HTTP/1.1', 400],
  ['GET / / HTTP/1.1', 400],
  ['GET /\0 HTTP/1.1', 400],
  ['POST / HTTP/1.1', 405],
  ['HEAD / HTTP/1.1', 405],
  ['get / HTTP/1.1', 400],
  ['FETCH / HTTP/1.1', 400],
  ['GET / HTTP/1.0', 400],
  ['GET / HTTP/0.9', 400],
  ['GET / HTTP/2.0', 400],
  ['GET / HTTP/1.01', 400],
  ['GET / HTTP/1,1', 400],
  ['GET / http/1.1', 400],
  // What names the protocol is not to be had of node:http.
  ['GET / RTSP/1.1', 101],
];

const line = rows('4.2.1', 101, [
  ['as in the RFC', {}],
  ['Upgrade in capitals', { Upgrade: ['WEBSOCKET'] }],
  ['Upgrade as a list', { Upgrade: ['h2c,, websocket'] }],
  ['Upgrade in two lines', { Upgrade: ['h2c', 'websocket'] }],
  ['Connection as a list', { Connection: ['keep-alive, Upgrade'] }],
  ['Connection in two lines', { Connection: ['keep-alive', 'upgrade'] }],
]).concat(
  starts.map(([start, status]) => row(start.replace('\0', '<NUL>'), '4.1', request({}, start), status)),
);

const missing = ['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version'].flatMap(
  (name) => {
    const status = name === 'Host' || name.endsWith('Key') ? 400 : 426;
    return [
      row(`no ${name}`, '4.2.1', request({ [name]: [] }), status),
      row(`an empty ${name}`, '4.2.1', request({ [name]: [''] }), status),
    ];
  },
);

const repeated = [
  ...rows('4.2.1', 400, [
    ['Host twice', { Host: ['127.0.0.1', '127.0.0.1'] }],
    ['two Hosts', { Host: ['127.0.0.1', 'a.example'] }],
    ['Sec-WebSocket-Key twice', { 'Sec-WebSocket-Key': [key, key] }],
    ['two keys in a list', { 'Sec-WebSocket-Key': [`${key}, ${key}`] }],
    ['two Origins', { Origin: ['http://127.0.0.1', 'http://127.0.0.1'] }],
  ]),
  ...rows('4.4', 426, [
    ['Sec-WebSocket-Version twice', { 'Sec-WebSocket-Version': ['13', '13'] }],
    ['two versions', { 'Sec-WebSocket-Version': ['8', '13'] }],
  ]),
];

const hosts = [
  'a.example/b',
  'user@a.example',
  'a b',
  'a.example:65536',
  'a.example:x',
  'a.example, b.example',
  '[::1',
  '%',
  'a.example:80:80',
];
const keys = [
  'short',
  'dGhlIHNhbXBsZSBub25jZQ',
  'dGhlIHNhbXBsZSBub25jZQ=',
  'dGhlIHNhbXBsZSBub25jZQ===',
  'dGhlIHNhbXBsZSBub25jZQ==x',
  'dGhlIHNhbXBsZSBu b25jZQ==',
  'AAAA',
  'AAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAA=',
  '_-AAAAAAAAAAAAAAAAAAAA==',
  '!!!!!!!!!!!!!!!!!!!!!!==',
];
const versions = [
  '0',
  '8',
  '12',
  '14',
  '013',
  '+13',
  '-13',
  '13.0',
  '1.3e1',
  '13 13',
  '13, 13',
  '13;',
  '"13"',
  '0x0d',
  '255',
  '256',
  'x',
];

const values = [
  ...hosts.map((host) => row(`Host ${JSON.stringify(host)}`, '4.2.1', request({ Host: [host] }), 400)),
  ...['a.example:8080', '[::1]:80', 'LOCALHOST'].map((host) =>
    row(`Host ${JSON.stringify(host)}`, '4.2.1', request({ Host: [host] }), 101),
  ),
  ...['h2c', 'websocket/13', 'websockets', 'web socket'].map((value) =>
    row(`Upgrade: ${value}`, '4.2.1', request({ Upgrade: [value] }), 426),
  ),
  ...['close', 'keep-alive', 'upgrades'].map((value) =>
    row(`Connection: ${value}`, '4.2.1', request({ Connection: [value] }), 426),
  ),
  ...keys.map((one) =>
    row(`key ${JSON.stringify(one)}`, '4.2.1', request({ 'Sec-WebSocket-Key': [one] }), 400),
  ),
  row(
    'the key of the RFC whose last bits are not 0',
    '4.1',
    request({ 'Sec-WebSocket-Key': ['AQIDBAUGBwgJCgsMDQ4PEC=='] }),
    101,
  ),
  ...versions.map((version) =>
    row(`version ${JSON.stringify(version)}`, '4.4', request({ 'Sec-WebSocket-Version': [version] }), 426),
  ),
  row('spaces around the version', '4.4', request({ 'Sec-WebSocket-Version': [' \t13\t '] }), 101),
  ...['http://127.0.0.1', 'HTTP://127.0.0.1:80'].map((origin) =>
    row(`Origin ${origin}`, '10.2', request({ Origin: [origin] }), 101),
  ),
  ...['http://a.example', 'http://127.0.0.1:81', 'http://127.0.0.1.a.example', 'null', 'x', ''].map(
    (origin) => row(`Origin ${JSON.stringify(origin)}`, '10.2', request({ Origin: [origin] }), 403),
  ),
];

const bodies = [
  row('Content-Length: 0', '4.1', request({ 'Content-Length': ['0'] }), 101),
  ...rows('4.1', 400, [
    ['Content-Length: 5', { 'Content-Length': ['5'] }],
    ['Content-Length twice', { 'Content-Length': ['0', '5'] }],
    ['Content-Length: -1', { 'Content-Length': ['-1'] }],
    ['Content-Length: x', { 'Content-Length': ['x'] }],
    ['Transfer-Encoding: chunked', { 'Transfer-Encoding': ['chunked'] }],
    ['Transfer-Encoding: x', { 'Transfer-Encoding': ['x'] }],
    ['Content-Length and Transfer-Encoding', { 'Content-Length': ['5'], 'Transfer-Encoding': ['chunked'] }],
  ]),
];

const long = 'x'.repeat(20_000);

const oversized = [
  row('a head of 32 KiB', '4.1', request({ 'X-Long': ['x'.repeat(32_768)] }), 431),
  row(
    'a head of 32 KiB in 1,000 lines',
    '4.1',
    request({ 'X-Many': Array<string>(1_000).fill('x'.repeat(24)) }),
    431,
  ),
  row('a target of 20,000 bytes', '4.1', request({}, `GET /${long} HTTP/1.1`), 431),
  ...[
    'Host',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Version',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
  ].flatMap((name) => [
    row(`${name} of 20,000 bytes`, '4.2.1', request({ [name]: [long] }), 431),
    row(
      `${name} of 10,000 bytes`,
      '4.2.1',
      request({ [name]: [long.slice(10_000)] }),
      name.endsWith('Version') ? 426 : /Protocol|Extensions/.test(name) ? 101 : 400,
    ),
  ]),
  row(
    '1,000 subprotocols',
    '4.2.1',
    request({ 'Sec-WebSocket-Protocol': [Array.from({ length: 1_000 }, (_, i) => `p${i}`).join()] }),
    101,
  ),
  row(
    '600 offers of compression',
    '9.1',
    request({ 'Sec-WebSocket-Extensions': [Array<string>(600).fill(`${deflateName};x`).join()] }),
    101,
  ),
];

const syntax: readonly (readonly [name: string, bytes: string, expected: number])[] = [
  ['HTTP/0.9', 'GET /\r\n\r\n', 426],
  ['an empty line first', `\r\n${request()}`, 101],
  ['a header without a colon', request().replace('Upgrade: ', 'Upgrade '), 400],
  ['a space before the colon', request().replace('Upgrade:', 'Upgrade :'), 400],
  ['a header without a name', request().replace('Upgrade:', ':'), 400],
  ['a name that is not a token', request().replace('Upgrade:', 'Upgr(ade:'), 400],
  ['a folded line', request({ 'X-A': ['a\r\n b'] }), 400],
  ['a line feed alone as the end of a line', request().replaceAll('\r\n', '\n'), 400],
  ['a carriage return alone inside a value', request({ 'X-A': ['a\rb'] }), 400],
  ['NUL inside a value', request({ 'X-A': ['a\0b'] }), 400],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['the hello of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  ['a frame', '\x81\x85\0\0\0\0hello\r\n\r\n', 400],
];

/** Limits of the server. */
const bounded: readonly (readonly [
  name: string,
  bytes: string,
  expected: number,
  options: NonNullable<RequestCase['options']>,
])[] = [
  [
    'a head without an end, handshakeTimeout 50',
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n',
    408,
    { handshakeTimeout: 50 },
  ],
  [
    'an authorize without an end, handshakeTimeout 50',
    request(),
    503,
    { handshakeTimeout: 50, authorize: () => new Promise(() => {}) },
  ],
  [
    'a head of 3,000 bytes, maxHeaderSize 2000',
    request({ 'X-Long': ['x'.repeat(3_000)] }),
    431,
    { maxHeaderSize: 2_000 },
  ],
  ['another path', request({}, 'GET /other HTTP/1.1'), 404, { path: '/this' }],
  ['the path in another case', request({}, 'GET /THIS HTTP/1.1'), 404, { path: '/this' }],
  ['the path with a query', request({}, 'GET /this?a=1 HTTP/1.1'), 101, { path: '/this' }],
];

/** Every request, in the order of its number. */
export const requests: readonly RequestCase[] = [
  ...line,
  ...missing,
  ...repeated,
  ...values,
  ...bodies,
  ...subprotocolOffers,
  ...extensionOffers,
  ...oversized,
  ...syntax.map(([name, bytes, expected]) => row(name, '4.1', bytes, expected)),
  {
    ...row('one more than maxConnections 1', '4.2.2', request(), 503),
    options: { maxConnections: 1 },
    isSecond: true,
  },
  {
    ...row('one more than maxConnectionsPerAddress 1', '4.2.2', request(), 429),
    options: { maxConnectionsPerAddress: 1 },
    isSecond: true,
  },
  ...bounded.map(([name, bytes, expected, options]) => ({ ...row(name, '4.2.2', bytes, expected), options })),
];
