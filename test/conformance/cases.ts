import { bytesOf, readNotation } from '../vectors/notation.js';
import { cutTexts, invalidTexts, validTexts } from '../vectors/utf8.js';
import {
  type Area,
  bad,
  binary,
  type ConformanceCase,
  close,
  exact,
  filled,
  fin,
  fragments,
  frame,
  good,
  goodLater,
  kinds,
  ping,
  pong,
  text,
  whole,
} from './case.js';
import { brokenCompression, compression } from './deflate-cases.js';
import { fragmenting, limits } from './limit-cases.js';
import { type RawFrame, say } from './raw-frames.js';

const edges = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537, 1_048_576, 16_777_216];
/** A message of `size` bytes, which is echoed, in frames of `part` bytes. */
function large(kind: 'text' | 'binary', opcode: number, size: number, part: number, chop?: number) {
  const frames = part === size ? '' : ` in fragments of ${part}`;
  const writes = chop === undefined ? '' : `, in writes of ${chop}`;
  return goodLater(
    `${kind} of ${size} bytes${frames}${writes}`,
    part === size ? '5.2' : '5.4',
    () => {
      const payload = whole(opcode, size);
      return { frames: fragments(opcode, payload, Math.max(1, part)), expected: [say(kind, payload)] };
    },
    chop === undefined ? {} : { chop },
  );
}

const framing = kinds.flatMap(([kind, opcode]) => edges.map((size) => large(kind, opcode, size, size)));

const longer = (
  [
    [0, 2],
    [125, 2],
    [125, 8],
    [126, 8],
    [65_535, 8],
  ] as const
).map(([size, lengthSize]) =>
  bad(
    `${size} bytes, the length in ${lengthSize} bytes`,
    '5.2',
    [{ ...frame(fin | binary, filled(binary, size)), lengthSize }],
    1002,
  ),
);

const chopped = [
  ...[1, 2, 3, 7, 125, 997].flatMap((chop) =>
    [0, 125, 126, 1000].map((size) => {
      const payload = whole(text, size);
      const frames = [frame(fin | text, payload), frame(fin | ping, 'p')];
      return good(
        `text of ${size} bytes and a ping, in writes of ${chop}`,
        '5.2',
        frames,
        [say('text', payload), 'pong 1 70'],
        { chop },
      );
    }),
  ),
  ...kinds.flatMap(([kind, opcode]) =>
    [65_535, 65_536, 1_048_576, 16_777_216].map((size) => large(kind, opcode, size, size, 997)),
  ),
  ...kinds.flatMap(([kind, opcode]) =>
    [997, 4_096, 65_536].map((part) => large(kind, opcode, 1_048_576, part, 997)),
  ),
];

const controls = [
  ...[0, 1, 124, 125].map((size) =>
    good(
      `ping of ${size} bytes`,
      '5.5.2',
      [frame(fin | ping, filled(binary, size))],
      [say('pong', filled(binary, size))],
    ),
  ),
  bad('ping of 126 bytes', '5.5', [frame(fin | ping, filled(binary, 126))], 1002),
  bad('ping without FIN', '5.5', [frame(ping, 'x')], 1002),
  bad('pong without FIN', '5.5', [frame(pong, 'x')], 1002),
  bad('Close without FIN', '5.5', [frame(close, bytesOf('03e8'))], 1002),
  good('a pong that nobody asked for', '5.5.3', [frame(fin | pong, 'x')], []),
  good(
    'ten pings',
    '5.5.2',
    Array.from({ length: 10 }, (_, i) => frame(fin | ping, String(i))),
    Array.from({ length: 10 }, (_, i) => say('pong', Buffer.from(String(i)))),
  ),
];

const reserved = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70].flatMap((bits) =>
  [text, binary, ping, pong, close].map((opcode) =>
    bad(
      `reserved bits ${bits >> 4} with opcode ${opcode}, behind a good message`,
      '5.2',
      [frame(fin | text, 'a'), frame(fin | bits | opcode, opcode === close ? bytesOf('03e8') : 'b')],
      1002,
      ['text 1 61'],
    ),
  ),
);

const opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
  bad(`opcode ${opcode}`, '5.2', [frame(fin | opcode)], 1002),
  bad(
    `opcode ${opcode} with a payload, behind a good message`,
    '5.2',
    [frame(fin | text, 'a'), frame(fin | opcode, 'b')],
    1002,
    ['text 1 61'],
  ),
]);

const masking = kinds.map(([kind, opcode]) =>
  bad(
    `${kind}: a client without a mask, a server with one`,
    '5.1',
    [{ ...frame(fin | opcode, 'a'), wrongMask: true }],
    1002,
  ),
);

