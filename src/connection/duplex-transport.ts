import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address, Transport, TransportHandler } from './transport.js';

/**
 * A transport over a Node stream: a TCP or TLS socket, an HTTP/2 stream, any `Duplex`. Documented parts of streams only.
 * The stream's errors are watched from construction on, so that none of them goes unlistened.
 */
export class DuplexTransport implements Transport {
  readonly remoteAddress: Address | undefined;
  readonly localAddress: Address | undefined;
  readonly #stream: Duplex;
  readonly #isSocket: boolean;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  #closed = false;
  #paused = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#error ??= error;
    });
    stream.on('close', () => {
      this.#closed = true;
      this.#handler?.onClose(this.#error);
    });
    // The peer's end must not cut off our answer to it; `end` is for the connection to call.
    stream.allowHalfOpen = true;
    this.#isSocket = stream instanceof Socket;
    if (stream instanceof Socket) {
      // Now, as a socket that is closed tells them no more.
      this.remoteAddress = makeAddress(stream.remoteAddress, stream.remotePort, stream.remoteFamily);
      this.localAddress = makeAddress(stream.localAddress, stream.localPort, stream.localFamily);
      // An HTTP server's idle timeout is not ours, and Nagle's algorithm delays small messages.
      stream.setTimeout(0);
      stream.setNoDelay(true);
    }
  }

  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    if (this.#closed || this.#stream.closed) {
      // It died before it was handed over, and its 'close' event is past.
      process.nextTick(() => handler.onClose(this.#error));
      return;
    }
    // So may its 'end' be, when whoever had the stream before was reading.
    if (this.#stream.readableEnded) process.nextTick(() => handler.onEnd());
    this.#stream.on('end', () => handler.onEnd());
    this.#stream.on('data', (chunk: Buffer) => handler.onData(this.#own(chunk)));
    // Whoever had the stream before may have paused it.
    if (!this.#paused) this.#stream.resume();
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    this.#stream.write(this.#own(bytes), written);
  }

  cork(): void {
    this.#stream.cork();
  }

  uncork(): void {
    this.#stream.uncork();
  }

  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  /** A socket's chunks are its reader's, and it is done with bytes once it says so; other streams may pass them by reference. */
  #own(bytes: Uint8Array): Buffer {
    return this.#isSocket && Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
  }
}

/** An empty object has no address: a unix socket, or one that is closed already. */
function makeAddress(
  address: string | undefined,
  port: number | undefined,
  family: string | undefined,
): Address | undefined {
  return address === undefined ? undefined : { address, port: port ?? 0, family: family ?? 'IPv4' };
}
