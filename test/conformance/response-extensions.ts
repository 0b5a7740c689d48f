import type { Compression } from 'ants-ws';
import { deflateName } from './deflate-peer.js';
import { invalid, response, row, values } from './response-case.js';

const name = deflateName;
const header = 'Sec-WebSocket-Extensions';
const bits = ['08', '009', '+9', '-9', '9.0', '0', '7', '16', '115', 'x', '0x9', '1e1', '""'];
/** What a server answers to an offer of compression, and of nothing else. */
export const extensionAnswers = [
  ...[
    name,
    ...[8, 9, 10, 11, 12, 13, 14, 15].flatMap((n) => [
      `${name}; server_max_window_bits=${n}`,
      `${name}; client_max_window_bits=${n}`,
    ]),
    `${name}; server_no_context_takeover`,
    `${name}; client_no_context_takeover`,
    `${name}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10`,
  ].flatMap((value) => values(header, `open, ${value}`, [[value]], 'RFC 7692, 7.1')),
  ...values(
    header,
    `open, ${name}; client_max_window_bits=9`,
    [[`,${name};client_max_window_bits="9",`]],
    'RFC 7692, 7.1',
  ),
  ...values(header, `open, ${name}`, [[name, '']], '9.1'),
  ...values(
    header,
    invalid,
    [
      ['x'],
      ['x; a=1'],
      [`${name}, x`],
      [name, 'x'],
      ['constructor'],
      ['__proto__'],
      ['Permessage-Deflate'],
      ['x-webkit-deflate-frame'],
      [`${name}, ${name}`],
      [name, name],
    ],
    '9.1',
  ),
  ...values(
    header,
    invalid,
    [
      [''],
      [','],
      [';'],
      [`${name};`],
      [`${name} a`],
      [`${name}; =9`],
      [`${name}; a=`],
      [`${name}; a="`],
      [`${name}; a="b c"`],
      [`${name}/1`],
      [name, ';'],
    ],
    '9.1',
  ),
  ...values(
    header,
    invalid,
    [
      ...bits.flatMap((value) => [
        [`${name}; server_max_window_bits=${value}`],
        [`${name}; client_max_window_bits=${value}`],
      ]),
      [`${name}; server_max_window_bits`],
      [`${name}; client_max_window_bits`],
      [`${name}; server_no_context_takeover=1`],
      [`${name}; client_no_context_takeover=true`],
      [`${name}; server_no_context_takeover; server_no_context_takeover`],
      [`${name}; server_max_window_bits=9; server_max_window_bits=9`],
      [`${name}; unknown`],
      [`${name}; unknown=1`],
      [`${name}; __proto__=9`],
    ],
    'RFC 7692, 7.1',
  ),
];

/** What the client asked for has to be answered (RFC 7692 section 7.1). */
const asked: readonly (readonly [what: string, options: Compression, value: string, expected: string])[] = [
  ['no compression', false, name, invalid],
  ['no context takeover of the server', { peerContextTakeover: false }, name, invalid],
  [
    'no context takeover of the server',
    { peerContextTakeover: false },
    `${name}; server_no_context_takeover`,
    'open',
  ],
  ['no context takeover of the client', { contextTakeover: false }, name, 'open'],
  ['a server window of 10', { peerWindowBits: 10 }, name, invalid],
  ['a server window of 10', { peerWindowBits: 10 }, `${name}; server_max_window_bits=11`, invalid],
  ['a server window of 10', { peerWindowBits: 10 }, `${name}; server_max_window_bits=10`, 'open'],
  ['a server window of 10', { peerWindowBits: 10 }, `${name}; server_max_window_bits=8`, 'open'],
  ['a client window of 10', { windowBits: 10 }, name, 'open'],
  ['a client window of 10', { windowBits: 10 }, `${name}; client_max_window_bits=11`, invalid],
  ['a client window of 10', { windowBits: 10 }, `${name}; client_max_window_bits=9`, 'open'],
];

/** What a server answers to a client that asked for something. */
export const askedAnswers = asked.map(([what, compression, value, expected]) =>
  row(
    `${what} asked for, ${JSON.stringify(value)} answered`,
    'RFC 7692, 7.1',
    response({ [header]: [value] }),
    expected === 'open' ? `open, ${value}` : expected,
    { options: { compression } },
  ),
);
