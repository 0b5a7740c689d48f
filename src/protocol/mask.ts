/** Below this size a byte loop beats setting up a view of words. */
const wordThreshold = 64;

/** Larger buffers get a view of their own, so that the cache never keeps a big message alive. */
const largestCachedBuffer = 128 * 1024;

const scratchWord = new Int32Array(1);
const scratchBytes = new Uint8Array(scratchWord.buffer);
let cachedWords = scratchWord;

/**
 * Masks or unmasks `bytes[start, end)` in place (RFC 6455 section 5.3; the two are the same).
 *
 * @param key The masking key: the first key byte in the lowest eight bits, the last in the highest.
 * @param phase The offset of `start` in the frame's payload; only its lowest two bits matter.
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number, phase: number): void {
  const phased = rotate(key, phase);
  if (end - start < wordThreshold) {
    maskBytes(bytes, start, end, phased);
    return;
  }
  // Offsets can exceed 31 bits here: no bit operators on them, but for the lowest two.
  const head = -(bytes.byteOffset + start) & 3;
  const middle = start + head;
  const count = Math.floor((end - middle) / 4);
  const aligned = rotate(phased, head);
  maskBytes(bytes, start, middle, phased);

  const words = wordsOf(bytes);
  const word = nativeWord(aligned);
  const first = (bytes.byteOffset + middle) / 4;
  const last = first + count;
  for (let i = first; i < last; i++) words[i]! ^= word;

  maskBytes(bytes, middle + count * 4, end, aligned);
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

/** The key as a word in the byte order of this machine. */
function nativeWord(key: number): number {
  scratchBytes[0] = key;
  scratchBytes[1] = key >>> 8;
  scratchBytes[2] = key >>> 16;
  scratchBytes[3] = key >>> 24;
  return scratchWord[0]!;
}

function wordsOf(bytes: Uint8Array): Int32Array {
  const { buffer } = bytes;
  if (cachedWords.buffer === buffer) return cachedWords;
  const words = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
  if (buffer.byteLength <= largestCachedBuffer) cachedWords = words as Int32Array<ArrayBuffer>;
  return words;
}
