import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { encodeClosePayload } from '#src/protocol/close-payload.js';
import { frameHeaderSize, writeFrame } from '#src/protocol/frame-encoder.js';
import { Opcode } from '#src/protocol/opcode.js';
import type { VectorEvent } from '../vectors/frame-vector.js';

/** A frame to be encoded. */
interface PlainFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

/** Frames that follow the rules, and what a reader makes of them. */
export interface Traffic {
  readonly frames: readonly PlainFrame[];
  readonly events: readonly VectorEvent[];
}

const smallBytes = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

/** Sizes around the borders of the length's three forms and of the places where copies begin. */
const borderBytes = fc
  .constantFrom(63, 64, 65, 125, 126, 127, 1000, 65535, 65536)
  .chain((size) => fc.nat(255).map((byte) => Buffer.alloc(size, byte)));

const someText = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 60, maxLength: 140 }) },
);

const dataEvent: fc.Arbitrary<VectorEvent> = fc.oneof(
  someText.map((text) => ({ type: 'text' as const, text })),
  fc
    .oneof({ weight: 6, arbitrary: smallBytes }, { weight: 1, arbitrary: borderBytes })
    .map((payload) => ({ type: 'binary' as const, payload })),
);

const controlEvent: fc.Arbitrary<VectorEvent> = fc
  .tuple(fc.constantFrom('ping' as const, 'pong' as const), fc.uint8Array({ maxLength: 125 }))
  .map(([type, payload]) => ({ type, payload: Buffer.from(payload) }));

/** A message, where it is cut into fragments, and the control frames in front of each of them. */
const message: fc.Arbitrary<Traffic> = fc
  .tuple(
    dataEvent,
    fc.array(fc.nat(200), { maxLength: 5 }),
    fc.array(fc.array(controlEvent, { maxLength: 2 }), { minLength: 6, maxLength: 6 }),
  )
  .map(([event, cuts, controls]) => {
    const payload = event.type === 'text' ? Buffer.from(event.text) : (event as { payload: Buffer }).payload;
    const ends = [...cuts.map((cut) => Math.min(cut, payload.length)).sort((a, b) => a - b), payload.length];
    const frames: PlainFrame[] = [];
    const events: VectorEvent[] = [];
    for (const [index, end] of ends.entries()) {
      for (const control of controls[index]!) {
        frames.push(controlFrame(control));
        events.push(control);
      }
      const first = event.type === 'text' ? Opcode.Text : Opcode.Binary;
      frames.push({
        opcode: index === 0 ? first : Opcode.Continuation,
        fin: index === ends.length - 1,
        payload: payload.subarray(index === 0 ? 0 : ends[index - 1]!, end),
      });
    }
    events.push(event);
    return { frames, events };
  });

const closing: fc.Arbitrary<Traffic> = fc
  .tuple(
    fc.oneof(fc.constantFrom(1000, 1001, 1005, 1014), fc.integer({ min: 3000, max: 4999 })),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  )
  .map(([code, text]) => {
    const reason = code === 1005 || Buffer.byteLength(text) > 123 ? '' : text;
    const payload = encodeClosePayload(code, reason);
    return {
      frames: [{ opcode: Opcode.Close, fin: true, payload }],
      events: [{ type: 'close', code, reason }],
    };
  });

/** Some messages, cut at random, with control frames in between, and perhaps a close behind them. */
export const traffic: fc.Arbitrary<Traffic> = fc
  .tuple(fc.array(message, { maxLength: 5 }), fc.option(closing))
  .map(([messages, close]) => {
    const all = close === null ? messages : [...messages, close];
    return { frames: all.flatMap(({ frames }) => frames), events: all.flatMap(({ events }) => events) };
  });

/** Masking keys for a server to read, nothing for a client. */
export const masking: fc.Arbitrary<readonly number[] | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.array(fc.integer(), { minLength: 1, maxLength: 5 }),
);

/** Encodes frames one behind the other, each with one of the keys in turn. */
export function encode(frames: readonly PlainFrame[], keys: readonly number[] | undefined): Buffer {
  const sizes = frames.map(
    ({ payload }) => frameHeaderSize(payload.length, keys !== undefined) + payload.length,
  );
  const bytes = Buffer.alloc(sizes.reduce((sum, size) => sum + size, 0));
  let offset = 0;
  for (const [index, { opcode, fin, payload }] of frames.entries()) {
    offset = writeFrame(bytes, offset, { opcode, fin, rsv1: false }, payload, keys?.[index % keys.length]);
  }
  if (offset !== bytes.length) throw new Error(`the frames have ${offset} bytes, not ${bytes.length}`);
  return bytes;
}

function controlFrame(event: VectorEvent): PlainFrame {
  const { type, payload } = event as { type: 'ping' | 'pong'; payload: Buffer };
  return { opcode: type === 'ping' ? Opcode.Ping : Opcode.Pong, fin: true, payload };
}
