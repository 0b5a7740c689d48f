import { bytesOf } from '../vectors/notation.js';
import {
  bad,
  binary,
  type ConformanceCase,
  exact,
  fin,
  fragments,
  frame,
  good,
  goodLater,
  kinds,
  ping,
  rsv1,
  type Setting,
  text,
} from './case.js';
import { type DeflateLimits, PeerDeflater } from './deflate-peer.js';
import { say } from './raw-frames.js';

/** Words in no order: they repeat at every distance. */
const words = makeWords(1_048_576);

function makeWords(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let at = 0; at < size; ) {
    // The numbers of "Numerical Recipes".
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    at += bytes.write(`ant${(state >>> 16) % 3_000} `, at, 'latin1');
  }
  return bytes;
}

const windows = [undefined, 8, 9, 10, 11, 12, 13, 14, 15];
const sizes = [0, 1, 64, 1_000, 16_384, 131_072];
/** They take longest, so the largest messages have two windows only. */
const largest = { windows: [undefined, 9], size: 1_048_576 };

interface Way {
  readonly name: string;
  readonly part: number;
  readonly setting: Setting;
}

/** How the bytes travel: in, and where it says so out. */
function waysFor(size: number): readonly Way[] {
  const part = size <= 1_000 ? 1 : 997;
  return [
    { name: 'one frame', part: Infinity, setting: {} },
    { name: `one frame, in writes of ${part}`, part: Infinity, setting: { chop: part } },
    { name: `fragments of ${part}, fragmentSize 256`, part, setting: { options: { fragmentSize: 256 } } },
  ];
}

/** A text and a binary message of `size` bytes; the second is much like the first. */
function both(limits: DeflateLimits, size: number, { name, part, setting }: Way): ConformanceCase {
  const { windowBits, contextTakeover } = limits;
  const window = windowBits === undefined ? 'no window' : `window ${windowBits}`;
  const takeover = contextTakeover ? 'context takeover' : 'no context takeover';
  return goodLater(
    `${window}, ${takeover}, ${size} bytes, ${name}`,
    'RFC 7692, 7.2',
    () => {
      const deflater = new PeerDeflater(limits);
      const payload = words.subarray(0, size);
      const frames = kinds.flatMap(([, opcode]) => {
        const deflated = deflater.deflate(payload);
        return fragments(rsv1 | opcode, deflated, Math.min(part, deflated.length));
      });
      return { frames, expected: kinds.map(([kind]) => `${say(kind, payload)} deflated`) };
    },
    { ...setting, deflate: limits },
  );
}

/** Parameters by sizes by fragmentation. */
export const compression: readonly ConformanceCase[] = windows.flatMap((windowBits) =>
  [true, false].flatMap((contextTakeover) =>
    [...sizes, ...(largest.windows.includes(windowBits) ? [largest.size] : [])].flatMap((size) =>
      waysFor(size).map((way) => both({ windowBits, contextTakeover }, size, way)),
    ),
  ),
);

const takeover: DeflateLimits = { contextTakeover: true };

function deflated(message: string | Buffer): Buffer {
  return new PeerDeflater(takeover).deflate(Buffer.from(message as string));
}

/** What becomes of `before` and then `message`; only the second is sent. */
function deflatedBehind(before: string, message: string): Buffer {
  const deflater = new PeerDeflater(takeover);
  deflater.deflate(Buffer.from(before));
  return deflater.deflate(Buffer.from(message));
}

const section = 'RFC 7692, 7.2';
const hello = 'text 5 48656c6c6f deflated';
const long = 'Ameisen und noch mehr Ameisen';

/** Payloads that become "Hello", those of RFC 7692 section 7.2.3 first. */
const hellos = [
  ['one block', 'f248cdc9c90700'],
  ['a block without compression', '000500faff48656c6c6f00'],
  ['a last block', 'f348cdc9c9070000'],
  ['two blocks', 'f248050000 00ffffcac9c90700'.replaceAll(' ', '')],
  ['an empty block at the end', 'f248cdc9c907000000ffff00'],
] as const;

