import type { Address, Transport, TransportHandler, Written } from '../connection/transport.js';
import { type Line, type LineOptions, MemoryLine } from './line.js';

/** What happened to a transport, for tests that count. */
export interface TransportCounts {
  writes: number;
  pauses: number;
  resumes: number;
}

/**
 * One end of an in-memory transport. A chunk is delivered in a turn of the event loop of its own at the earliest, and only while the other
 * end reads. {@link memoryPair} makes both ends.
 */
export class MemoryTransport implements Transport {
  readonly remoteAddress: Address | undefined = undefined;
  readonly localAddress: Address | undefined = undefined;
  /** Calls of `write`, `pause` and `resume` so far. */
  readonly counts: TransportCounts = { writes: 0, pauses: 0, resumes: 0 };
  /** The other end. */
  readonly peer: MemoryTransport;
  readonly #line: MemoryLine;
  #isPaused = false;
  #isDestroyed = false;
  #hasEnded = false;
  #peerEnded = false;
  #closed = false;
  /** Why it is gone, when that was not in order. */
  #error: Error | undefined;
  #handler: TransportHandler | undefined;

  private constructor(outgoing: LineOptions, incoming: LineOptions, peer?: MemoryTransport) {
    this.#line = new MemoryLine(outgoing, () => this.#settle());
    this.peer = peer ?? new MemoryTransport(incoming, outgoing, this);
  }

  /** Two ends; `first` is how the bytes that the first one writes travel. */
  static pair(first: LineOptions, second: LineOptions): [MemoryTransport, MemoryTransport] {
    const end = new MemoryTransport(first, second);
    return [end, end.peer];
  }

  /** What this end writes. */
  get outgoing(): Line {
    return this.#line;
  }

  /** What the other end writes. */
  get incoming(): Line {
    return this.peer.#line;
  }

  get pendingBytes(): number {
    return this.#line.pendingBytes;
  }

  /** Whether this end does not read. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether `end` was called. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether this end is gone, in whatever way. */
  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    const transport = this;
    this.peer.#line.connect({
      get isReading() {
        return !transport.#isPaused && !transport.#isDestroyed;
      },
      onData: (chunk) => handler.onData(chunk),
      onEnd: () => {
        this.#peerEnded = true;
        handler.onEnd();
      },
    });
    if (this.#isDestroyed) this.#close();
  }

  write(bytes: Uint8Array, written: Written): boolean {
    return this.writeMany([bytes], written);
  }

  writeMany(pieces: readonly Uint8Array[], written: Written): boolean {
    if (this.#isDestroyed || this.#hasEnded) {
      process.nextTick(written, new Error('write after end'));
      return false;
    }
    this.counts.writes += pieces.length;
    const last = pieces.length - 1;
    pieces.forEach((bytes, i) => {
      this.#line.write(bytes, i < last ? () => {} : written);
    });
    return false;
  }

  pause(): void {
    this.counts.pauses++;
    this.#isPaused = true;
  }

  resume(): void {
    this.counts.resumes++;
    this.#isPaused = false;
    this.peer.#line.wake();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#line.end();
  }

  destroy(): void {
    this.#destroy(undefined);
    this.peer.#destroy(resetError());
  }

  /** Cuts both ends, as a network that fails: each sees `error`, by default ECONNRESET. */
  cut(error: Error = resetError()): void {
    this.#destroy(error);
    this.peer.#destroy(error);
  }

  #destroy(error: Error | undefined): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#error = error;
    this.#line.clear(error ?? new Error('destroyed'));
    process.nextTick(() => this.#close());
  }

  #close(): void {
    if (this.#closed || this.#handler === undefined) return;
    this.#closed = true;
    this.#handler.onClose(this.#error);
  }

  /** An end goes when both directions have ended, and it has nothing on its way. */
  #settle(): void {
    for (const end of [this, this.peer]) {
      if (end.#peerEnded && end.#hasEnded && end.#line.isEmpty) end.#destroy(undefined);
    }
  }
}

function resetError(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}

/** Two ends of an in-memory transport; bytes travel alike both ways. */
export function memoryPair(options: LineOptions = {}): [MemoryTransport, MemoryTransport] {
  return MemoryTransport.pair(options, options);
}
