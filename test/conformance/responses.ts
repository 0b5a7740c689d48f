import { deflateName } from './deflate-peer.js';
import {
  acceptOf,
  failed,
  invalid,
  type More,
  type ResponseCase,
  refused,
  response,
  row,
  values,
} from './response-case.js';
import { askedAnswers, extensionAnswers } from './response-extensions.js';

const starts: readonly (readonly [start: string, expected: string])[] = [
  ['HTTP/1.1 101 Switching Protocols', 'open'],
  ['HTTP/1.1 101', 'open'],
  ['HTTP/1.1 101 ', 'open'],
  ['HTTP/1.1 101 caf\u00e9', 'open'],
  // Nothing in RFC 6455 asks a client to look at it.
  ['HTTP/1.0 101 Switching Protocols', 'open'],
  ['HTTP/0.9 101 Switching Protocols', invalid],
  ['HTTP/1.2 101 Switching Protocols', invalid],
  ['HTTP/2 101 Switching Protocols', invalid],
  ['HTTP/01.1 101 Switching Protocols', invalid],
  ['http/1.1 101 Switching Protocols', invalid],
  ['HTTP/1.1  101 Switching Protocols', invalid],
  ['HTTP/1.1\t101 Switching Protocols', invalid],
  [' HTTP/1.1 101 Switching Protocols', invalid],
  ['HTTP/1.1 0101 Switching Protocols', invalid],
  ['HTTP/1.1 +101 Switching Protocols', invalid],
  ['HTTP/1.1 101.0 Switching Protocols', invalid],
  ['HTTP/1.1 1010 Switching Protocols', invalid],
  ['HTTP/1.1 10 Switching Protocols', invalid],
  ['HTTP/1.1 0x65 Switching Protocols', invalid],
  ['HTTP/1.1', invalid],
  ['GET / HTTP/1.1', invalid],
];