const compressedFrame = (first: number, payload: string | Buffer) =>
  frame(fin | rsv1 | first, typeof payload === 'string' ? bytesOf(payload) : payload);

function refused(
  name: string,
  frames: Parameters<typeof bad>[2],
  code: number,
  before: readonly string[] = [],
): ConformanceCase {
  return bad(name, section, frames, code, before, { deflate: takeover });
}

/** Compressed messages that are special, or wrong. */
export const brokenCompression: readonly ConformanceCase[] = [
  ...hellos.flatMap(([name, payload]) =>
    [Infinity, 1].map((part) => {
      const bytes = bytesOf(payload);
      const frames = fragments(rsv1 | text, bytes, Math.min(part, bytes.length));
      const how = part === 1 ? ', every byte a fragment' : '';
      return good(`${name}${how}`, section, frames, [hello], { deflate: takeover });
    }),
  ),
  good(
    'the same again, from the context',
    section,
    [compressedFrame(text, 'f248cdc9c90700'), compressedFrame(text, 'f200110000')],
    [hello, hello],
    { deflate: takeover },
  ),
  good(
    'a message that is not compressed between two that are',
    section,
    [compressedFrame(text, 'f248cdc9c90700'), frame(fin | text, 'a'), compressedFrame(text, 'f200110000')],
    [hello, 'text 1 61 deflated', hello],
    { deflate: takeover },
  ),
  good(
    'empty fragments, and a ping between them',
    section,
    [
      { first: rsv1 | text, payload: bytesOf('f248') },
      frame(0),
      frame(fin | ping, 'p'),
      { first: 0, payload: bytesOf('cdc9c907') },
      { first: fin, payload: bytesOf('00') },
    ],
    ['pong 1 70', hello],
    { deflate: takeover },
  ),
  ...[8, 9, 10].map((opcode) =>
    refused(
      `RSV1 with opcode ${opcode}`,
      [compressedFrame(opcode, opcode === 8 ? Buffer.from([3, 232]) : deflated('p'))],
      1002,
    ),
  ),
  refused(
    'RSV1 with a continuation',
    [{ first: rsv1 | text, payload: bytesOf('f248cd') }, compressedFrame(0, 'c9c90700')],
    1002,
  ),
  ...[0x20, 0x10].map((bit) =>
    refused(
      `RSV${bit === 0x20 ? 2 : 3} beside RSV1`,
      [{ first: fin | rsv1 | bit | text, payload: bytesOf('f248cdc9c90700') }],
      1002,
    ),
  ),
  refused('a block of no known type', [compressedFrame(text, '06')], 1007),
  refused('lengths of a stored block that differ', [compressedFrame(binary, '00050000ff4865')], 1007),
  refused('a block that is cut', [compressedFrame(text, deflated(long).subarray(0, -6))], 1007),
  refused('the four bytes that are to be left out', [compressedFrame(text, 'f248cdc9c907000000ffff')], 1007),
  refused('no block', [compressedFrame(text, '')], 1007),
  refused('something behind the last block that is none', [compressedFrame(text, 'f348cdc9c9070006')], 1007),
  refused('a reference to before the beginning', [compressedFrame(text, deflatedBehind(long, long))], 1007),
  bad(
    'a reference to the message before, without context takeover',
    section,
    [compressedFrame(text, deflated(long)), compressedFrame(text, deflatedBehind(long, long))],
    1007,
    [`${say('text', Buffer.from(long))} deflated`],
    { deflate: { contextTakeover: false } },
  ),
  refused('text that is not UTF-8', [compressedFrame(text, deflated(Buffer.from('61ff', 'hex')))], 1007),
  exact(
    'text that is not UTF-8, no last fragment',
    section,
    [{ first: rsv1 | text, payload: deflated(Buffer.alloc(70_000, 'ff', 'hex')) }],
    ['close 1007'],
    { deflate: takeover },
  ),
];
