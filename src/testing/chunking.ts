/**
 * How many bytes each chunk has at most: the same for all, sizes that are taken in turn and over again, or a function of the
 * number of the chunk, from 0. The end of a write is always the end of a chunk.
 */
export type ChunkSizes = number | readonly number[] | ((index: number) => number);

/** How many milliseconds a write is on its way: the same for all, or a function of the number of the write, from 0. */
export type Delay = number | ((index: number) => number);

/**
 * A function of chunks.
 *
 * @throws TypeError when `sizes` is not of the type; the function throws a RangeError when a size is not at least 1
 */
export function compileChunkSizes(sizes: ChunkSizes): (index: number) => number {
  if (typeof sizes === 'function') return (index) => checkSize(sizes(index));
  if (typeof sizes === 'number') {
    checkSize(sizes);
    return () => sizes;
  }
  if (!Array.isArray(sizes) || sizes.length === 0) {
    throw new TypeError('chunks must be a number, a list of numbers that is not empty, or a function');
  }
  for (const size of sizes) checkSize(size);
  return (index) => sizes[index % sizes.length]!;
}

/**
 * A function of delays.
 *
 * @throws TypeError when `delay` is not of the type; the function throws a RangeError when a delay is not at least 0
 */
export function compileDelay(delay: Delay): (index: number) => number {
  if (typeof delay === 'function') return (index) => checkDelay(delay(index));
  if (typeof delay !== 'number') throw new TypeError('delay must be a number of milliseconds, or a function');
  checkDelay(delay);
  return () => delay;
}

/**
 * Sizes that look random and are the same for the same seed, so that a failure can be had again.
 *
 * @param seed any whole number
 * @param largest the largest size, in bytes
 */
export function seededChunks(seed: number, largest = 64): (index: number) => number {
  return (index) => 1 + (scramble(scramble(seed) + index) % largest);
}

/** One round of a multiply-and-shift hash over 32 bits. */
function scramble(value: number): number {
  let bits = (value ^ (value >>> 16)) >>> 0;
  bits = Math.imul(bits, 0x045d9f3b) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x045d9f3b) >>> 0;
  return (bits ^ (bits >>> 16)) >>> 0;
}

function checkSize(size: number): number {
  if (typeof size === 'number' && size >= 1) return Math.floor(size);
  throw new RangeError(`the size of a chunk must be a number of at least 1; it is ${String(size)}`);
}

function checkDelay(delay: number): number {
  if (typeof delay === 'number' && delay >= 0) return delay;
  throw new RangeError(`a delay must be a number of at least 0; it is ${String(delay)}`);
}
