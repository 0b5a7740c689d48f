/**
 * A source of time for connections. That of the process is the default; `TestClock` of `ants-ws/testing` is one that stands still
 * until it is told otherwise.
 */
export interface Clock {
  /** The time in milliseconds, fractions included, from any beginning; it never goes back. */
  now(): number;
  /**
   * Calls `expired` in `ms` milliseconds, never when that is `Infinity`, and returns what `clearTimer` takes. Such a timer keeps no process
   * alive.
   */
  setTimer(ms: number, expired: () => void): unknown;
  /** Takes a timer back; without effect when it has expired, or is undefined. */
  clearTimer(timer: unknown): void;
}

/** The longest delay that a Node timer takes; a longer one would fire at once. */
export const longestDelay = 0x7fffffff;

/** Fake timers come and go with tests, and have a time of their own: one clock for each global `setTimeout` that there was. */
const clocks = new WeakMap<typeof setTimeout, Clock>();

/** The clock of the process, or of whatever has taken the place of its timers. */
export function systemClock(): Clock {
  let clock = clocks.get(setTimeout);
  if (clock === undefined) {
    clock = captureClock();
    clocks.set(setTimeout, clock);
  }
  return clock;
}

function captureClock(): Clock {
  const set = setTimeout;
  const clear = clearTimeout;
  const time = performance;
  return {
    now: () => time.now(),
    setTimer: (ms, expired) =>
      ms === Infinity ? undefined : set(expired, Math.min(ms, longestDelay)).unref(),
    clearTimer: (timer) => clear(timer as NodeJS.Timeout | undefined),
  };
}
