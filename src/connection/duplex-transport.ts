import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address, Transport, TransportHandler } from './transport.js';

/**
 * A transport over a Node stream: a TCP or TLS socket, an HTTP/2 stream, any `Duplex`. Documented parts of streams only.
 * The stream's errors are watched from construction on, so that none of them goes unlistened.
 */
export class DuplexTransport implements Transport {
  readonly #stream: Duplex;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  #closed = false;
  readonly #isSocket: boolean;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#error ??= error;
    });
    stream.on('close', () => {
      this.#closed = true;
      this.#handler?.onClose(this.#error);
    });
    this.#isSocket = stream instanceof Socket;
    if (stream instanceof Socket) {
      // Node keeps the address from the first look on, so that it can be told after the end as well.
      void stream.remoteAddress;
      // An HTTP server's idle timeout is not ours, and Nagle's algorithm delays small messages.
      stream.setTimeout(0);
      stream.setNoDelay(true);
    }
  }

  get remoteAddress(): Address | undefined {
    const stream = this.#stream;
    if (!(stream instanceof Socket) || stream.remoteAddress === undefined) return undefined;
    return makeAddress(stream.remoteAddress, stream.remotePort, stream.remoteFamily);
  }

  get localAddress(): Address | undefined {
    const stream = this.#stream;
    if (!(stream instanceof Socket) || stream.localAddress === undefined) return undefined;
    return makeAddress(stream.localAddress, stream.localPort, stream.localFamily);
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
    this.#stream.on('end', () => handler.onEnd());
    this.#stream.on('data', (chunk: Buffer) => handler.onData(chunk));
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    // A socket is done with the bytes once it says so; any other stream may have passed them on by reference.
    this.#stream.write(this.#isSocket ? bytes : Buffer.from(bytes), written);
  }

  cork(): void {
    this.#stream.cork();
  }

  uncork(): void {
    this.#stream.uncork();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }
}

function makeAddress(address: string, port: number | undefined, family: string | undefined): Address {
  return { address, port: port ?? 0, family: family ?? 'IPv4' };
}
