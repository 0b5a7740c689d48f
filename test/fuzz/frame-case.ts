import { deflateRawSync, constants as zlib } from 'node:zlib';
import fc from 'fast-check';
import type { DeflateAgreement } from '#src/deflate/extension.js';
import { agreement } from '../deflate/agreements.js';
import type { Role } from '../vectors/frame-vector.js';
import { byteMutation, encode, type Frame, frameMutation, mutateBytes, mutateFrames } from './mutations.js';

/** How the application takes messages. */
export type Consumption = 'events' | 'pausing' | 'iterate' | 'parts';

/** One input, and who reads it how. */
export interface FrameCase {
  /** The reader's role. */
  readonly role: Role;
  readonly compression: 'off' | 'takeover' | 'no takeover' | 'small window' | 'thread pool';
  readonly consumption: Consumption;
  /** The sizes that the bytes come in, over and over. */
  readonly chunks: readonly number[];
  readonly maxFragments: number;
  readonly bytes: Buffer;
}

/** What the end under test agreed on. */
export function agreementOf({ compression }: FrameCase): DeflateAgreement | undefined {
  if (compression === 'off') return undefined;
  if (compression === 'no takeover') return agreement({ contextTakeover: false });
  if (compression === 'small window') return agreement({ windowBits: 9 });
  if (compression === 'thread pool') return agreement({ asyncThreshold: 0 });
  return agreement();
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('ants '.repeat(60), '\u{1f41c}'.repeat(40), '\ufeff', 'a'.repeat(125), 'b'.repeat(126)),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((list) => Buffer.from(list)),
  fc.constantFrom(0, 125, 126, 300, 4_096, 5_000, 5_001, 65_536).map((size) => Buffer.alloc(size, size)),
);

const message = fc.record({
  content: fc.oneof({ weight: 3, arbitrary: text }, { weight: 2, arbitrary: bytes }),
  compress: fc.boolean(),
  /** Breaks the payload before it is framed. */
  wound: fc.option(fc.record({ at: fc.nat(), bits: fc.integer({ min: 1, max: 255 }), cut: fc.nat(3) }), {
    freq: 12,
  }),
  cuts: fc.array(fc.nat(200), { maxLength: 4 }),
  controls: fc.array(
    fc.option(fc.tuple(fc.constantFrom(0x89, 0x8a), fc.uint8Array({ maxLength: 125 })), { freq: 2 }),
    { maxLength: 4 },
  ),
  key: fc.integer(),
});

type Message = typeof message extends fc.Arbitrary<infer T> ? T : never;

const close = fc
  .tuple(
    fc.option(fc.oneof(fc.integer({ min: 995, max: 1020 }), fc.nat(65_535)), { freq: 6 }),
    fc.oneof({ weight: 5, arbitrary: fc.constant('') }, { weight: 2, arbitrary: text }),
    fc.integer(),
  )
  .map(([code, reason, key]): Frame => {
    if (code === null) return { first: 0x88, payload: Buffer.alloc(0), key };
    const payload = Buffer.concat([Buffer.of(code >> 8, code), Buffer.from(reason)]);
    return { first: 0x88, payload: payload.subarray(0, 125), key };
  });

/** Traffic that follows the rules, but for what was broken at one of the layers: the compressed stream, the frames, the bytes. */
export const frameCase: fc.Arbitrary<FrameCase> = fc
  .record({
    role: fc.constantFrom<Role>('server', 'client'),
    compression: fc.constantFrom<FrameCase['compression']>(
      'off',
      'takeover',
      'no takeover',
      'small window',
      'thread pool',
    ),
    consumption: fc.constantFrom<Consumption>('events', 'events', 'pausing', 'iterate', 'parts'),
    chunks: fc.oneof<fc.Arbitrary<number[]>[]>(
      fc.constant([Infinity]),
      fc.constant([1]),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3_000 })), {
        minLength: 1,
        maxLength: 6,
      }),
    ),
    maxFragments: fc.constantFrom(4, 5_000),
    messages: fc.array(message, { maxLength: 5 }),
    closes: fc.option(close, { freq: 2 }),
    frameMutations: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 3, arbitrary: fc.array(frameMutation, { minLength: 1, maxLength: 2 }) },
    ),
    byteMutations: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(byteMutation, { minLength: 1, maxLength: 3 }) },
    ),
  })
  .map(({ messages, closes, frameMutations, byteMutations, ...rest }) => {
    let frames = framesOf(messages, rest.compression);
    if (closes !== null) frames.push(closes);
    for (const mutation of frameMutations) frames = mutateFrames(frames, mutation);
    let input: Buffer = Buffer.concat(frames.map((frame) => encode(frame, rest.role === 'server')));
    for (const mutation of byteMutations) input = mutateBytes(input, mutation);
    // Cases with large messages are to take no longer than others.
    const chunks = input.length > 20_000 ? rest.chunks.map((size) => size * 100) : rest.chunks;
    return { ...rest, chunks, bytes: input };
  });

function framesOf(messages: readonly Message[], compression: FrameCase['compression']): Frame[] {
  let history = Buffer.alloc(0);
  return messages.flatMap(({ content, compress, wound, cuts, controls, key }) => {
    const plain = Buffer.from(content as string);
    const isCompressed = compress && compression !== 'off';
    let payload: Buffer = plain;
    if (isCompressed) {
      const windowBits = compression === 'small window' ? 9 : 15;
      const keeps = compression !== 'no takeover' && history.length > 0;
      payload = deflateRawSync(plain, {
        windowBits,
        finishFlush: zlib.Z_SYNC_FLUSH,
        ...(keeps && { dictionary: history.subarray(-(1 << windowBits)) }),
      }).subarray(0, -4);
      history = Buffer.concat([history, plain]);
    }
    if (wound !== null && payload.length > 0) {
      payload = Buffer.from(payload.subarray(0, Math.max(1, payload.length - wound.cut)));
      payload[wound.at % payload.length]! ^= wound.bits;
    }
    const ends = [...cuts.map((cut) => Math.min(cut, payload.length)).sort((a, b) => a - b), payload.length];
    const opcode = typeof content === 'string' ? 1 : 2;
    return ends.flatMap((end, index): Frame[] => {
      const control = controls[index];
      const start = index === 0 ? 0 : ends[index - 1]!;
      const fin = index === ends.length - 1 ? 0x80 : 0;
      const first = fin | (index > 0 ? 0 : isCompressed ? 0x40 | opcode : opcode);
      const frame = { first, payload: payload.subarray(start, end), key: key + index };
      if (control === undefined || control === null) return [frame];
      return [{ first: control[0], payload: Buffer.from(control[1]), key }, frame];
    });
  });
}
