import type { AntsError, CloseError } from '../errors.js';
import { Fifo } from './fifo.js';
import { currentTurn, flushAfterTurn } from './flush.js';
import type { FinalEnd } from './inbox.js';
import { isGone, memoryGone, type OutgoingFrames, type Piece } from './outgoing-frames.js';
import { largestSlab, releaseSlab } from './slab-pool.js';
import type { Transport } from './transport.js';

/**
 * The most bytes and writes that the transport has at a time. What is behind them stays here: so each answer of the transport is
 * progress that a slow peer made, and small frames wait side by side in slabs instead of each in its own write. A transport that
 * takes all of a write at once gets twice as much the next time: each write is a system call, whatever its size.
 */
const leastAtATime = 128 * 1024;
const mostAtATime = 1024 * 1024 + largestSlab;
const writesAtATime = 16;

/**
 * What the transport may be given before the event loop turns. While the kernel takes all of it, a loop around `await send()`
 * would otherwise go on for ever in microtasks and ticks: no timer, no input.
 */
const bytesATurn = 1024 * 1024;

/** Someone who waits for bytes to be written. */
export interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: CloseError) => void;
}

/** What the outbox tells the send queue. */
export interface OutboxOwner {
  /** The transport has all that it may have now, and has written nothing. */
  onFlushed(): void;
  /** The transport has written something. */
  onProgress(): void;
  /** Bytes in the middle of the stream are gone: the connection must be cut. */
  onLost(error: AntsError): void;
}

/** What the transport got in one go and has not written: mostly one piece. */
interface Write {
  readonly first: Piece;
  readonly others: readonly Piece[];
  readonly bytes: number;
  readonly turn: number;
}

const noOthers: readonly Piece[] = [];

/** The bytes on their way out: frames that wait, and what the transport has of them. */
export class Outbox {
  /** Add frames here, then call `schedule`. */
  readonly frames: OutgoingFrames;
  readonly #transport: Transport;
  readonly #owner: OutboxOwner;
  /** With the transport, oldest first. */
  readonly #writes = new Fifo<Write>();
  #writingBytes = 0;
  #atATime = leastAtATime;
  /** How many bytes the transport has written in all. */
  #position = 0;
  /** How much of that the owner knows. */
  #toldPosition = 0;
  /** Who waits for which position. */
  #waiters: Fifo<Waiter & { readonly position: number }> | undefined;
  #scheduled = false;
  /** Bytes given to the transport since the event loop was let turn. */
  #givenBytes = 0;
  #resting = false;
  #ending = false;
  #ended = false;

  constructor(transport: Transport, frames: OutgoingFrames, owner: OutboxOwner) {
    this.frames = frames;
    this.#transport = transport;
    this.#owner = owner;
  }

  /** Bytes that have not been written. */
  get unwrittenBytes(): number {
    return this.frames.bytes + this.#writingBytes;
  }

  /** The same, by the word of the transport, which may know more; it forgets when it is destroyed. */
  get bufferedAmount(): number {
    return this.frames.bytes + this.#transport.pendingBytes;
  }

  /** Bytes of writes that have left as a whole. */
  get writtenBytes(): number {
    return this.#position;
  }

  /** Bytes that have left, parts of writes included where the transport tells of them. */
  get bytesLeft(): number {
    return this.#position + this.#writingBytes - this.#transport.pendingBytes;
  }

  /** Whether the transport still has bytes of an earlier turn: it does not take them as fast as they come. */
  get isBehind(): boolean {
    const oldest = this.#writes.first;
    return oldest !== undefined && oldest.turn !== currentTurn();
  }

  /** Frames were added: they leave at the end of the turn, or now when they are many. */
  schedule(): void {
    if (!this.#scheduled) {
      this.#scheduled = true;
      flushAfterTurn(this);
    }
    if (this.frames.bytes >= largestSlab) this.#feed();
  }

  /** Hands over what waits, as far as the transport may have it. */
  flush(): void {
    this.#scheduled = false;
    this.#feed();
    this.#tell();
  }

