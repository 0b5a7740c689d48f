import { Roster } from '../protocol/roster.js';
import { type Clock, longestDelay, systemClock } from './clock.js';

/** Something that wants to be woken at some time; an object rather than a function, so that it costs nothing of its own. */
export interface Alarm {
  /**
   * The time has come. Called in the phase of immediates: what lay unread while the event loop was blocked has been seen.
   *
   * @param now The time by the clock, or later.
   * @param lateBy How many milliseconds too late this is; much when the event loop of this process was blocked.
   */
  ring(now: number, lateBy: number): void;
}

/** Alarms that ring together. */
export interface AlarmSlot {
  /** When, in milliseconds of the clock. */
  readonly due: number;
  readonly alarms: Roster<Alarm>;
  readonly timer: SharedTimer;
}

/** All alarms of one clock, and the one timer that they share. */
class SharedTimer {
  readonly #clock: Clock;
  readonly #slots = new Map<number, AlarmSlot>();
  #timer: unknown;
  #timerDue = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The slot at `due`. */
  slotAt(due: number): AlarmSlot {
    let slot = this.#slots.get(due);
    if (slot === undefined) {
      slot = { due, alarms: new Roster(), timer: this };
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
    const now = this.#clock.now();
    const delay = Math.min(Math.max(0, Math.ceil(due - now)), longestDelay);
    this.#timerDue = Math.min(due, now + delay);
    this.#timer = this.#clock.setTimer(delay, () => this.#fired());
  }

  #disarm(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timerDue = Number.POSITIVE_INFINITY;
  }

  #fired(): void {
    // A timer may come a fraction of a millisecond early by this measure, and is right all the same.
    const now = Math.max(this.#clock.now(), this.#timerDue);
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
  // An alarm that is taken back meanwhile is not there any more.
  for (const { alarms, due } of slots) {
    for (const alarm of alarms) {
      alarms.delete(alarm);
      alarm.ring(now, now - due);
    }
  }
}

/** One for the process, and one for each clock of a test. */
const timers = new WeakMap<Clock, SharedTimer>();

function timerOf(clock: Clock): SharedTimer {
  let timer = timers.get(clock);
  if (timer === undefined) {
    timer = new SharedTimer(clock);
    timers.set(clock, timer);
  }
  return timer;
}

/** The largest of 1, 2, 5, 10, 20, 50 … that is not above `most`; 1 at least. */
function grainOf(most: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(most)));
  if (most >= 5 * power) return 5 * power;
  return most >= 2 * power ? 2 * power : power;
}

/**
 * Rings `alarm` in `ms` milliseconds, or up to a fiftieth of that later: alarms of about the same time share a slot, and all of
 * them one timer, which never keeps the process alive. Ten thousand connections cost ten thousand seats in rosters.
 */
export function setAlarm(alarm: Alarm, ms: number, clock: Clock = systemClock()): AlarmSlot {
  const grain = grainOf(ms / 50);
  const due = Math.ceil((clock.now() + Math.max(0, ms)) / grain) * grain;
  const slot = timerOf(clock).slotAt(due);
  slot.alarms.add(alarm);
  return slot;
}

/** Takes an alarm back; without effect when it rang. */
export function clearAlarm(alarm: Alarm, slot: AlarmSlot): void {
  slot.alarms.delete(alarm);
  if (slot.alarms.size === 0) slot.timer.drop(slot);
}
