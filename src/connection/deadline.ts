import { type Clock, systemClock } from './clock.js';

/** A deadline that is running; it never keeps the process alive. */
export interface Deadline {
  readonly clock: Clock;
  readonly timer: unknown;
  /** What is left to wait for once the timer has fired. */
  turn: NodeJS.Immediate | undefined;
}

/**
 * Calls `expired` after `ms` milliseconds; never when that is `Infinity` (then there is no deadline to return).
 *
 * Behind a blocked event loop a timer comes before the input that arrived meanwhile, and the answer that the deadline is about may lie
 * there unread. So input gets a turn before the deadline has passed.
 */
export function setDeadline(
  ms: number,
  expired: () => void,
  clock: Clock = systemClock(),
): Deadline | undefined {
  if (ms === Infinity) return undefined;
  const fired = (): void => {
    deadline.turn = setImmediate(expired);
  };
  const deadline: Deadline = { clock, timer: clock.setTimer(ms, fired), turn: undefined };
  return deadline;
}

/** Takes a deadline back; without effect when it has passed, or when there is none. */
export function clearDeadline(deadline: Deadline | undefined): void {
  if (deadline === undefined) return;
  deadline.clock.clearTimer(deadline.timer);
  clearImmediate(deadline.turn);
}
