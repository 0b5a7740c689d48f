import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setDeadline } from './deadline.js';
import { freeNow } from './free-now.js';
import type { Address, Transport, TransportHandler, Written } from './transport.js';

const nothing = Buffer.alloc(0);

/** How often is looked whether a destroyed stream is closed, in milliseconds, when it does not tell. */
const closingTime = 20;

/** Freeing smaller chunks by hand costs more than it saves. */
const leastFreed = 512;

/**
 * Where a stream keeps its transport: listeners that are the same functions for all streams cost a connection nothing. The one property
 * that streams get here: they have room for one more in V8, and the next costs 40 bytes.
 */
export const transportOf = Symbol('ants-ws transport');

/** A stream that has a transport. */
export type Wrapped = Duplex & { [transportOf]: DuplexTransport };

/** A stream that may have one; null: it is going to. */
export type Wrappable = Duplex & { [transportOf]?: DuplexTransport | null };

function onData(this: Duplex, chunk: Buffer): void {
  (this as Wrapped)[transportOf].streamData(chunk);
}

function onEnd(this: Duplex): void {
  (this as Wrapped)[transportOf].streamEnd();
}

function onError(this: Duplex, error: Error): void {
  (this as Wrapped)[transportOf].streamError(error);
}

function onClose(this: Duplex): void {
  (this as Wrapped)[transportOf].streamClose();
}

/**
 * A transport over a Node stream: a TCP or TLS socket, an HTTP/2 stream, any `Duplex`. Documented parts of streams only.
 * The stream's errors are watched from construction on, so that none of them goes unlistened.
 */
export class DuplexTransport implements Transport {
  #remoteAddress: Address | undefined;
  #localAddress: Address | undefined;
  readonly #stream: Duplex;
  readonly #isSocket: boolean;
  /** Whether bytes that the system takes leave in `write` itself, as with plain sockets; TLS does its work first. */
  readonly #writesAtOnce: boolean;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  #closed = false;
  #paused = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    (stream as Wrapped)[transportOf] = this;
    stream.on('error', onError);
    stream.on('close', onClose);
    // The peer's end must not cut off our answer to it; `end` is for the connection to call.
    stream.allowHalfOpen = true;
    this.#isSocket = stream instanceof Socket;
    this.#writesAtOnce = this.#isSocket && (stream as { encrypted?: boolean }).encrypted !== true;
    if (stream instanceof Socket) {
      // An HTTP server's idle timeout is not ours, and Nagle's algorithm delays small messages.
      if (stream.timeout !== undefined) stream.setTimeout(0);
      stream.setNoDelay(true);
    }
  }

  /**
   * Addresses are asked for when needed, and remembered from then on: each costs as much as the parsing of the request, and a socket
   * that is closed tells none.
   */
  get remoteAddress(): Address | undefined {
    const stream = this.#stream;
    if (this.#remoteAddress === undefined && stream instanceof Socket)
      this.#remoteAddress = makeAddress(stream.remoteAddress, stream.remotePort, stream.remoteFamily);
    return this.#remoteAddress;
  }

  get localAddress(): Address | undefined {
    const stream = this.#stream;
    if (this.#localAddress === undefined && stream instanceof Socket)
      this.#localAddress = makeAddress(stream.localAddress, stream.localPort, stream.localFamily);
    return this.#localAddress;
  }

  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    if (this.#closed || this.#stream.closed) {
      // It died before it was handed over, and its 'close' event is past.
      this.#closed = true;
      process.nextTick(() => handler.onClose(this.#error));
      return;
    }
    // So may its 'end' be, when whoever had the stream before was reading.
    if (this.#stream.readableEnded) process.nextTick(() => handler.onEnd());
    this.#stream.on('end', onEnd);
    this.#stream.on('data', onData);
    // Whoever had the stream before may have paused it.
    if (!this.#paused) this.#stream.resume();
  }

  write(bytes: Uint8Array, written: Written): boolean {
    const stream = this.#stream;
    if (!this.#writesAtOnce || stream.writableLength > 0) {
      stream.write(this.#own(bytes), written);
      return false;
    }
    stream.write(this.#own(bytes));
    return this.#haveLeft(written);
  }

  writeMany(pieces: readonly Uint8Array[], written: Written): boolean {
    const stream = this.#stream;
    const mayLeave = this.#writesAtOnce && stream.writableLength === 0;
    const last = pieces.length - 1;
    stream.cork();
    for (let i = 0; i < last; i++) stream.write(this.#own(pieces[i]!));
    if (mayLeave) stream.write(this.#own(pieces[last]!));
    else stream.write(this.#own(pieces[last]!), written);
    stream.uncork();
    return mayLeave && this.#haveLeft(written);
  }

  /** Of the stream. */
  streamData(chunk: Buffer): void {
    const handler = this.#handler!;
    handler.onData(this.#own(chunk));
    if (chunk.length >= leastFreed && this.#isSocket && handler.isDoneWithChunk === true) this.#free(chunk);
  }

  /**
   * Gives the memory of a socket's chunk back now, not at the next collection: how much there is of it decides how often V8 collects.
   * Node keeps nothing of a chunk that it has emitted; another listener might.
   */
  #free(chunk: Buffer): void {
    const { buffer } = chunk;
    const isWhole = buffer.byteLength === chunk.length;
    if (isWhole && this.#stream.listenerCount('data') === 1) freeNow(buffer);
  }

  /** Of the stream. */
  streamEnd(): void {
    this.#handler!.onEnd();
    this.#awaitClose();
  }

  /** Of the stream. */
  streamError(error: Error): void {
    this.#error ??= error;
    this.#awaitClose();
  }

  /** Of the stream. */
  streamClose(): void {
    this.#gone();
  }

  /** Whether the system took all at once: then the stream has nothing left. `written` is called later otherwise. */
  #haveLeft(written: Written): boolean {
    const stream = this.#stream;
    if (stream.writableLength === 0 && !stream.destroyed && stream.errored === null) return true;
    // Behind what waits. A callback for each write would cost a tick also where nothing waits.
    stream.write(nothing, written);
    return false;
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
    if (this.#isSocket) this.#stream.end();
    else this.#stream.end(() => this.#awaitClose());
  }

  destroy(): void {
    this.#stream.destroy();
    this.#awaitClose();
  }

  /** A stream that was made with `emitClose: false` does not tell that it is closed. */
  #awaitClose(): void {
    // A socket always tells, and later than it says that it is closed.
    if (this.#isSocket) return;
    setImmediate(() => {
      if (this.#stream.closed) this.#gone();
      else if (this.#stream.destroyed) setDeadline(closingTime, () => this.#awaitClose());
    });
  }

  #gone(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handler?.onClose(this.#error);
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
