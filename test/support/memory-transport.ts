import type { Address, Transport, TransportHandler } from '#src/connection/transport.js';

interface Write {
  /** Read when it is delivered, as a real transport may: who writes into it too early is found out. */
  readonly bytes: Uint8Array;
  readonly written: (error?: Error | null) => void;
}

/** How a pair of transports behaves beyond the plain. */
export interface PairOptions {
  /** Cuts what is delivered into chunks of at most this many bytes. */
  readonly chunkSize?: number;
}

/**
 * One end of an in-memory pipe. Bytes are delivered a tick after they were written, and only while the other end reads; until
 * then they are pending. It counts what happens, for tests of structure.
 */
export class MemoryTransport implements Transport {
  readonly remoteAddress: Address | undefined = undefined;
  readonly localAddress: Address | undefined = undefined;
  /** Calls of `write`, of `pause` and of `resume`. */
  readonly counts = { writes: 0, pauses: 0, resumes: 0 };
  peer!: MemoryTransport;
  isPaused = false;
  isDestroyed = false;
  hasEnded = false;
  pendingBytes = 0;
  /** While true nothing leaves this end, as with a network that is stuck. */
  isStuck = false;
  /** Cuts what is delivered into chunks of at most this many bytes. */
  chunkSize: number;
  /** How many more chunks this end takes. */
  #allowed = Number.POSITIVE_INFINITY;
  #handler: TransportHandler | undefined;
  readonly #outbox: (Write | 'end')[] = [];
  #scheduled = false;
  #peerEnded = false;
  #closed = false;

  constructor({ chunkSize = Number.POSITIVE_INFINITY }: PairOptions) {
    this.chunkSize = chunkSize;
  }

  get #isReading(): boolean {
    return this.#handler !== undefined && !this.isPaused && !this.isDestroyed && this.#allowed > 0;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    this.peer.#schedule();
    if (this.isDestroyed) this.#close(undefined);
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    if (this.isDestroyed || this.hasEnded) {
      process.nextTick(written, new Error('write after end'));
      return;
    }
    this.counts.writes++;
    this.pendingBytes += bytes.length;
    this.#outbox.push({ bytes, written });
    this.#schedule();
  }

  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.counts.pauses++;
    this.isPaused = true;
  }

  resume(): void {
    this.counts.resumes++;
    this.isPaused = false;
    this.peer.#schedule();
  }

  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#outbox.push('end');
    this.#schedule();
  }

  destroy(): void {
    this.#destroy(undefined);
    this.peer.#destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** Takes this many chunks from now on, and no more. */
  allow(chunks: number): void {
    this.#allowed = chunks;
    this.peer.#schedule();
  }

  /** Lets what was written go on after `isStuck`. */
  unstick(): void {
    this.isStuck = false;
    this.#schedule();
  }

  #destroy(error: Error | undefined): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    for (const write of this.#outbox.splice(0)) {
      if (write !== 'end') process.nextTick(write.written, error ?? new Error('destroyed'));
    }
    process.nextTick(() => this.#close(error));
  }

  #close(error: Error | undefined): void {
    if (this.#closed || this.#handler === undefined) return;
    this.#closed = true;
    this.#handler.onClose(error);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (!this.isStuck && this.#outbox.length > 0 && this.peer.#isReading) {
      const write = this.#outbox.shift()!;
      if (write === 'end') {
        this.peer.#peerEnded = true;
        this.peer.#handler!.onEnd();
      } else {
        const size = Math.min(write.bytes.length, this.chunkSize);
        // Of memory that is gone there is nothing, as with a socket; not even an empty view.
        const bytes = size === 0 ? Buffer.alloc(0) : Buffer.from(write.bytes.subarray(0, size));
        this.pendingBytes -= size;
        if (size < write.bytes.length) this.#outbox.unshift({ ...write, bytes: write.bytes.subarray(size) });
        this.peer.#allowed--;
        this.peer.#handler!.onData(bytes);
        if (size === write.bytes.length) write.written();
      }
    }
    for (const end of [this, this.peer]) {
      if (end.#peerEnded && end.hasEnded && end.#outbox.length === 0) end.#destroy(undefined);
    }
  }
}

/** Two ends of one in-memory pipe. */
export function memoryPair(options: PairOptions = {}): [MemoryTransport, MemoryTransport] {
  const a = new MemoryTransport(options);
  const b = new MemoryTransport(options);
  a.peer = b;
  b.peer = a;
  return [a, b];
}
