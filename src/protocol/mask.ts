import { kernelThreshold, type MaskKernel, makeMaskKernel } from './mask-simd.js';

/** From here on words pay, in a buffer whose view of words is at hand, and in one that needs a view first. */
const wordThreshold = 96;
const viewThreshold = 128;

/** Larger buffers get a view of their own, so that the cache never keeps a big message alive. */
const largestCachedBuffer = 128 * 1024;

/** Made when the first large payload comes; `null` where there is none. */
let kernel: MaskKernel | null | undefined;

const scratchWord = new BigUint64Array(1);
const scratchBytes = new Uint8Array(scratchWord.buffer);
let cachedWords: BigUint64Array = scratchWord;
let cachedBuffer: ArrayBufferLike = scratchWord.buffer;

/**
 * Masks or unmasks `bytes[start, end)` in place (RFC 6455 section 5.3; the two are the same).
 *
 * @param key The masking key: the first key byte in the lowest eight bits, the last in the highest.
 * @param phase The offset of `start` in the frame's payload; only its lowest two bits matter.
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number, phase: number): void {
  const phased = rotate(key, phase);
  const size = end - start;
  if (size < wordThreshold || (size < viewThreshold && bytes.buffer !== cachedBuffer)) {
    maskBytes(bytes, start, end, phased);
    return;
  }
  const simd = kernelFor(size);
  if (simd !== null) {
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, size);
    simd(view, view, phased);
    return;
  }
  // Offsets can exceed 31 bits here: no bit operators on them, but for the lowest three.
  const head = -(bytes.byteOffset + start) & 7;
  const middle = start + head;
  const count = Math.floor((end - middle) / 8);
  const aligned = rotate(phased, head);
  maskBytes(bytes, start, middle, phased);
  maskWords(bytes, middle, count, aligned);
  maskBytes(bytes, middle + count * 8, end, aligned);
}

/**
 * Masks or unmasks `bytes[start, start + target.length)` into `target`, and leaves them as they are; 0 as the key copies. For a few
 * bytes: it goes byte by byte, as what copies natively makes memory outside of V8's heap for a small `target`, or a view.
 */
export function maskInto(target: Uint8Array, bytes: Uint8Array, start: number, key: number): void {
  const k0 = key & 0xff;
  const k1 = (key >>> 8) & 0xff;
  const k2 = (key >>> 16) & 0xff;
  const k3 = key >>> 24;
  const size = target.length;
  let i = 0;
  for (const unrolled = size - 7; i < unrolled; i += 8) {
    const at = start + i;
    target[i] = bytes[at]! ^ k0;
    target[i + 1] = bytes[at + 1]! ^ k1;
    target[i + 2] = bytes[at + 2]! ^ k2;
    target[i + 3] = bytes[at + 3]! ^ k3;
    target[i + 4] = bytes[at + 4]! ^ k0;
    target[i + 5] = bytes[at + 5]! ^ k1;
    target[i + 6] = bytes[at + 6]! ^ k2;
    target[i + 7] = bytes[at + 7]! ^ k3;
  }
  for (; i < size; i++) target[i] = bytes[start + i]! ^ (key >>> ((i & 3) << 3));
}

/**
 * Masks or unmasks `bytes[start, start + target.length)` into `target`. What is left in `bytes` is of no use. For more than a few bytes, as
 * it uses native copies.
 */
export function moveMasked(target: Buffer, bytes: Buffer, start: number, key: number): void {
  const size = target.length;
  const simd = kernelFor(size);
  if (simd !== null) {
    simd(new Uint8Array(bytes.buffer, bytes.byteOffset + start, size), target, key);
    return;
  }
  applyMask(bytes, start, start + size, key, 0);
  bytes.copy(target, 0, start, start + size);
}

function kernelFor(size: number): MaskKernel | null {
  if (size < kernelThreshold) return null;
  if (kernel === undefined) kernel = makeMaskKernel() ?? null;
  return kernel;
}

/** The key as it applies `by` bytes further on. */
function rotate(key: number, by: number): number {
  const bits = (by & 3) << 3;
  return (key >>> bits) | (key << (32 - bits));
}

function maskBytes(bytes: Uint8Array, start: number, end: number, key: number): void {
  const k0 = key & 0xff;
  const k1 = (key >>> 8) & 0xff;
  const k2 = (key >>> 16) & 0xff;
  const k3 = key >>> 24;
  let i = start;
  for (const unrolled = end - 3; i < unrolled; i += 4) {
    bytes[i]! ^= k0;
    bytes[i + 1]! ^= k1;
    bytes[i + 2]! ^= k2;
    bytes[i + 3]! ^= k3;
  }
  if (i < end) bytes[i++]! ^= k0;
  if (i < end) bytes[i++]! ^= k1;
  if (i < end) bytes[i]! ^= k2;
}

/** Masks `count` words of 8 bytes from `start` on. */
function maskWords(bytes: Uint8Array, start: number, count: number, key: number): void {
  const { buffer } = bytes;
  const byteOffset = bytes.byteOffset + start;
  if (buffer.byteLength > largestCachedBuffer) {
    xorWords(new BigUint64Array(buffer, byteOffset, count), 0, count, key);
    return;
  }
  if (buffer !== cachedBuffer) {
    cachedWords = new BigUint64Array(buffer, 0, buffer.byteLength >>> 3);
    cachedBuffer = buffer;
  }
  const first = byteOffset >> 3;
  xorWords(cachedWords, first, first + count, key);
}

function xorWords(words: BigUint64Array, start: number, end: number, key: number): void {
  // In the byte order of this machine.
  for (let i = 0; i < 8; i++) scratchBytes[i] = key >>> ((i & 3) << 3);
  const word = scratchWord[0]!;
  let i = start;
  // Without the unrolling it takes twice as long on some versions of Node.
  for (const unrolled = end - 3; i < unrolled; i += 4) {
    words[i]! ^= word;
    words[i + 1]! ^= word;
    words[i + 2]! ^= word;
    words[i + 3]! ^= word;
  }
  for (; i < end; i++) words[i]! ^= word;
}
