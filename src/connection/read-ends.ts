import type { CloseFrame } from '../errors.js';
import type { Clock } from './clock.js';
import { clearDeadline, type Deadline, setDeadline } from './deadline.js';

/** How the incoming side ended. Several may follow each other: a Close frame, then the end of TCP, then its loss. */
export type ReadEnd =
  | { readonly kind: 'close'; readonly frame: CloseFrame }
  | { readonly kind: 'failure'; readonly error: Error }
  | { readonly kind: 'ended' }
  | { readonly kind: 'lost'; readonly error: Error | undefined };

/**
 * How long an end waits for messages before it to be dealt with, as shares of `closeTimeout`. The peer may be waiting for our
 * answer with the same deadline, so it is never the whole; and short when nobody has shown that he will go on reading.
 */
const patience = { reader: 1 / 2, nobody: 1 / 5 };

/** Ends whose turn has not come: messages before them are still with their readers. */
export class ReadEnds {
  readonly #ends: ReadEnd[] = [];
  #deadline: Deadline | undefined;

  get isEmpty(): boolean {
    return this.#ends.length === 0;
  }

  add(end: ReadEnd): void {
    this.#ends.push(end);
  }

  /** Adds one that was read only now, although it came before the others. */
  addFirst(end: ReadEnd): void {
    this.#ends.unshift(end);
  }

  /** Takes the first; there must be one. */
  take(): ReadEnd {
    return this.#ends.shift()!;
  }

  /** Lets the first one wait; when that has taken too long, `giveUp` is called, once. */
  wait(closeTimeout: number, isBeingRead: boolean, giveUp: () => void, clock: Clock): void {
    const share = isBeingRead ? patience.reader : patience.nobody;
    this.#deadline ??= setDeadline(closeTimeout * share, giveUp, clock);
  }

  /** None waits any more. */
  stop(): void {
    clearDeadline(this.#deadline);
  }
}
