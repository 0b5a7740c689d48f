import { deflateName } from './deflate-peer.js';
import { type RequestCase, request, row } from './request-case.js';

const subprotocols: readonly (readonly [values: readonly string[], expected: string])[] = [
  [['chat'], '101, chat'],
  [['superchat, chat'], '101, superchat'],
  [['x', 'chat'], '101, chat'],
  [[',x,, chat ,'], '101, chat'],
  [['x'], '101'],
  [['Chat'], '101'],
  [['__proto__, constructor'], '101'],
  [[''], '400'],
  [[','], '400'],
  [['chat, chat'], '400'],
  [['chat', 'chat'], '400'],
  [['chat superchat'], '400'],
  [['chat;a=1'], '400'],
  [['"chat"'], '400'],
  [['ch\u00e4t'], '400'],
];

const extensions: readonly (readonly [values: readonly string[], expected: string])[] = [
  [['a; b=1', 'c'], '101'],
  [['constructor, __proto__; toString=1'], '101'],
  [['x-webkit-deflate-frame'], '101'],
  [['Permessage-Deflate'], '101'],
  [[deflateName], `101, ${deflateName}`],
  [[deflateName, deflateName], `101, ${deflateName}`],
  [[`${deflateName}, ${deflateName}`], `101, ${deflateName}`],
  [['a', `b, ${deflateName}`], `101, ${deflateName}`],
  [[`${deflateName}; client_max_window_bits`], `101, ${deflateName}`],
  ...[8, 9, 10, 11, 12, 13, 14, 15].map(
    (bits) =>
      [
        [`${deflateName}; server_max_window_bits=${bits}`],
        `101, ${deflateName}; server_max_window_bits=${bits}`,
      ] as const,
  ),
  ...[8, 9, 10, 11, 12, 13, 14].map(
    (bits) =>
      [
        [`${deflateName}; client_max_window_bits=${bits}`],
        `101, ${deflateName}; client_max_window_bits=${bits}`,
      ] as const,
  ),
  [[`${deflateName}; client_max_window_bits=15`], `101, ${deflateName}`],
  [[`${deflateName}; client_max_window_bits="9"`], `101, ${deflateName}; client_max_window_bits=9`],
  [[`${deflateName};server_no_context_takeover`], `101, ${deflateName}; server_no_context_takeover`],
  [[`${deflateName};client_no_context_takeover`], `101, ${deflateName}; client_no_context_takeover`],
  ...['08', '009', '+9', '-9', '9.0', '0', '7', '16', '115', 'x', '0x9', '1e1'].flatMap((bits) =>
    ['server', 'client'].map((end) => [[`${deflateName}; ${end}_max_window_bits=${bits}`], '101'] as const),
  ),
  [[`${deflateName}; server_max_window_bits`], '101'],
  [[`${deflateName}; server_no_context_takeover=1`], '101'],
  [[`${deflateName}; client_no_context_takeover=true`], '101'],
  [[`${deflateName}; server_no_context_takeover; server_no_context_takeover`], '101'],
  [[`${deflateName}; client_max_window_bits; client_max_window_bits=9`], '101'],
  [[`${deflateName}; unknown`], '101'],
  [[`${deflateName}; __proto__=9`], '101'],
  [[`${deflateName}; server_max_window_bits=08, ${deflateName}`], `101, ${deflateName}`],
  [
    [`${deflateName}; unknown`, `${deflateName}; server_max_window_bits=9`],
    `101, ${deflateName}; server_max_window_bits=9`,
  ],
  ...[
    '',
    ',',
    ';',
    `${deflateName};`,
    `${deflateName} a`,
    `${deflateName}; =9`,
    `${deflateName}; a=`,
    `${deflateName}; a="`,
    `${deflateName}; a=""`,
    `${deflateName}; a="b c"`,
    `${deflateName}; a=b=c`,
    `${deflateName}/1`,
    'a\u00e4',
  ].map((value) => [[value], '400'] as const),
  [[deflateName, ''], `101, ${deflateName}`],
  [[deflateName, ';'], '400'],
];

/** Rows of one header. */
function offers(
  header: string,
  section: string,
  list: readonly (readonly [values: readonly string[], expected: string])[],
): RequestCase[] {
  return list.map(([sent, expected]) =>
    row(
      `${header}: ${sent.map((one) => JSON.stringify(one)).join(' and ')}`,
      section,
      request({ [header]: sent }),
      expected,
    ),
  );
}

/** What a client offers to speak, to a server that speaks two subprotocols. */
export const subprotocolOffers = offers('Sec-WebSocket-Protocol', '4.2.2', subprotocols);

/** What a client offers of extensions, to a server that compresses. */
export const extensionOffers = offers('Sec-WebSocket-Extensions', '9.1', extensions);
