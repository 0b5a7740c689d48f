import {
  bad,
  binary,
  type CaseOptions,
  type ConformanceCase,
  exact,
  filled,
  fin,
  fragments,
  frame,
  good,
  kinds,
  ping,
  rsv1,
  text,
  whole,
} from './case.js';
import { PeerDeflater } from './deflate-peer.js';
import { type RawFrame, say } from './raw-frames.js';

/** What is sent with `fragmentSize`. Text may be cut inside of a character (RFC 6455 section 5.4). */
export const fragmenting: readonly ConformanceCase[] = kinds.flatMap(([kind, opcode]) =>
  (
    [
      [0, 125],
      [125, 125],
      [126, 125],
      [1_000, 1],
      [1_000, 7],
      [65_536, 1_300],
      [1_048_576, 65_535],
      [1_048_576, 65_536],
    ] as const
  ).map(([size, fragmentSize]) => {
    const payload = whole(opcode, size);
    const count = Math.ceil(size / fragmentSize);
    const cut = count > 1 ? ` in ${count} frames of ${fragmentSize}` : '';
    return good(
      `${kind} of ${size} bytes, fragmentSize ${fragmentSize}`,
      '5.4',
      [frame(fin | opcode, payload)],
      [`${say(kind, payload)}${cut}`],
      { options: { fragmentSize } },
    );
  }),
);

/** A message of 1,000 bytes is the largest. */
const small: CaseOptions = { maxMessageSize: 1_000 };
const few: CaseOptions = { maxFragments: 8 };
const thousand = filled(binary, 1_000);
const more = filled(binary, 1_001);

/** A frame of which only the header and 10 bytes are sent. */
function announced(first: number, size: number): RawFrame {
  return frame(first, filled(binary, size));
}

function tooLarge(name: string, frames: readonly RawFrame[], cutTail?: number): ConformanceCase {
  return bad(name, '7.4.1', frames, 1009, [], { options: small, ...(cutTail !== undefined && { cutTail }) });
}

const messageSize: readonly ConformanceCase[] = [
  good(
    'binary of maxMessageSize, 1000',
    '7.4.1',
    [frame(fin | binary, thousand)],
    [say('binary', thousand)],
    {
      options: small,
    },
  ),
  good(
    'binary of maxMessageSize, 1000, in fragments',
    '7.4.1',
    fragments(binary, thousand, 300),
    [say('binary', thousand)],
    { options: small },
  ),
  good(
    'ten of maxMessageSize, 1000',
    '7.4.1',
    Array<RawFrame>(10).fill(frame(fin | binary, thousand)),
    Array<string>(10).fill(say('binary', thousand)),
    { options: small },
  ),
  tooLarge('text of one byte more', [frame(fin | text, 'x'.repeat(1_001))]),
  tooLarge('binary of one byte more', [frame(fin | binary, more)]),
  tooLarge(
    'one byte more, announced: the failure does not wait for the payload',
    [announced(fin | binary, 1_001)],
    991,
  ),
  tooLarge('one byte more, in fragments', fragments(binary, more, 300)),
  tooLarge('one byte more, announced by the last fragment', [frame(binary, thousand), announced(fin, 1)], 1),
  tooLarge('one byte more, no last fragment', [frame(binary, thousand), announced(0, 1)], 1),
  ...[2n ** 32n, 2n ** 53n, 2n ** 63n - 1n].map((length) =>
    bad(
      `a frame of ${length} bytes, announced`,
      '7.4.1',
      [{ ...frame(fin | binary, 'x'), length }],
      1009,
      [],
      { cutTail: 1 },
    ),
  ),
  ...[2n ** 63n, 2n ** 64n - 1n].map((length) =>
    bad(
      `a frame of ${length} bytes, announced: the first bit is not 0`,
      '5.2',
      [{ ...frame(fin | binary, 'x'), length }],
      1002,
      [],
      { cutTail: 1 },
    ),
  ),
];

function inflated(size: number): RawFrame {
  const payload = new PeerDeflater({ contextTakeover: true }).deflate(Buffer.alloc(size, 'a'));
  return { first: fin | rsv1 | binary, payload };
}

const deflate = { contextTakeover: true };

const inflatedSize: readonly ConformanceCase[] = [
  good(
    'compressed, maxMessageSize, 1000',
    'RFC 7692, 8',
    [inflated(1_000)],
    [`${say('binary', Buffer.alloc(1_000, 'a'))} deflated`],
    { options: small, deflate },
  ),
  ...[1_001, 1_048_576, 16_777_216].map((size) =>
    bad(`compressed, ${size} bytes`, 'RFC 7692, 8', [inflated(size)], 1009, [], { options: small, deflate }),
  ),
];

const fragmentCount: readonly ConformanceCase[] = [
  good('maxFragments, 8', '7.4.1', fragments(text, Buffer.from('12345678'), 1), ['text 8 3132333435363738'], {
    options: few,
  }),
  good(
    'maxFragments, 8, and pings between them',
    '7.4.1',
    fragments(text, Buffer.from('12345678'), 1)
      .flatMap((one) => [one, frame(fin | ping)])
      .slice(0, -1),
    [...Array<string>(7).fill('pong 0'), 'text 8 3132333435363738'],
    { options: few },
  ),
  bad('one fragment more', '7.4.1', fragments(text, Buffer.from('123456789'), 1), 1009, [], { options: few }),
  bad(
    'one fragment more, not the last',
    '7.4.1',
    [...fragments(text, Buffer.from('12345678'), 1).slice(0, -1), frame(0), frame(0)],
    1009,
    [],
    { options: few },
  ),
  exact('9 empty fragments', '7.4.1', [frame(text), ...Array<RawFrame>(8).fill(frame(0))], ['close 1009'], {
    options: few,
  }),
];

const unread: readonly ConformanceCase[] = (
  [
    ['receiveQueueMessages 2', { receiveQueueMessages: 2 }],
    ['receiveQueueBytes 1000', { receiveQueueBytes: 1_000 }],
    [
      'highWaterMark, readHold and maxBufferedAmount 100000',
      { highWaterMark: 100_000, readHold: 100_000, maxBufferedAmount: 100_000 },
    ],
  ] as const
).map(([name, options]) =>
  good(
    `${name}: a hundred messages of 1000 bytes come all the same`,
    '5.4',
    Array<RawFrame>(100).fill(frame(fin | binary, thousand)),
    Array<string>(100).fill(say('binary', thousand)),
    { options },
  ),
);

const time: readonly ConformanceCase[] = [
  exact('idleTimeout 20, and silence', '7.4.1', [], ['close 1001'], {
    options: { idleTimeout: 20 },
    answersClose: true,
  }),
  exact('maxLifetime 20, and silence', '7.4.1', [], ['close 1001'], {
    options: { maxLifetime: 20 },
    answersClose: true,
  }),
  exact('heartbeatInterval and heartbeatTimeout 20, and silence', '5.5.2', [], ['ping 12', 'close 1011'], {
    options: { heartbeatInterval: 20, heartbeatTimeout: 20 },
  }),
  exact('closeTimeout 20, and no Close', '7.1.1', [], ['close 1001'], {
    options: { maxLifetime: 20, closeTimeout: 20 },
  }),
];

/** What the options bound, and the close code of whoever passes it. */
export const limits: readonly ConformanceCase[] = [
  ...messageSize,
  ...inflatedSize,
  ...fragmentCount,
  ...unread,
  ...time,
];
