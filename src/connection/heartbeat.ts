import { TimeoutError } from '../errors.js';

/** What the heartbeat sees of its connection, and does to it. */
export interface HeartbeatOwner {
  /** Bytes received so far. */
  readonly bytesReceived: number;
  /** Whether silence may be our own fault: reading is held, or bytes did not leave. */
  readonly isExcused: boolean;
  sendHeartbeat(): void;
}

/**
 * Finds out whether a silent peer is still there. Any byte counts as life. After an interval without one it asks, with a ping, and
 * only when nothing at all comes for the timeout either is the peer lost.
 */
export class Heartbeat {
  /** When to look next, by the clock. */
  due: number;
  readonly #owner: HeartbeatOwner;
  readonly #interval: number;
  readonly #timeout: number;
  /** The bytes that were received when we looked last. */
  #seen: number;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** Whether nothing came since we asked. */
  #isAsking = false;

  constructor(owner: HeartbeatOwner, interval: number, timeout: number, now: number) {
    this.#owner = owner;
    this.#interval = interval;
    this.#timeout = timeout;
    this.#seen = owner.bytesReceived;
    this.due = now + interval;
  }

  /** Looks at the connection; returns the error when the peer is lost. To be called once `due` has come. */
  look(now: number, lateBy: number): TimeoutError | undefined {
    const { bytesReceived, isExcused } = this.#owner;
    if (bytesReceived !== this.#seen || isExcused) {
      this.#seen = bytesReceived;
      this.#isAsking = false;
      this.due = now + this.#interval;
      return undefined;
    }
    const next = this.#askedAt + (this.#isAsking ? this.#timeout : this.#interval);
    if (now < next && next !== Infinity) {
      this.due = next;
      return undefined;
    }
    // When we come far too late ourselves, the network may be as far behind: ask once more.
    if (this.#isAsking && this.#timeout !== Infinity && lateBy < this.#timeout) return this.#lost();
    this.#isAsking = true;
    this.#askedAt = now;
    this.due = now + Math.min(this.#interval, this.#timeout);
    this.#owner.sendHeartbeat();
    return undefined;
  }

  /** The pong to our ping: life, but no reason to put off the next ping, which also keeps proxies from giving up on us. */
  answered(): void {
    this.#isAsking = false;
    this.#seen = this.#owner.bytesReceived;
  }

  #lost(): TimeoutError {
    return new TimeoutError(
      'ANTS_HEARTBEAT_TIMEOUT',
      `heartbeat: the peer was silent for ${Math.round(this.#interval)} ms (heartbeatInterval) and then for ${this.#timeout} ms after a ping (heartbeatTimeout)`,
    );
  }
}
