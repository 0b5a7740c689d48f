import type { AntsError, CloseError } from '../errors.js';
import { Fifo } from './fifo.js';
import { currentTurn, flushAfterTurn } from './flush.js';
import { isGone, memoryGone, type OutgoingFrames, type Piece } from './outgoing-frames.js';
import { largestSlab, releaseSlab } from './slab-pool.js';
import type { Transport } from './transport.js';

/**
 * The most bytes and writes that the transport has at a time. What is behind them stays here: so each answer of the transport is
 * progress that a slow peer made, and small frames wait side by side in slabs instead of each in its own write.
 */
const bytesAtATime = 128 * 1024;
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

/** What the transport got in one go and has not written. */
interface Write {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly turn: number;
}

/** The bytes on their way out: frames that wait, and what the transport has of them. */
export class Outbox {
  /** Add frames here, then call `schedule`. */
  readonly frames: OutgoingFrames;
  readonly #transport: Transport;
  readonly #onProgress: () => void;
  readonly #onLost: (error: AntsError) => void;
  /** With the transport, oldest first. */
  readonly #writes = new Fifo<Write>();
  #writingBytes = 0;
  /** How many bytes the transport has written in all. */
  #position = 0;
  /** Who waits for which position. */
  readonly #waiters = new Fifo<Waiter & { readonly position: number }>();
  #scheduled = false;
  /** Bytes given to the transport since the event loop was let turn. */
  #givenBytes = 0;
  #resting = false;
  #ending = false;
  #ended = false;

  /**
   * @param onProgress Called each time after the transport has written something.
   * @param onLost Bytes in the middle of the stream are gone: the connection must be cut.
   */
  constructor(
    transport: Transport,
    frames: OutgoingFrames,
    onProgress: () => void,
    onLost: (error: AntsError) => void,
  ) {
    this.frames = frames;
    this.#transport = transport;
    this.#onProgress = onProgress;
    this.#onLost = onLost;
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
  }

  /** Waits until all that was added so far has been written. */
  whenWritten(waiter: Waiter): void {
    this.#waiters.push({ ...waiter, position: this.#position + this.unwrittenBytes });
  }

  /** Ends the transport behind what waits; nothing that is added later leaves. */
  end(): void {
    this.#ending = true;
    this.#feed();
  }

  /** The transport is gone. */
  drop(error: CloseError): void {
    this.#ended = true;
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      waiter.reject(error);
    }
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
    });
  }

  /** One write, of as many pieces as there are and may be; false when there is none. */
  #write(): boolean {
    const pieces: Piece[] = [];
    let bytes = 0;
    while (this.#writingBytes + bytes < bytesAtATime) {
      const piece = this.frames.take(bytesAtATime - this.#writingBytes - bytes);
      if (piece === undefined) break;
      if (isGone(piece)) {
        this.#lose();
        return false;
      }
      pieces.push(piece);
      bytes += piece.length;
    }
    if (pieces.length === 0) return false;
    this.#writes.push({ pieces, bytes, turn: currentTurn() });
    this.#writingBytes += bytes;
    this.#givenBytes += bytes;
    const last = pieces.length - 1;
    if (last > 0) this.#transport.cork();
    for (let i = 0; i <= last; i++) this.#transport.write(pieces[i]!.bytes, i < last ? noop : this.#written);
    if (last > 0) this.#transport.uncork();
    return true;
  }

  #lose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onLost(memoryGone());
  }

  readonly #written = (error?: Error | null): void => {
    // When the transport failed, its owner hears of it, and `drop` follows.
    if (error) return;
    const { pieces, bytes } = this.#writes.shift()!;
    // The transport may have looked at the memory before it went or after; after, it has written too little.
    if (pieces.some(isGone)) {
      this.#lose();
      return;
    }
    this.#writingBytes -= bytes;
    this.#position += bytes;
    for (const { slab } of pieces) if (slab !== undefined) releaseSlab(slab);
    while (this.#waiters.length > 0 && this.#waiters.first!.position <= this.#position) {
      this.#waiters.shift()!.resolve();
    }
    this.#feed();
    this.#onProgress();
  };
}

function noop(): void {}
