import type { CloseError } from '../errors.js';
import { onAbort } from './abort.js';

interface Ping {
  readonly payload: Buffer;
  readonly sentAt: number;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (error: unknown) => void;
}

/** The pings that wait for their pong. */
export class Pings {
  readonly #waiting: Ping[] = [];
  #count = 0;

  /** A payload that no other ping of this connection has. */
  nextPayload(): Buffer {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.#count++ >>> 0);
    return payload;
  }

  /** Waits for the pong to `payload`; resolves to milliseconds. */
  wait(payload: Buffer, signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      const forgetSignal = onAbort(signal, (reason) => {
        this.#waiting.splice(this.#waiting.indexOf(ping), 1);
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
    const now = performance.now();
    for (const ping of this.#waiting.splice(0, last + 1)) ping.resolve(now - ping.sentAt);
  }

  /** The connection ended: no pong comes any more. */
  end(error: CloseError): void {
    for (const ping of this.#waiting.splice(0)) ping.reject(error);
  }
}
