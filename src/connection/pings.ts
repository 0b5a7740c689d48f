import { randomBytes } from 'node:crypto';
import type { CloseError } from '../errors.js';
import { onAbort } from './abort.js';
import type { Clock } from './clock.js';

interface Ping {
  readonly payload: Buffer;
  sentAt: number;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The payload of every heartbeat of this process, so that no ping of a user is taken for one. A payload for each would be thousands of
 * small buffers that live just long enough to burden the garbage collector.
 */
export const heartbeatPayload: Buffer = randomBytes(12);

/** Whether the payload of a ping or pong is that of a heartbeat of this process. */
export function isHeartbeat(payload: Buffer): boolean {
  return payload.equals(heartbeatPayload);
}

/** As `isHeartbeat`, for a payload that has not been copied out of its chunk. */
export function isHeartbeatIn(chunk: Buffer, start: number, end: number): boolean {
  return (
    end - start === heartbeatPayload.length &&
    chunk[start] === heartbeatPayload[0] &&
    heartbeatPayload.compare(chunk, start, end) === 0
  );
}

/** The pings that wait for their pong, and the time that the latest round trip took. */
export class Pings {
  /** Milliseconds of the latest round trip; undefined before the first. */
  latency: number | undefined;
  readonly #clock: Clock;
  readonly #waiting: Ping[] = [];
  #count = 0;
  /** The heartbeat, waiting or not; one object for all of them, as nothing may be allocated for a beat. */
  #heartbeat: Ping | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A payload that no other ping of this connection has. */
  nextPayload(): Buffer {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.#count++ >>> 0);
    return payload;
  }

  /** Begins a new heartbeat and returns its payload; it is waited for instead of the one before. */
  heartbeat(): Buffer {
    if (this.#heartbeat === undefined) {
      this.#heartbeat = { payload: heartbeatPayload, sentAt: 0, resolve: noop, reject: noop };
    } else if (this.#waiting.length > 0) {
      this.#remove(this.#heartbeat);
    }
    this.#heartbeat.sentAt = this.#clock.now();
    this.#waiting.push(this.#heartbeat);
    return heartbeatPayload;
  }

  /** Waits for the pong to `payload`; resolves to milliseconds. */
  wait(payload: Buffer, signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      const forgetSignal = onAbort(signal, (reason) => {
        this.#remove(ping);
        reject(reason);
      });
      const ping: Ping = {
        payload,
        sentAt: this.#clock.now(),
        resolve: (milliseconds) => {
          forgetSignal();
          resolve(milliseconds);
        },
        reject: (error) => {
          forgetSignal();
          reject(error);
        },
      };
      this.#waiting.push(ping);
    });
  }

  /**
   * A pong came. It answers the latest ping that it matches and all before that one, as the peer may answer only the most
   * recent of several (RFC 6455 section 5.5.3). A pong that matches none is unsolicited, and nobody's.
   */
  answer(payload: Buffer): void {
    const { length } = this.#waiting;
    if (length === 0) return;
    if (length === 1 && this.#waiting[0] === this.#heartbeat && isHeartbeat(payload)) {
      this.latency = this.#clock.now() - this.#heartbeat.sentAt;
      this.#waiting.pop();
      return;
    }
    const last = this.#waiting.findLastIndex((ping) => ping.payload.equals(payload));
    if (last === -1) return;
    const now = this.#clock.now();
    this.latency = now - this.#waiting[last]!.sentAt;
    for (const ping of this.#waiting.splice(0, last + 1)) {
      ping.resolve(now - ping.sentAt);
    }
  }

  /** The connection ended: no pong comes any more. */
  end(error: CloseError): void {
    for (const ping of this.#waiting.splice(0)) ping.reject(error);
  }

  #remove(ping: Ping): void {
    const index = this.#waiting.indexOf(ping);
    if (index >= 0) this.#waiting.splice(index, 1);
  }
}

function noop(): void {}
