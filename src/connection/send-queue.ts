import { type CloseError, LimitError, TimeoutError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import type { FrameKind } from '../protocol/frame-encoder.js';
import { Opcode } from '../protocol/opcode.js';
import { type Deadline, setDeadline } from './deadline.js';
import { flushAfterTurn } from './flush.js';
import { nextMaskingKey } from './masking-keys.js';
import type { ResolvedConnectionOptions, Role } from './options.js';
import { type Flight, OutgoingBatch } from './outgoing-batch.js';
import { largestSlab, releaseSlab } from './slab-pool.js';
import type { Transport } from './transport.js';

/** What the queue tells the connection. */
export interface SendQueueOwner {
  /** The buffer fell below half the high-water mark. */
  onDrain(): void;
  /** Reading from the peer should stop (true) or may go on (false). */
  onReadHold(held: boolean): void;
  /** A message would have passed `maxBufferedAmount`; it was not taken. */
  onOverflow(error: LimitError): void;
  /** Nothing left for `writeTimeout`. */
  onStalled(error: TimeoutError): void;
}

/** From this size on an unmasked payload is handed to the transport as it is: copying would cost more than a second segment. */
const referenceThreshold = 16 * 1024;

const textKind: FrameKind = { opcode: Opcode.Text, fin: true, rsv1: false };
const binaryKind: FrameKind = { opcode: Opcode.Binary, fin: true, rsv1: false };
const closeKind: FrameKind = { opcode: Opcode.Close, fin: true, rsv1: false };
const pingKind: FrameKind = { opcode: Opcode.Ping, fin: true, rsv1: false };
const pongKind: FrameKind = { opcode: Opcode.Pong, fin: true, rsv1: false };

/** What `send` returns while nothing has to be waited for: always this one. */
const done: Promise<void> = Promise.resolve();

const empty: Uint8Array = new Uint8Array(0);

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: CloseError) => void;
}

