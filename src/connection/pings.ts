import { randomBytes } from 'node:crypto';
import type { CloseError } from '../errors.js';
import { onAbort } from './abort.js';

interface Ping {
  readonly payload: Buffer;
  readonly sentAt: number;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The payload of every heartbeat of this process, so that no ping of a user is taken for one. A payload for each would be thousands of
 * small buffers that live just long enough to burden the garbage collector.
 */
const heartbeatPayload = randomBytes(12);

/** Whether the payload of a ping or pong is that of a heartbeat of this process. */
export function isHeartbeat(payload: Buffer): boolean {
  return payload.equals(heartbeatPayload);
}

/** The pings that wait for their pong, and the time that the latest round trip took. */
export class Pings {
  /** Milliseconds of the latest round trip; undefined before the first. */
  latency: number | undefined;
  readonly #waiting: Ping[] = [];
  #count = 0;
  #heartbeat: Ping | undefined;

  /** A payload that no other ping of this connection has. */
  nextPayload(): Buffer {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.#count++ >>> 0);
    return payload;
  }

  /** Begins a new heartbeat and returns its payload; it is waited for instead of the one before. */
  heartbeat(): Buffer {
    if (this.#heartbeat !== undefined) this.#remove(this.#heartbeat);
    this.#heartbeat = { payload: heartbeatPayload, sentAt: performance.now(), resolve: noop, reject: noop };
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
        sentAt: performance.now(),
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
    const last = this.#waiting.findLastIndex((ping) => ping.payload.equals(payload));
    if (last === -1) return;
    const now = performance.now();
    this.latency = now - this.#waiting[last]!.sentAt;
    for (const ping of this.#waiting.splice(0, last + 1)) {
      if (ping === this.#heartbeat) this.#heartbeat = undefined;
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
