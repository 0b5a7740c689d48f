import type { Duplex } from 'node:stream';

/** What a client may send before it has been answered, in bytes; more is left to TCP. */
const mostBytes = 64 * 1024;

/**
 * Reads what a client sends before it was answered. It should send nothing yet (RFC 6455 section 4.1), but as long as such bytes
 * lie unread, its end is not seen.
 */
export class EarlyData {
  readonly #socket: Duplex;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    // To listen is to resume, but not for a stream that was paused before.
    socket.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= mostBytes) this.#socket.pause();
  };

  /** Stops reading; returns `head` with what came behind it. */
  stop(head: Buffer): Buffer {
    this.#socket.off('data', this.#onData);
    this.#socket.pause();
    return this.#chunks.length === 0 ? head : Buffer.concat([head, ...this.#chunks]);
  }
}
