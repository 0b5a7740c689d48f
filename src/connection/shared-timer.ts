/** Something that wants to be woken at some time; an object rather than a function, so that it costs nothing of its own. */
export interface Alarm {
  /**
   * The time has come. Called in the phase of immediates: what lay unread while the event loop was blocked has been seen.
   *
   * @param now The time by `performance.now`, or later.
   * @param lateBy How many milliseconds too late this is; much when the event loop of this process was blocked.
   */
  ring(now: number, lateBy: number): void;
}

/** Alarms that ring together. */
export interface AlarmSlot {
  /** When, in milliseconds of `performance.now`. */
  readonly due: number;
  readonly alarms: Set<Alarm>;
  readonly clock: Clock;
}

/** The longest delay that a Node timer takes; a longer one would fire at once. */
const longestDelay = 0x7fffffff;

/** All alarms of one source of time, and the one timer that they share. */
class Clock {
  readonly setTimeout = setTimeout;
  readonly #clearTimeout = clearTimeout;
  readonly #slots = new Map<number, AlarmSlot>();
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;

  /** The slot at `due`. */
  slotAt(due: number): AlarmSlot {
    let slot = this.#slots.get(due);
    if (slot === undefined) {
      slot = { due, alarms: new Set(), clock: this };
      this.#slots.set(due, slot);
    }
    if (due < this.#timerDue) this.#arm(due);
    return slot;
  }

  /** Forgets a slot that is empty. The timer fires for nothing then, unless this was the last. */
  drop(slot: AlarmSlot): void {
    if (this.#slots.get(slot.due) === slot) this.#slots.delete(slot.due);
    if (this.#slots.size === 0) this.#disarm();
  }

  #arm(due: number): void {
    this.#disarm();
    const now = performance.now();
    const delay = Math.min(Math.max(0, Math.ceil(due - now)), longestDelay);
    this.#timerDue = Math.min(due, now + delay);
    // Through a variable: as a method, a fake setTimeout would get this clock for its own.
    const set = this.setTimeout;
    this.#timer = set(() => this.#fired(), delay).unref();
  }

  #disarm(): void {
    const clear = this.#clearTimeout;
    clear(this.#timer);
    this.#timerDue = Number.POSITIVE_INFINITY;
  }

  #fired(): void {
    // A timer may come a fraction of a millisecond early by this measure, and is right all the same.
    const now = Math.max(performance.now(), this.#timerDue);
    this.#timerDue = Number.POSITIVE_INFINITY;
    const due: AlarmSlot[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots.values()) {
      if (slot.due <= now) due.push(slot);
      else next = Math.min(next, slot.due);
    }
    due.sort((a, b) => a.due - b.due);
    for (const slot of due) this.#slots.delete(slot.due);
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
    // Behind a blocked event loop the answer that an alarm is about may lie unread. Input is looked at between this turn's
    // timers and its immediates.
    if (due.length > 0) setImmediate(ringAll, due, now);
  }
}

function ringAll(slots: readonly AlarmSlot[], now: number): void {
  // An alarm that is taken back meanwhile is not in its set any more.
  for (const { alarms, due } of slots) {
    for (const alarm of alarms) alarm.ring(now, now - due);
  }
}

/** One in a process, but for fake ones: these come and go with tests, and have a time of their own. */
const clocks = new WeakMap<typeof setTimeout, Clock>();

function currentClock(): Clock {
  let clock = clocks.get(setTimeout);
  if (clock === undefined) {
    clock = new Clock();
    clocks.set(setTimeout, clock);
  }
  return clock;
}

/** The largest of 1, 2, 5, 10, 20, 50 … that is not above `most`; 1 at least. */
function grainOf(most: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(most)));
  if (most >= 5 * power) return 5 * power;
  return most >= 2 * power ? 2 * power : power;
}

/**
 * Rings `alarm` in `ms` milliseconds, or up to a fiftieth of that later: alarms of about the same time share a slot, and all of
 * them one timer, which never keeps the process alive. Ten thousand connections cost ten thousand entries in sets.
 */
export function setAlarm(alarm: Alarm, ms: number): AlarmSlot {
  const grain = grainOf(ms / 50);
  const due = Math.ceil((performance.now() + Math.max(0, ms)) / grain) * grain;
  const slot = currentClock().slotAt(due);
  slot.alarms.add(alarm);
  return slot;
}

/** Takes an alarm back; without effect when it rang. */
export function clearAlarm(alarm: Alarm, slot: AlarmSlot): void {
  slot.alarms.delete(alarm);
  if (slot.alarms.size === 0) slot.clock.drop(slot);
}