/** A message, or the Close frame, in the line behind a message whose bytes are still being loaded. */
interface Queued {
  readonly bytes: number;
  /** Brings the bytes, for those that do not have them yet. */
  readonly load: (() => Promise<Uint8Array>) | undefined;
  readonly write: (loaded: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Everything on its way out: the order of messages, the frames of this turn, what the transport has not written yet, and
 * the promises that depend on it.
 */
export class SendQueue {
  readonly #role: Role;
  readonly #transport: Transport;
  readonly #options: ResolvedConnectionOptions;
  readonly #owner: SendQueueOwner;
  #batch: OutgoingBatch | undefined;
  #flushing = false;
  /** Handed to the transport and not written yet, oldest first. */
  readonly #flights: { flight: Flight; waiters: Waiter[] }[] = [];
  #flightBytes = 0;
  /** Those who wait for the flight that the current batch becomes. */
  #batchWaiters: Waiter[] = [];
  /** A message that is being loaded, and what was sent behind it; undefined when messages go straight into the batch. */
  #line: Queued[] | undefined;
  #lineBytes = 0;
  /** Shared by all who wait for the buffer to drain. */
  #drained: { promise: Promise<void>; waiter: Waiter } | undefined;
  /** The latest ping that has no answer yet because of pressure. */
  #pendingPong: Buffer | undefined;
  #above = false;
  #held = false;
  #stalled: Deadline | undefined;
  #ended = false;

  constructor(role: Role, transport: Transport, options: ResolvedConnectionOptions, owner: SendQueueOwner) {
    this.#role = role;
    this.#transport = transport;
    this.#options = options;
    this.#owner = owner;
  }

  /** Bytes that were accepted and have not left the process. */
  get bufferedAmount(): number {
    return this.#lineBytes + (this.#batch?.bytes ?? 0) + this.#transport.pendingBytes;
  }

  /** As `bufferedAmount`, but right also when the transport has been destroyed and has forgotten them. */
  get unsentBytes(): number {
    return this.#lineBytes + (this.#batch?.bytes ?? 0) + this.#flightBytes;
  }

  /**
   * Takes a message. The promise is a shared resolved one when the data was copied and the buffer is below its mark, a shared
   * one for the drain above it, and an own one where the caller's memory is still in use. Undefined: not taken, and the owner
   * has been told why.
   */
  send(data: string | Uint8Array): Promise<void> | undefined {
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    if (!this.#accepts(size)) return undefined;
    return this.#line === undefined ? this.#write(data, size) : this.#enqueue(size, data, undefined);
  }

  /** As `send`, for a message whose bytes must be loaded first; everything sent later waits behind it. */
  sendLoaded(size: number, load: () => Promise<Uint8Array>): Promise<void> | undefined {
    return this.#accepts(size) ? this.#enqueue(size, empty, load) : undefined;
  }

  ping(payload: Uint8Array): void {
    this.#control(pingKind, payload);
  }

  /** Answers a ping. Above the high-water mark only the latest is answered, once there is room (RFC 6455 section 5.5.3). */
  pong(payload: Buffer): void {
    if (this.bufferedAmount > this.#options.highWaterMark) {
      this.#above = true;
      this.#pendingPong = payload;
    } else {
      this.#control(pongKind, payload);
    }
  }

  /** Queues the Close frame behind all messages; `flushed` is called once it has left. */
  close(payload: Uint8Array, flushed: () => void): void {
    if (this.#line === undefined) this.#writeClose(payload, flushed);
    else
      this.#line.push({
        bytes: 0,
        load: undefined,
        write: () => this.#writeClose(payload, flushed),
        reject: noop,
      });
  }

  /** Gives up what is not framed yet, and sends the Close frame next. */
  abandon(payload: Uint8Array, error: CloseError, flushed: () => void): void {
    this.#dropLine(error);
    this.#writeClose(payload, flushed);
  }

  /** The transport is gone: nothing of what waits will ever be sent. */
  end(error: CloseError): void {
    this.#ended = true;
    clearTimeout(this.#stalled);
    this.#dropLine(error);
    for (const { waiters } of this.#flights) for (const waiter of waiters) waiter.reject(error);
    for (const waiter of this.#batchWaiters) waiter.reject(error);
    this.#drained?.waiter.reject(error);
    this.#flights.length = 0;
    this.#batchWaiters = [];
    this.#batch = undefined;
  }

  /** Hands the frames of this turn to the transport. */
  flush(): void {
    this.#flushing = false;
    const batch = this.#batch;
    if (this.#ended || batch === undefined || batch.bytes === 0) return;
    const flight = batch.take();
    this.#flights.push({ flight, waiters: this.#batchWaiters });
    this.#flightBytes += flight.bytes;
    this.#batchWaiters = [];
    const last = flight.segments.length - 1;
    if (last > 0) this.#transport.cork();
    for (let i = 0; i < last; i++) this.#transport.write(flight.segments[i]!, noop);
    this.#transport.write(flight.segments[last]!, this.#written);
    if (last > 0) this.#transport.uncork();
    this.#watchProgress(false);
  }

  readonly #written = (error?: Error | null): void => {
    // When the transport failed, `end` settles what is on its way.
    if (this.#ended || error) return;
    const entry = this.#flights.shift()!;
    this.#flightBytes -= entry.flight.bytes;
    for (const slab of entry.flight.slabs) releaseSlab(slab);
    for (const waiter of entry.waiters) waiter.resolve();
    this.#watchProgress(true);
    if (this.#above) this.#checkDrained();
  };

  #accepts(size: number): boolean {
    const { highWaterMark, maxBufferedAmount } = this.#options;
    const buffered = this.bufferedAmount;
    if (buffered <= highWaterMark || buffered + size <= maxBufferedAmount) return true;
    this.#owner.onOverflow(
      new LimitError(
        'ANTS_SEND_BUFFER_FULL',
        CloseCode.AbnormalClosure,
        `a message of ${size} bytes behind ${buffered} buffered ones passes maxBufferedAmount (${maxBufferedAmount}): the peer does not read; await send(), or watch bufferedAmount and 'drain'`,
      ),
    );
    return false;
  }

  #write(data: string | Uint8Array, size: number): Promise<void> {
    this.#batch ??= new OutgoingBatch();
    const batch = this.#batch;
    let inUse = false;
    if (size > this.#options.fragmentSize) {
      this.#writeFragments(typeof data === 'string' ? Buffer.from(data) : data, typeof data === 'string');
    } else if (typeof data === 'string') {
      batch.text(textKind, data, size, this.#key());
    } else if (this.#role === 'server' && size >= referenceThreshold) {
      batch.reference(binaryKind, data);
      inUse = true;
    } else {
      batch.frame(binaryKind, data, this.#key());
    }
    this.#schedule();
    if (inUse)
      return preHandled(new Promise((resolve, reject) => this.#batchWaiters.push({ resolve, reject })));
    return this.#whenBelowMark();
  }

  /** RFC 6455 section 5.4: the first frame carries the opcode, the last one FIN. */
  #writeFragments(bytes: Uint8Array, isText: boolean): void {
    const { fragmentSize } = this.#options;
    for (let start = 0; start < bytes.length; start += fragmentSize) {
      const end = Math.min(start + fragmentSize, bytes.length);
      const opcode = start > 0 ? Opcode.Continuation : isText ? Opcode.Text : Opcode.Binary;
      const kind = { opcode, fin: end === bytes.length, rsv1: false };
      this.#batch!.frame(kind, bytes.subarray(start, end), this.#key());
    }
  }

  #control(kind: FrameKind, payload: Uint8Array): void {
    if (this.#ended) return;
    this.#batch ??= new OutgoingBatch();
    this.#batch.frame(kind, payload, this.#key());
    this.#schedule();
  }

  #writeClose(payload: Uint8Array, flushed: () => void): void {
    if (this.#ended) return;
    this.#flushPong();
    this.#batchWaiters.push({ resolve: flushed, reject: noop });
    this.#control(closeKind, payload);
  }

  /** Clients mask with a fresh key for each frame, servers do not mask (RFC 6455 section 5.1 and section 5.3). */
  #key(): number | undefined {
    return this.#role === 'client' ? nextMaskingKey() : undefined;
  }

  #schedule(): void {
    if (this.#batch!.bytes >= largestSlab) this.flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      flushAfterTurn(this);
    }
  }

  #whenBelowMark(): Promise<void> {
    const buffered = this.bufferedAmount;
    if (buffered <= this.#options.highWaterMark) return done;
    this.#above = true;
    if (buffered > this.#options.readHold && !this.#held) {
      this.#held = true;
      this.#owner.onReadHold(true);
    }
    if (this.#drained === undefined) {
      let waiter: Waiter | undefined;
      const promise = new Promise<void>((resolve, reject) => {
        waiter = { resolve, reject };
      });
      this.#drained = { promise: preHandled(promise), waiter: waiter! };
    }
    return this.#drained.promise;
  }

  #checkDrained(): void {
    if (this.bufferedAmount > this.#options.highWaterMark / 2) return;
    this.#above = false;
    this.#flushPong();
    this.#drained?.waiter.resolve();
    this.#drained = undefined;
    if (this.#held) {
      this.#held = false;
      this.#owner.onReadHold(false);
    }
    this.#owner.onDrain();
  }

  #flushPong(): void {
    if (this.#pendingPong === undefined) return;
    const payload = this.#pendingPong;
    this.#pendingPong = undefined;
    this.#control(pongKind, payload);
  }

  /** The stalled-write deadline: runs while the transport has bytes, and starts anew whenever some have left. */
  #watchProgress(progressed: boolean): void {
    if (this.#transport.pendingBytes === 0) {
      clearTimeout(this.#stalled);
      this.#stalled = undefined;
    } else if (this.#stalled === undefined) {
      const { writeTimeout } = this.#options;
      this.#stalled = setDeadline(writeTimeout, () => {
        this.#owner.onStalled(
          new TimeoutError(
            'ANTS_WRITE_TIMEOUT',
            `none of ${this.bufferedAmount} buffered bytes left for ${writeTimeout} ms (writeTimeout): the peer does not read`,
          ),
        );
      });
    } else if (progressed) {
      this.#stalled.refresh();
    }
  }

  #enqueue(bytes: number, data: string | Uint8Array, load: Queued['load']): Promise<void> {
    return preHandled(
      new Promise((resolve, reject) => {
        const write = (loaded: Uint8Array): void => {
          if (load === undefined) this.#write(data, bytes).then(resolve, reject);
          else this.#write(loaded, loaded.length).then(resolve, reject);
        };
        this.#lineBytes += bytes;
        if (this.#line === undefined) {
          this.#line = [{ bytes, load, write, reject }];
          void this.#workOff(this.#line);
        } else {
          this.#line.push({ bytes, load, write, reject });
        }
      }),
    );
  }

  /** Writes the messages of the line, each as soon as those before it have their bytes. */
  async #workOff(line: Queued[]): Promise<void> {
    while (line.length > 0) {
      const { bytes, load, write, reject } = line[0]!;
      let loaded: Uint8Array = empty;
      let failure: { error: unknown } | undefined;
      if (load !== undefined) {
        try {
          loaded = await load();
        } catch (error) {
          failure = { error };
        }
      }
      // The line may have been dropped meanwhile.
      if (this.#line !== line) return;
      line.shift();
      this.#lineBytes -= bytes;
      if (failure === undefined) write(loaded);
      else reject(failure.error);
    }
    this.#line = undefined;
  }

  #dropLine(error: CloseError): void {
    const line = this.#line ?? [];
    this.#line = undefined;
    this.#lineBytes = 0;
    for (const { reject } of line) reject(error);
  }
}

function noop(): void {}

/** A rejection that nobody looks at must not end the process: a bare `send()` is fine. */
function preHandled(promise: Promise<void>): Promise<void> {
  promise.catch(noop);
  return promise;
}
