/** The longest delay that a Node timer takes; a longer one would fire at once. */
const longestDelay = 0x7fffffff;

/** A deadline that is running; it never keeps the process alive. */
export interface Deadline {
  readonly timer: NodeJS.Timeout;
  /** What is left to wait for once the timer has fired. */
  turn: NodeJS.Immediate | undefined;
}

/**
 * Calls `expired` after `ms` milliseconds; never when that is `Infinity` (then there is no deadline to return).
 *
 * Behind a blocked event loop a timer comes before the input that arrived meanwhile, and the answer that the deadline is about may lie
 * there unread. So input gets a turn before the deadline has passed.
 */
export function setDeadline(ms: number, expired: () => void): Deadline | undefined {
  if (ms === Infinity) return undefined;
  const fired = (): void => {
    deadline.turn = setImmediate(expired);
  };
  const timer = setTimeout(fired, Math.min(ms, longestDelay)).unref();
  const deadline: Deadline = { timer, turn: undefined };
  return deadline;
}

/** Takes a deadline back; without effect when it has passed, or when there is none. */
export function clearDeadline(deadline: Deadline | undefined): void {
  if (deadline === undefined) return;
  clearTimeout(deadline.timer);
  clearImmediate(deadline.turn);
}
