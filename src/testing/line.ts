import type { Clock } from '../connection/clock.js';
import { type ChunkSizes, compileChunkSizes, compileDelay, type Delay } from './chunking.js';

/** How bytes travel. */
export interface LineOptions {
  /** The sizes that what is written is cut into. Default: each write is one chunk. */
  chunks?: ChunkSizes | undefined;
  /** How long a write is on its way, in milliseconds of the clock. Default: 0, the next turn of the event loop. */
  delay?: Delay | undefined;
  /** What measures the delay. Default: the clock of the process. */
  clock?: Clock | undefined;
}

/** Who is at the end of a line. */
export interface LineReader {
  readonly isReading: boolean;
  onData(chunk: Buffer): void;
  onEnd(): void;
}

type Written = (error?: Error | null) => void;

interface Write {
  /** Read when it is delivered, as a real transport may: who writes into it too early is found out. */
  readonly bytes: Uint8Array;
  readonly written: Written;
  readonly due: number;
}

/** One direction of a connection in memory: what is on its way, and the faults that a network has. */
export interface Line {
  /** Bytes that were written and have not been delivered. */
  readonly pendingBytes: number;
  /** Bytes that were delivered so far. */
  readonly deliveredBytes: number;
  /** Lets `chunks` more chunks pass, by default none, and then nothing until `resume`: a network that is stuck. The writer feels it. */
  stall(chunks?: number): void;
  /** Ends a stall. */
  resume(): void;
  /** Half-closes: the reader sees the end of TCP behind what was written so far, and what is written later is lost. */
  halfClose(): void;
  /** Damages a byte to come: flips `bits`, by default all, of the one that is `skip` bytes, by default 0, behind the next. */
  corrupt(bits?: number, skip?: number): void;
  /**
   * Cuts what is delivered from now on into other sizes.
   *
   * @throws TypeError when these are no sizes
   */
  setChunks(sizes: ChunkSizes): void;
}

/** A line as its transports use it. A write is done when it was delivered, which it is only while the other end reads. */
export class MemoryLine implements Line {
  readonly #clock: Clock | undefined;
  readonly #onEmpty: () => void;
  readonly #delayOf: (index: number) => number;
  #sizeOf: (index: number) => number;
  #reader: LineReader | undefined;
  readonly #queue: (Write | 'end')[] = [];
  readonly #flipped = new Map<number, number>();
  #pendingBytes = 0;
  #writes = 0;
  #chunks = 0;
  /** When the last write that had a delay arrives. */
  #lastDue = Number.NEGATIVE_INFINITY;
  /** Bytes delivered so far. */
  #position = 0;
  /** How many more chunks pass. */
  #passing = Number.POSITIVE_INFINITY;
  #isCutOff = false;
  #scheduled = false;
  #timer: unknown;

  /** @param onEmpty called when everything was delivered, the end included */
  constructor({ chunks = Infinity, delay = 0, clock }: LineOptions, onEmpty: () => void) {
    this.#sizeOf = compileChunkSizes(chunks);
    this.#delayOf = compileDelay(delay);
    this.#clock = clock;
    this.#onEmpty = onEmpty;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get deliveredBytes(): number {
    return this.#position;
  }

  /** Whether nothing is on its way, no end either. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  setChunks(sizes: ChunkSizes): void {
    this.#sizeOf = compileChunkSizes(sizes);
  }

  stall(chunks = 0): void {
    this.#passing = chunks;
    this.#schedule();
  }

  resume(): void {
    this.stall(Number.POSITIVE_INFINITY);
  }

  corrupt(bits = 0xff, skip = 0): void {
    const at = this.#position + skip;
    this.#flipped.set(at, (this.#flipped.get(at) ?? 0) ^ bits);
  }

  halfClose(): void {
    this.end();
    this.#isCutOff = true;
  }

  /** What is delivered goes to `reader`. */
  connect(reader: LineReader): void {
    this.#reader = reader;
    this.#schedule();
  }

  /** The reader has begun to read again. */
  wake(): void {
    this.#schedule();
  }

  write(bytes: Uint8Array, written: Written): void {
    if (this.#isCutOff) {
      process.nextTick(written);
      return;
    }
    const delay = this.#delayOf(this.#writes++);
    if (delay > 0) this.#lastDue = Math.max(this.#lastDue, this.#now() + delay);
    this.#pendingBytes += bytes.length;
    this.#queue.push({ bytes, written, due: this.#lastDue });
    this.#schedule();
  }

  /** The writer has ended. */
  end(): void {
    if (this.#isCutOff) return;
    this.#queue.push('end');
    this.#schedule();
  }

  /** What is on its way never arrives. */
  clear(error: Error): void {
    this.#stopTimer();
    for (const write of this.#queue.splice(0)) {
      if (write !== 'end') process.nextTick(write.written, error);
    }
  }

  #now(): number {
    return this.#clock?.now() ?? performance.now();
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
    while (this.#reader?.isReading && this.#passing > 0) {
      const write = this.#queue[0];
      if (write === undefined) break;
      if (write === 'end') {
        this.#queue.shift();
        this.#reader.onEnd();
      } else if (!this.#hasArrived(write)) {
        return;
      } else {
        this.#deliverPart(write);
      }
    }
    if (this.isEmpty) this.#onEmpty();
  }

  #deliverPart(write: Write): void {
    const size = Math.min(write.bytes.length, this.#sizeOf(this.#chunks++));
    // Of memory that is gone there is nothing, as with a socket; not even an empty view.
    const chunk = size === 0 ? Buffer.alloc(0) : Buffer.from(write.bytes.subarray(0, size));
    for (const [at, bits] of this.#flipped) {
      const index = at - this.#position;
      if (index >= size) continue;
      chunk[index]! ^= bits;
      this.#flipped.delete(at);
    }
    this.#position += size;
    this.#pendingBytes -= size;
    this.#passing--;
    if (size === write.bytes.length) this.#queue.shift();
    else this.#queue[0] = { ...write, bytes: write.bytes.subarray(size) };
    this.#reader!.onData(chunk);
    if (size === write.bytes.length) write.written();
  }

  #hasArrived({ due }: Write): boolean {
    if (due === Number.NEGATIVE_INFINITY) return true;
    const wait = due - this.#now();
    if (wait <= 0) return true;
    this.#stopTimer();
    const arrived = () => this.#deliver();
    // Bytes on a real network keep the process alive; the timers of a clock do not.
    this.#timer = this.#clock === undefined ? setTimeout(arrived, wait) : this.#clock.setTimer(wait, arrived);
    return false;
  }

  #stopTimer(): void {
    if (this.#clock === undefined) clearTimeout(this.#timer as NodeJS.Timeout | undefined);
    else this.#clock.clearTimer(this.#timer);
  }
}
