/** How often input was looked at; not time, which a busy machine decides. */
export interface Reading {
  /** Single characters, and bytes that were searched or decoded. */
  reads: number;
  /** The longest text that a regular expression was let loose on. */
  longestMatched: number;
}

/** Counts, in all of the process, what `work` reads until its promise settles. */
export async function countReading(work: () => Promise<unknown>): Promise<Reading> {
  const reading: Reading = { reads: 0, longestMatched: 0 };
  const { charCodeAt } = String.prototype;
  const { exec } = RegExp.prototype;
  const { indexOf, toString: decode } = Buffer.prototype;
  String.prototype.charCodeAt = function (this: string, index: number) {
    reading.reads++;
    return charCodeAt.call(this, index);
  };
  // All other ways to use a regular expression end here once it is replaced.
  RegExp.prototype.exec = function (this: RegExp, text: string) {
    reading.longestMatched = Math.max(reading.longestMatched, String(text).length);
    return exec.call(this, text);
  };
  Buffer.prototype.indexOf = function (this: Buffer, ...args: Parameters<typeof indexOf>) {
    const found = indexOf.apply(this, args);
    const [, start = 0] = args;
    reading.reads += (found === -1 ? this.length : found + 1) - Number(start);
    return found;
  };
  Buffer.prototype.toString = function (
    this: Buffer,
    encoding?: BufferEncoding,
    start = 0,
    end = this.length,
  ) {
    reading.reads += end - start;
    return decode.call(this, encoding, start, end);
  };
  try {
    await work();
  } finally {
    String.prototype.charCodeAt = charCodeAt;
    RegExp.prototype.exec = exec;
    Object.assign(Buffer.prototype, { indexOf, toString: decode });
  }
  return reading;
}

/**
 * How many reads a character or byte of input costs, by the difference that `work` makes from a small size to a larger one: a small
 * number where the cost is linear, one that grows with the size where it is not. And the longest text of both that was matched.
 */
export async function readingSlope(
  work: (size: number) => Promise<unknown>,
  [small, large]: readonly [number, number] = [10_000, 40_000],
): Promise<{ slope: number; longestMatched: number }> {
  // Once in vain: what is done once and for all is no cost of the size.
  await work(small);
  const before = await countReading(() => work(small));
  const { reads, longestMatched } = await countReading(() => work(large));
  return { slope: (reads - before.reads) / (large - small), longestMatched };
}