const fragmentation = [
  ...kinds.flatMap(([kind, opcode]) =>
    [1, 2, 7, 125, 126, 1000].map((size) => {
      const payload = whole(opcode, 1000);
      return good(`${kind} of 1000 bytes in fragments of ${size}`, '5.4', fragments(opcode, payload, size), [
        say(kind, payload),
      ]);
    }),
  ),
  good('empty fragments', '5.4', [frame(text), frame(0), frame(0), frame(fin)], ['text 0']),
  good(
    'a ping between fragments',
    '5.4',
    [frame(text, 'a'), frame(fin | ping, 'p'), frame(fin, 'b')],
    ['pong 1 70', 'text 2 6162'],
  ),
  bad('a continuation of nothing, the last', '5.4', [frame(fin, 'a')], 1002),
  bad('a continuation of nothing, not the last', '5.4', [frame(0, 'a')], 1002),
  bad('a new message inside another', '5.4', [frame(text, 'a'), frame(fin | binary, 'b')], 1002),
  bad(
    'a continuation behind a whole message',
    '5.4',
    [frame(text, 'a'), frame(fin, 'b'), frame(fin, 'c')],
    1002,
    ['text 2 6162'],
  ),
  ...kinds.flatMap(([kind, opcode]) => [
    ...[64, 997, 65_536].map((part) => large(kind, opcode, 1_048_576, part)),
    large(kind, opcode, 16_777_216, 65_536),
    // 65,536 fragments each.
    large(kind, opcode, 65_536, 1),
    large(kind, opcode, 16_777_216, 256),
  ]),
];

const utf8 = [
  ...validTexts.flatMap(([name, notation]) => {
    const payload = bytesOf(notation);
    return [payload.length + 1, 1].map((size) =>
      good(
        `${name}, ${size === 1 ? 'every byte a fragment' : 'in a frame'}`,
        '8.1',
        fragments(text, payload, size),
        [say('text', payload)],
      ),
    );
  }),
  ...[...invalidTexts, ...cutTexts].flatMap(([name, notation]) => {
    const payload = bytesOf(notation);
    return [payload.length + 1, 1].map((size) =>
      bad(
        `${name}, ${size === 1 ? 'every byte a fragment' : 'in a frame'}`,
        '8.1',
        fragments(text, payload, size),
        1007,
      ),
    );
  }),
  ...invalidTexts.flatMap(([name, notation]) => {
    const { bytes, mark } = readNotation(notation);
    const start = bytes.subarray(0, mark);
    return [
      exact(`${name}, no last fragment`, '8.1', [frame(text, start)], ['close 1007']),
      bad(
        `${name}, the frame is not whole`,
        '8.1',
        [frame(fin | text, Buffer.concat([start, Buffer.alloc(9)]))],
        1007,
        [],
        { cutTail: 9 },
      ),
    ];
  }),
];

/** A Close frame with this code, checked for nothing. */
function closing(code: number, reason: string | Buffer = ''): RawFrame {
  return frame(
    fin | close,
    Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)]),
  );
}

const goodCodes = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];
const badCodes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

const closes: readonly ConformanceCase[] = [
  exact('an empty Close', '5.5.1', [frame(fin | close)], ['close']),
  bad('a Close of one byte', '5.5.1', [frame(fin | close, 'x')], 1002),
  ...goodCodes.map((code) =>
    exact(
      `code ${code}, then text, which is not read`,
      '7.4',
      [closing(code, 'why'), frame(fin | text, 'too late'), frame(fin | ping)],
      [`close ${code}`],
    ),
  ),
  ...badCodes.map((code) => bad(`code ${code}`, '7.4', [closing(code)], 1002)),
  exact('a reason of 123 bytes', '5.5', [closing(1000, 'r'.repeat(123))], ['close 1000']),
  bad('a reason of 124 bytes', '5.5', [closing(1000, 'r'.repeat(124))], 1002),
  ...invalidTexts.map(([name, bytes]) =>
    bad(`reason: ${name}`, '5.5.1', [closing(1000, bytesOf(bytes))], 1007),
  ),
  exact('a Close inside a fragmented message', '5.5.1', [frame(text, 'a'), closing(1000)], ['close 1000']),
  exact('two Close frames', '5.5.1', [closing(1000), closing(3000)], ['close 1000']),
];

/** Every case, in the order of its number. */
export const areas: readonly Area[] = [
  { title: 'Framing', cases: [...framing, ...longer] },
  { title: 'Chopped writes', cases: chopped },
  { title: 'Pings, pongs and control frames', cases: controls },
  { title: 'Reserved bits', cases: reserved },
  { title: 'Opcodes', cases: opcodes },
  { title: 'Masking', cases: masking },
  { title: 'Fragmentation', cases: fragmentation },
  { title: 'UTF-8', cases: utf8 },
  { title: 'Closing handshake', cases: closes },
  { title: 'Fragmentation of what is sent', cases: fragmenting },
  { title: 'Limits', cases: limits },
  { title: 'Compression: parameters, sizes, fragmentation', cases: compression },
  { title: 'Compression: what may not come', cases: brokenCompression },
];
