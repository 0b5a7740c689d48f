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
  const shift = (phase & 3) << 3;
  const rotated = shift === 0 ? key : (key >>> shift) | (key << (32 - shift));
  if (end - start < wordThreshold) {
    maskBytes(bytes, start, end, rotated);
    return;
  }
  const misaligned = (bytes.byteOffset + start) & 3;
  const head = misaligned === 0 ? 0 : 4 - misaligned;
  maskBytes(bytes, start, start + head, rotated);

  const words = wordsOf(bytes);
  const firstWord = (bytes.byteOffset + start + head) >>> 2;
  const lastWord = (bytes.byteOffset + end) >>> 2;
  const aligned = head << 3 === 0 ? rotated : (rotated >>> (head << 3)) | (rotated << (32 - (head << 3)));
  const word = nativeWord(aligned);
  for (let i = firstWord; i < lastWord; i++) words[i]! ^= word;

  maskBytes(bytes, (lastWord << 2) - bytes.byteOffset, end, aligned);
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
  const words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
  if (buffer.byteLength <= largestCachedBuffer) cachedWords = words as Int32Array<ArrayBuffer>;
  return words;
}