const statuses = [
  ...starts.map(([start, expected]) =>
    row(start.replace('\t', '<TAB>'), '4.1', response({}, start), expected),
  ),
  ...[200, 204, 301, 304, 400, 401, 403, 404, 426, 429, 500, 503, 999].map((status) =>
    row(
      `status ${status} with the headers of a 101`,
      '4.1',
      response({ 'Content-Length': ['0'] }, `HTTP/1.1 ${status} X`),
      `${refused} ${status}`,
    ),
  ),
  row('103, then 101', '4.1', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${response()}`, 'open'),
  row(
    'ten times 103, then 101',
    '4.1',
    `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10)}${response()}`,
    'open',
  ),
  row(
    'eleven times 103, then 101',
    '4.1',
    `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(11)}${response()}`,
    invalid,
  ),
  row(
    '103 with the headers of a 101, then nothing',
    '4.1',
    response({}, 'HTTP/1.1 103 Early Hints'),
    failed,
    { ends: true },
  ),
];

const required = [
  ...values('Upgrade', 'open', [['WEBSOCKET'], [' \twebsocket\t ']]),
  ...values('Upgrade', invalid, [
    [],
    [''],
    ['h2c'],
    ['websocket, h2c'],
    ['websocket', 'websocket'],
    ['websocket', 'h2c'],
    ['websocket/13'],
    ['websockets'],
    ['"websocket"'],
  ]),
  ...values('Connection', 'open', [
    ['UPGRADE'],
    ['keep-alive, Upgrade'],
    ['keep-alive', 'upgrade'],
    ['upgrade', 'upgrade'],
  ]),
  ...values('Connection', invalid, [
    [],
    [''],
    ['close'],
    ['keep-alive'],
    ['upgrades'],
    ['up grade'],
    ['"upgrade"'],
  ]),
  ...values('Sec-WebSocket-Accept', 'open', [[' \t<accept>\t ']]),
  ...values('Sec-WebSocket-Accept', invalid, [
    [],
    [''],
    ['<accept>', '<accept>'],
    ['<accept>, <accept>'],
    ['<accept>', 'x'],
    ['<accept>x'],
    ['x<accept>'],
    ['"<accept>"'],
    ['<accept>='],
    ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
  ]),
  ...(
    [
      ['in lower case', (accept: string) => accept.toLowerCase()],
      ['without padding', (accept: string) => accept.replace('=', '')],
      ['in hex', (accept: string) => Buffer.from(accept, 'base64').toString('hex')],
      [
        'one bit off',
        (accept: string) => {
          const bytes = Buffer.from(accept, 'base64');
          bytes[19]! ^= 1;
          return bytes.toString('base64');
        },
      ],
      ['of itself', acceptOf],
    ] as const
  ).map(
    ([name, change]): ResponseCase => ({
      name: `Sec-WebSocket-Accept ${name}`,
      section: '4.1',
      response: (accept) => response({ 'Sec-WebSocket-Accept': [change(accept)] }),
      expected: invalid,
    }),
  ),
  row(
    'a Sec-WebSocket-Version and a Sec-WebSocket-Key, which are not asked for',
    '4.1',
    response({ 'Sec-WebSocket-Version': ['8'], 'Sec-WebSocket-Key': ['x'] }),
    'open',
  ),
  row('Content-Length: 5', '4.1', response({ 'Content-Length': ['5'] }), 'open'),
  row('Transfer-Encoding: chunked', '4.1', response({ 'Transfer-Encoding': ['chunked'] }), 'open'),
];

const subprotocol = 'Sec-WebSocket-Protocol';
const subprotocols = [
  ...values(subprotocol, 'open', [[]]),
  ...values(subprotocol, 'open, chat', [['chat'], [' chat ']]),
  ...values(subprotocol, 'open, superchat', [['superchat']]),
  ...values(subprotocol, invalid, [
    [''],
    ['x'],
    ['Chat'],
    ['chat, superchat'],
    ['chat, chat'],
    ['chat,'],
    ['chat', 'chat'],
    ['chat', 'superchat'],
    ['"chat"'],
    ['chat;a=1'],
    ['__proto__'],
    ['constructor'],
  ]),
  row('a subprotocol, none was offered', '4.1', response({ [subprotocol]: ['chat'] }), invalid, {
    options: { subprotocols: [] },
  }),
];

const long = 'x'.repeat(20_000);
const oversized = [
  row('a head of 20,000 bytes', '4.1', response({ 'X-Long': [long] }), invalid),
  row('a head of 12,000 bytes', '4.1', response({ 'X-Long': [long.slice(8_000)] }), 'open'),
  row(
    'a head of 12,000 bytes, maxHeaderSize 10000',
    '4.1',
    response({ 'X-Long': [long.slice(8_000)] }),
    invalid,
    { options: { maxHeaderSize: 10_000 } },
  ),
  row('253 header lines more', '4.1', response({ 'X-Many': Array<string>(253).fill('x') }), 'open'),
  row('254 header lines more', '4.1', response({ 'X-Many': Array<string>(254).fill('x') }), invalid),
  row('a status line of 20,000 bytes', '4.1', response({}, `HTTP/1.1 101 ${long}`), invalid),
  row('a line of 20,000 bytes without an end', '4.1', `HTTP/1.1 101 ${long}`, invalid),
  row('20,000 spaces before a value', '4.1', response({ 'X-Long': [' '.repeat(20_000)] }), invalid),
  ...['Upgrade', 'Sec-WebSocket-Accept', subprotocol, 'Sec-WebSocket-Extensions'].map((one) =>
    row(`${one} of 12,000 bytes`, '4.1', response({ [one]: [long.slice(8_000)] }), invalid),
  ),
  row(
    '600 times permessage-deflate',
    '9.1',
    response({ 'Sec-WebSocket-Extensions': [Array<string>(600).fill(deflateName).join()] }),
    invalid,
  ),
  row(
    'a refusal with a body of 100,000 bytes',
    '4.1',
    `HTTP/1.1 403 Forbidden\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`,
    `${refused} 403`,
  ),
  row(
    'a refusal with a body that has no end, maxResponseBody 10',
    '4.1',
    `HTTP/1.1 403 Forbidden\r\n\r\n${'x'.repeat(11)}`,
    `${refused} 403`,
    { options: { maxResponseBody: 10 } },
  ),
];

const syntax: readonly (readonly [name: string, bytes: string, expected: string, more?: More])[] = [
  ['an empty line first', `\r\n${response()}`, invalid],
  ['a header without a colon', response().replace('Upgrade: ', 'Upgrade '), invalid],
  ['a space before the colon', response().replace('Upgrade:', 'Upgrade :'), invalid],
  ['a header without a name', response().replace('Upgrade:', ':'), invalid],
  ['a name that is not a token', response().replace('Upgrade:', 'Upgr(ade:'), invalid],
  ['a folded line', response({ 'X-A': ['a\r\n b'] }), invalid],
  ['a line feed alone as the end of a line', response().replaceAll('\r\n', '\n'), invalid],
  ['a carriage return alone inside a value', response({ 'X-A': ['a\rb'] }), invalid],
  ['NUL inside a value', response({ 'X-A': ['a\0b'] }), invalid],
  ['bytes above ASCII inside a value', response({ 'X-A': ['caf\u00e9'] }), 'open'],
  ['no HTTP', 'hello\r\n\r\n', invalid],
  ['an alert of TLS, and the end of TCP', '\x15\x03\x03\0\x02\x02\x46', failed, { ends: true }],
  ['a frame', '\x81\x05hello\r\n\r\n', invalid],
  ['nothing, and the end of TCP', '', failed, { ends: true }],
  ['half a head, and the end of TCP', response().slice(0, 60), failed, { ends: true }],
  [
    'a head without an end, handshakeTimeout 50',
    response().slice(0, -2),
    'ANTS_HANDSHAKE_TIMEOUT',
    { options: { handshakeTimeout: 50 } },
  ],
];

/** Every response, in the order of its number. */
export const responses: readonly ResponseCase[] = [
  ...statuses,
  ...required,
  ...subprotocols,
  ...extensionAnswers,
  ...askedAnswers,
  ...oversized,
  ...syntax.map(([title, bytes, expected, more]) => row(title, '4.1', bytes, expected, more)),
];
