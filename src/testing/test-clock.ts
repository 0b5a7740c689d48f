import type { Clock } from '../connection/clock.js';

/** Turns of the event loop in which what is under way comes to rest. */
const turns = 10;

interface Timer {
  readonly due: number;
  readonly expired: () => void;
}

/** A clock that stands still until it is told to go on: for deadlines and heartbeats without waiting. */
export class TestClock implements Clock {
  #now: number;
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>();

  /** @param start the time at the beginning, in milliseconds */
  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  setTimer(ms: number, expired: () => void): unknown {
    if (ms === Infinity) return undefined;
    const timer: Timer = { due: this.#now + ms, expired };
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** How many timers are set. All connections that share a clock have one for their heartbeats and the like. */
  get timers(): number {
    return this.#timers.size;
  }

  /**
   * Lets `ms` milliseconds pass: each timer expires at its time, and what it sets in motion comes to rest before the next one.
   *
   * @throws RangeError when `ms` is not a number of at least 0
   */
  async advance(ms: number): Promise<void> {
    checkMilliseconds(ms);
    await this.settle();
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.due);
      this.#fire(next);
      await this.settle();
    }
    this.#now = Math.max(this.#now, end);
    await this.settle();
  }

  /**
   * As if the event loop had been blocked for `ms` milliseconds: the timers of that time all expire late, now, before anything else
   * happens.
   *
   * @throws RangeError as `advance`
   */
  block(ms: number): void {
    checkMilliseconds(ms);
    this.#now += ms;
    const end = this.#now;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) this.#fire(next);
  }

  /** Lets everything happen that is under way, and no time pass: some turns of the event loop. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    timer.expired();
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer;
    }
    return next;
  }
}

function checkMilliseconds(ms: number): void {
  if (typeof ms === 'number' && ms >= 0 && ms < Infinity) return;
  throw new RangeError(`the milliseconds must be a number of at least 0; what was given is ${String(ms)}`);
}
