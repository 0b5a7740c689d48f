import { TimeoutError } from '../errors.js';

/** What the heartbeat sees of its connection, and does to it. */
export interface HeartbeatOwner {
  /** Bytes received so far. */
  readonly bytesReceived: number;
  /** Whether silence may be our own fault: reading is held, or bytes did not leave. */
  readonly isExcused: boolean;
  sendHeartbeat(): void;
}

/** Milliseconds of silence until a ping, and from there until the peer is lost. */
export interface HeartbeatTimes {
  readonly interval: number;
  readonly timeout: number;
}

/**
 * Finds out whether a silent peer is still there. Any byte counts as life. After an interval without one it asks, with a ping, and
 * only when nothing at all comes for the timeout either is the peer lost.
 *
 * Times are whole milliseconds, here as in {@link Watch}: V8 has an object for each field with a fraction.
 */
export class Heartbeat {
  /** When to look next, by the clock. */
  due: number;
  /** The bytes that were received when we looked last. */
  #seen: number;
  /** When we asked last, or began. */
  #askedAt: number;
  /** Whether nothing came since we asked. */
  #isAsking = false;

  constructor(bytesReceived: number, interval: number, now: number) {
    this.#seen = bytesReceived;
    this.#askedAt = Math.ceil(now);
    this.due = Math.ceil(now + interval);
  }

  /** Looks at the connection; returns the error when the peer is lost. To be called once `due` has come. */
  look(
    owner: HeartbeatOwner,
    { interval, timeout }: HeartbeatTimes,
    now: number,
    lateBy: number,
  ): TimeoutError | undefined {
    const { bytesReceived, isExcused } = owner;
    if (bytesReceived !== this.#seen || isExcused) {
      this.#seen = bytesReceived;
      this.#isAsking = false;
      this.due = Math.ceil(now + interval);
      return undefined;
    }
    const next = this.#askedAt + (this.#isAsking ? timeout : interval);
    if (now < next && next !== Infinity) {
      this.due = Math.ceil(next);
      return undefined;
    }
    // When we come far too late ourselves, the network may be as far behind: ask once more.
    if (this.#isAsking && timeout !== Infinity && lateBy < timeout) return lost(interval, timeout);
    this.#isAsking = true;
    this.#askedAt = Math.ceil(now);
    this.due = Math.ceil(now + Math.min(interval, timeout));
    owner.sendHeartbeat();
    return undefined;
  }

  /** The pong to our ping: life, but no reason to put off the next ping, which also keeps proxies from giving up on us. */
  answered(bytesReceived: number): void {
    this.#isAsking = false;
    this.#seen = bytesReceived;
  }
}

function lost(interval: number, timeout: number): TimeoutError {
  return new TimeoutError(
    'ANTS_HEARTBEAT_TIMEOUT',
    `heartbeat: the peer was silent for ${Math.round(interval)} ms (heartbeatInterval) and then for ${timeout} ms after a ping (heartbeatTimeout)`,
  );
}
