/** Bytes that are worth the way into the kernel's memory and back. */
export const kernelThreshold = 16 * 1024;

/** At a time; small enough to stay in a processor's cache between the copies. */
const pieceSize = 64 * 1024;

/** Where a piece lies in the kernel's memory. Not at the start of a page: copies between equal page offsets are slow on some processors. */
const pieceOffset = 2048;

/** The part of WebAssembly that is used here; browsers' types would bring more than Node has. */
interface WebAssemblyParts {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly m: { readonly buffer: ArrayBuffer };
      readonly x: (start: number, end: number, key: number) => void;
    };
  };
}

/**
 * Masks `from`, of {@link kernelThreshold} bytes or more, into `to`, which may be the same and has the same length. The key applies from its
 * first byte on.
 */
export type MaskKernel = (from: Uint8Array, to: Uint8Array, key: number) => void;

/**
 * Makes a kernel that masks 16 bytes an instruction. Undefined where the engine has no WebAssembly, no SIMD in it, or no memory
 * for it.
 */
export function makeMaskKernel(): MaskKernel | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyParts };
  if (WebAssembly === undefined) return undefined;
  try {
    return wrap(new WebAssembly.Instance(new WebAssembly.Module(moduleBytes())));
  } catch {
    return undefined;
  }
}

function wrap({ exports }: InstanceType<WebAssemblyParts['Instance']>): MaskKernel {
  const mask = exports.x;
  const { buffer } = exports.m;
  const memory = new Uint8Array(buffer);
  const piece = new Uint8Array(buffer, pieceOffset, pieceSize);
  return (from, to, key) => {
    const { length } = from;
    for (let done = 0; done < length; done += pieceSize) {
      const size = Math.min(pieceSize, length - done);
      memory.set(size === length ? from : from.subarray(done, done + size), pieceOffset);
      mask(pieceOffset, pieceOffset + size, key);
      to.set(size === pieceSize ? piece : piece.subarray(0, size), done);
    }
  };
}

/**
 * The WebAssembly module, in its binary format:
 *
 *     (memory (export "m") 2)
 *     (func (export "x") (param $start i32) (param $end i32) (param $key i32) (local $keys v128)
 *       (local.set $keys (i32x4.splat (local.get $key)))
 *       (loop $next
 *         ;; for each of the offsets 0, 16, 32, 48:
 *         (v128.store (local.get $start) (v128.xor (v128.load (local.get $start)) (local.get $keys)))
 *         (br_if $next (i32.lt_u (local.tee $start (i32.add (local.get $start) (i32.const 64))) (local.get $end)))))
 */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const [start, end, key, keys] = [0, 1, 2, 3];
  const get = (local: number) => [0x20, local];
  const maskAt = (offset: number) => [
    ...get(start),
    ...get(start),
    ...[0xfd, 0x00, 4, offset], // v128.load, aligned to 2 ** 4
    ...get(keys),
    ...[0xfd, 0x51], // v128.xor
    ...[0xfd, 0x0b, 4, offset], // v128.store
  ];
  const body = [
    ...[1, 1, 0x7b], // one kind of locals: 1 v128
    ...[...get(key), 0xfd, 0x11, 0x21, keys], // i32x4.splat, local.set
    ...[0x03, 0x40], // loop without a result; its last turn may go beyond the end, by less than 64 bytes
    ...[0, 16, 32, 48].flatMap(maskAt),
    ...[...get(start), 0x41, 0xc0, 0x00, 0x6a], // i32.const 64 (as signed LEB128), i32.add
    ...[0x22, start, ...get(end), 0x49, 0x0d, 0], // local.tee, i32.lt_u, br_if
    ...[0x0b, 0x0b], // end of the loop, end of the function
  ];
  const section = (id: number, ...content: number[]) => [id, content.length, ...content];
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // '\0asm', version 1
    ...section(1, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0), // one type: (i32, i32, i32) to nothing
    ...section(3, 1, 0), // one function of that type
    ...section(5, 1, 0, 2), // one memory of two pages of 64 KiB
    ...section(7, 2, 1, 0x6d, 2, 0, 1, 0x78, 0, 0), // exports: memory 0 as "m", function 0 as "x"
    ...section(10, 1, body.length, ...body),
  );
}