  /** Waits until all that was added so far has been written. */
  whenWritten(waiter: Waiter): void {
    if (this.unwrittenBytes === 0) {
      // All of it left at once. Not before this call has returned.
      process.nextTick(waiter.resolve);
      return;
    }
    this.#waiters ??= new Fifo();
    // Not by spreading: what V8 makes of that outlives its young generation, and with it the memory of the message.
    const { resolve, reject } = waiter;
    this.#waiters.push({ resolve, reject, position: this.#position + this.unwrittenBytes });
  }

  /** Ends the transport behind what waits; nothing that is added later leaves. */
  end(): void {
    this.#ending = true;
    this.#feed();
  }

  /** The transport is gone. */
  drop(end: FinalEnd): void {
    this.#ended = true;
    const waiters = this.#waiters;
    if (waiters === undefined) return;
    for (let waiter = waiters.shift(); waiter !== undefined; waiter = waiters.shift())
      waiter.reject(end.error);
  }

  #feed(): void {
    if (this.#ended || this.#resting) return;
    while (this.#writes.length < writesAtATime) {
      if (this.#givenBytes >= bytesATurn) {
        this.#rest();
        return;
      }
      if (!this.#write()) break;
    }
    if (this.#ending && this.frames.bytes === 0) {
      this.#ended = true;
      this.#transport.end();
    }
  }

  #rest(): void {
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      this.#givenBytes = 0;
      this.#feed();
      this.#tell();
    });
  }

  /** One write, of as many pieces as there are and may be; false when there is none. */
  #write(): boolean {
    const first = this.#take(this.#atATime - this.#writingBytes);
    if (first === undefined) return false;
    let { length: bytes } = first;
    let others = noOthers;
    if (this.frames.bytes > 0) {
      const more: Piece[] = [];
      for (;;) {
        const piece = this.#take(this.#atATime - this.#writingBytes - bytes);
        if (piece === undefined) break;
        more.push(piece);
        bytes += piece.length;
      }
      others = more;
    }
    if (this.#ended) return false;
    this.#givenBytes += bytes;
    const hasLeft =
      others.length === 0
        ? this.#transport.write(first.bytes, this.#written)
        : this.#transport.writeMany([first.bytes, ...others.map((piece) => piece.bytes)], this.#written);
    if (hasLeft) {
      if (bytes === this.#atATime) this.#atATime = Math.min(2 * bytes, mostAtATime);
      this.#leave(first, others, bytes);
    } else {
      this.#atATime = leastAtATime;
      this.#writes.push({ first, others, bytes, turn: currentTurn() });
      this.#writingBytes += bytes;
    }
    return true;
  }

  /** Takes a piece of at most `limit` bytes; undefined when there is none, or its memory is gone. */
  #take(limit: number): Piece | undefined {
    if (limit <= 0) return undefined;
    const piece = this.frames.take(limit);
    if (piece === undefined || !isGone(piece)) return piece;
    this.#lose();
    return undefined;
  }

  #lose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#owner.onLost(memoryGone());
  }

  readonly #written = (error?: Error | null): void => {
    const { first, others, bytes } = this.#writes.shift()!;
    // The transport may have looked at the memory before it went or after; after, it has written too little, or has failed.
    if (isGone(first) || others.some(isGone)) {
      this.#lose();
      return;
    }
    // When the transport failed, its owner hears of it, and `drop` follows.
    if (error) return;
    this.#writingBytes -= bytes;
    this.#leave(first, others, bytes);
    this.#feed();
    this.#tell();
  };

  /** Not while frames are being added: to hear of progress user code may run. */
  #tell(): void {
    if (this.#position > this.#toldPosition) {
      this.#toldPosition = this.#position;
      this.#owner.onProgress();
    } else {
      this.#owner.onFlushed();
    }
  }

  /** Bytes have left: their memory is free, and who waited for that may go on. */
  #leave(first: Piece, others: readonly Piece[], bytes: number): void {
    this.#position += bytes;
    if (first.slab !== undefined) releaseSlab(first.slab);
    for (const { slab } of others) if (slab !== undefined) releaseSlab(slab);
    const waiters = this.#waiters;
    while (waiters?.first !== undefined && waiters.first.position <= this.#position) {
      waiters.shift()!.resolve();
    }
  }
}
