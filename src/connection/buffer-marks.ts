import { LimitError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import type { Pressure } from './diagnostics.js';
import type { FinalEnd } from './inbox.js';
import type { ResolvedConnectionOptions, WhenSlow } from './options.js';
import type { Waiter } from './outbox.js';
import { preHandled } from './pre-handled.js';
import type { Counters } from './stats.js';

/** What the marks are measured against. */
export interface Buffered {
  /** Bytes that were accepted and have not left the process. */
  readonly bufferedAmount: number;
  /** Those of them that the peer is to be judged by. */
  readonly waitingAmount: number;
  /** Whether more than the mark is buffered, and some of it since an earlier turn: a burst alone makes no peer slow. */
  readonly isSlow: boolean;
}

/** What the marks tell. */
export interface BufferMarksOwner {
  readonly options: ResolvedConnectionOptions;
  readonly counters: Counters;
  /** For those who watch; what has to happen is told by the other calls. */
  onPressure(kind: Pressure): void;
  /** The buffer fell below half the high-water mark. */
  onDrain(): void;
  /** Reading from the peer should stop (true) or may go on (false). */
  onReadHold(held: boolean): void;
  /** A message would have passed `maxBufferedAmount`, or met a slow peer that is to be cut; it was not taken. */
  onOverflow(error: LimitError): void;
  /** Bytes wait to leave: now, or still, although some of them have left. */
  onBytesWait(): void;
  /** No byte waits any more. */
  onNothingWaits(): void;
}

/** The marks of the send buffer: which messages are taken, who is told when one is passed, and who waits for the buffer to drain. */
export class BufferMarks {
  readonly #buffer: Buffered;
  readonly #owner: BufferMarksOwner;
  /** Shared by all who wait for the buffer to drain. */
  #drained: { promise: Promise<void>; waiter: Waiter } | undefined;
  /** Whether the buffer was above its mark and has not drained since. */
  #above = false;
  /** Whether reading was stopped for that. */
  #held = false;
  /** Whether the owner knows of bytes that wait. */
  #waits = false;

  constructor(buffer: Buffered, owner: BufferMarksOwner) {
    this.#buffer = buffer;
    this.#owner = owner;
  }

  /** Whether the policy is to leave a message out now. */
  drops(whenSlow: WhenSlow = this.#owner.options.whenSlow): boolean {
    if (whenSlow !== 'drop' || !this.#buffer.isSlow) return false;
    this.#owner.counters.droppedMessages++;
    this.#owner.onPressure('dropped');
    return true;
  }

  /** Whether a message of `size` bytes may be taken; if not, the owner is told why. */
  accepts(size: number, whenSlow?: WhenSlow): boolean {
    if (this.#cuts(whenSlow)) return false;
    const { highWaterMark, maxBufferedAmount } = this.#owner.options;
    const buffered = this.#buffer.bufferedAmount;
    if (buffered <= highWaterMark || buffered + size <= maxBufferedAmount) {
      this.#owner.counters.messagesSent++;
      return true;
    }
    this.#owner.onOverflow(
      new LimitError(
        'ANTS_SEND_BUFFER_FULL',
        CloseCode.AbnormalClosure,
        `a message of ${size} bytes behind ${buffered} buffered ones passes maxBufferedAmount (${maxBufferedAmount}): the peer does not read; await send(), or watch bufferedAmount and 'drain'`,
      ),
    );
    return false;
  }

  /** As `accepts`, for a message that is buffered only as far as there is room. */
  acceptsStream(whenSlow?: WhenSlow): boolean {
    if (this.#cuts(whenSlow)) return false;
    this.#owner.counters.messagesSent++;
    return true;
  }

  #cuts(whenSlow: WhenSlow = this.#owner.options.whenSlow): boolean {
    if (whenSlow !== 'terminate' || !this.#buffer.isSlow) return false;
    const { highWaterMark } = this.#owner.options;
    this.#owner.onOverflow(
      new LimitError(
        'ANTS_SLOW_PEER',
        CloseCode.AbnormalClosure,
        `${this.#buffer.bufferedAmount} bytes are buffered, more than highWaterMark (${highWaterMark}), and whenSlow is 'terminate'`,
      ),
    );
    return true;
  }

  /** The buffer grew. Whether it is above the high-water mark. */
  grown(): boolean {
    if (this.#buffer.bufferedAmount <= this.#owner.options.highWaterMark) return false;
    if (!this.#above) this.#owner.onPressure('high');
    this.#above = true;
    if (this.#buffer.waitingAmount > this.#owner.options.readHold) {
      if (!this.#held) this.#owner.onPressure('held');
      this.#held = true;
      this.#owner.onReadHold(true);
    }
    return true;
  }

  /** All that may be was given to the transport, or can't be yet. */
  flushed(): void {
    if (this.#waits || this.#buffer.waitingAmount === 0) return;
    this.#waits = true;
    this.#owner.onBytesWait();
  }

  /** Some of the buffer has left. */
  progressed(): void {
    this.#waits = this.#buffer.waitingAmount > 0;
    if (this.#waits) this.#owner.onBytesWait();
    else this.#owner.onNothingWaits();
  }

  /** Whether `buffered` bytes are so few that those who wait may go on; if so, the buffer is not above its mark any more. */
  fallsTo(buffered: number): boolean {
    if (!this.#above || buffered > this.#owner.options.highWaterMark / 2) return false;
    this.#above = false;
    return true;
  }

  /** Lets those who wait go on. */
  drained(): void {
    this.#drained?.waiter.resolve();
    this.#drained = undefined;
    if (this.#held) {
      this.#held = false;
      this.#owner.onReadHold(false);
      this.#owner.onPressure('released');
    }
    this.#owner.onPressure('drained');
    this.#owner.onDrain();
  }

  /** Resolves when the buffer has drained; one promise for all. */
  whenDrained(): Promise<void> {
    if (this.#drained === undefined) {
      let waiter: Waiter | undefined;
      const promise = new Promise<void>((resolve, reject) => {
        waiter = { resolve, reject };
      });
      this.#drained = { promise: preHandled(promise), waiter: waiter! };
    }
    return this.#drained.promise;
  }

  /** The connection has ended: the buffer never drains. */
  end(end: FinalEnd): void {
    this.#drained?.waiter.reject(end.error);
  }
}
