/** How often characters were looked at, one by one or by a regular expression; not time, which a busy machine decides. */
export interface Reading {
  /** Single characters. */
  characters: number;
  /** The longest text that a regular expression was let loose on. */
  longestMatched: number;
}

/** Counts, in all of the process, what `work` reads until its promise settles. */
export async function countReading(work: () => Promise<unknown>): Promise<Reading> {
  const reading: Reading = { characters: 0, longestMatched: 0 };
  const { charCodeAt } = String.prototype;
  const { exec } = RegExp.prototype;
  String.prototype.charCodeAt = function (this: string, index: number) {
    reading.characters++;
    return charCodeAt.call(this, index);
  };
  // All other ways to use a regular expression end here once it is replaced.
  RegExp.prototype.exec = function (this: RegExp, text: string) {
    reading.longestMatched = Math.max(reading.longestMatched, String(text).length);
    return exec.call(this, text);
  };
  try {
    await work();
  } finally {
    String.prototype.charCodeAt = charCodeAt;
    RegExp.prototype.exec = exec;
  }
  return reading;
}
