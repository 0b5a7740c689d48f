import fc from 'fast-check';

/** A frame before it is bytes; what is undefined is as it should be. */
export interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  readonly form?: 7 | 16 | 64 | undefined;
  readonly length?: bigint | undefined;
  readonly mask?: boolean | undefined;
  readonly key: number;
}

/** Changes a list of frames. */
export const frameMutation = fc.record({
  kind: fc.constantFrom('drop', 'twice', 'swap', 'first', 'bit', 'form', 'length', 'mask', 'flood', 'close'),
  at: fc.nat(),
  value: fc.nat(255),
  count: fc.constantFrom(2, 9, 70, 2_000),
  length: fc.constantFrom(
    ...[0n, 125n, 126n, 4_000n, 5_001n, 65_535n, 65_536n],
    ...[2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n],
  ),
  form: fc.constantFrom(7 as const, 16 as const, 64 as const),
});

/** Changes bytes. */
export const byteMutation = fc.record({
  kind: fc.constantFrom('set', 'flip', 'insert', 'remove', 'repeat', 'truncate'),
  at: fc.nat(),
  size: fc.integer({ min: 1, max: 20 }),
  value: fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7e, 0x7f, 0x80, 0xff, 0xfe)),
});

type FrameMutation = typeof frameMutation extends fc.Arbitrary<infer T> ? T : never;
type ByteMutation = typeof byteMutation extends fc.Arbitrary<infer T> ? T : never;

/** The frames with one change. */
export function mutateFrames(frames: readonly Frame[], mutation: FrameMutation): Frame[] {
  const { kind, at, value, count, length, form } = mutation;
  if (frames.length === 0) return [{ first: value, payload: Buffer.alloc(0), key: at }];
  const index = at % frames.length;
  const frame = frames[index]!;
  const replace = (...others: Frame[]) => frames.toSpliced(index, 1, ...others);
  switch (kind) {
    case 'drop':
      return replace();
    case 'twice':
      return replace(frame, frame);
    case 'swap':
      return frames.toSpliced(index, 1).toSpliced(value % frames.length, 0, frame);
    case 'first':
      return replace({ ...frame, first: value });
    case 'bit':
      return replace({ ...frame, first: frame.first ^ (1 << (value & 7)) });
    case 'form':
      return replace({ ...frame, form });
    case 'length':
      return replace({ ...frame, form: form === 7 ? undefined : form, length });
    case 'mask':
      return replace({ ...frame, mask: false });
    case 'close':
      return replace({ first: 0x88, payload: Buffer.of(3, 0xe8), key: at }, frame);
    case 'flood': {
      // What costs most for its bytes: empty fragments, fragments of one byte, pings.
      const kinds = [
        { first: 0x00, payload: Buffer.alloc(0), key: 1 },
        { first: 0x00, payload: Buffer.from('a'), key: 0 },
        { first: 0x89, payload: Buffer.alloc(0), key: 1 },
        frame,
      ];
      const size = Math.min(count, Math.ceil(100_000 / (frame.payload.length + 1)));
      return replace(frame, ...Array<Frame>(size).fill(kinds[value % 4]!));
    }
  }
}

/** The bytes of a frame; `isMasked` unless it says otherwise. */
export function encode({ first, payload, form, length, mask, key }: Frame, isMasked: boolean): Buffer {
  const announced = length ?? BigInt(payload.length);
  const bits = form ?? (announced < 126n ? 7 : announced < 65_536n ? 16 : 64);
  const masked = mask ?? isMasked;
  const header = Buffer.alloc(14);
  header[0] = first;
  let size = 2;
  if (bits === 7) header[1] = Number(announced & 0x7fn);
  else header[1] = bits === 16 ? 126 : 127;
  if (bits === 16) size = header.writeUInt16BE(Number(announced & 0xffffn), 2);
  if (bits === 64) size = header.writeBigUInt64BE(announced, 2);
  if (!masked) return Buffer.concat([header.subarray(0, size), payload]);
  header[1]! |= 0x80;
  size = header.writeInt32BE(key | 0, size);
  const hidden = payload.map((byte, i) => byte ^ header[size - 4 + (i & 3)]!);
  return Buffer.concat([header.subarray(0, size), hidden]);
}

/** The bytes with one change. */
export function mutateBytes(input: Buffer, { kind, at, size, value }: ByteMutation): Buffer {
  const start = at % (input.length + 1);
  const before = input.subarray(0, start);
  const copy = Buffer.from(input);
  switch (kind) {
    case 'set':
      if (start < copy.length) copy[start] = value;
      return copy;
    case 'flip':
      if (start < copy.length) copy[start]! ^= 1 << (value & 7);
      return copy;
    case 'insert':
      return Buffer.concat([before, Buffer.alloc(size, value), input.subarray(start)]);
    case 'remove':
      return Buffer.concat([before, input.subarray(start + size)]);
    case 'repeat':
      return Buffer.concat([before, input.subarray(start, start + size), input.subarray(start)]);
    case 'truncate':
      return before;
  }
}
