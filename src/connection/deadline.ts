/** The longest delay that a Node timer takes; a longer one would fire at once. */
const longestDelay = 0x7fffffff;

/** A timer that never keeps the process alive. */
export type Deadline = NodeJS.Timeout;

/**
 * Calls `expired` after `ms` milliseconds; never when that is `Infinity` (then there is no timer to return).
 */
export function setDeadline(ms: number, expired: () => void): Deadline | undefined {
  if (ms === Infinity) return undefined;
  return setTimeout(expired, Math.min(ms, longestDelay)).unref();
}
