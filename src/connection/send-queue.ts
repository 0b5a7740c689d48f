import { type CloseError, LimitError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import type { FrameKind } from '../protocol/frame-encoder.js';
import { Opcode } from '../protocol/opcode.js';
import { debuggedFrames } from './debug.js';
import type { Pressure } from './diagnostics.js';
import { nextMaskingKey } from './masking-keys.js';
import type { ResolvedConnectionOptions, Role, WhenSlow } from './options.js';
import { Outbox, type Waiter } from './outbox.js';
import type { FragmentWriter, OutgoingStream } from './outgoing-stream.js';
import { preHandled } from './pre-handled.js';
import type { Counters } from './stats.js';
import type { Transport } from './transport.js';
import { type Queued, WaitingLine } from './waiting-line.js';

/** What the queue tells the connection. */
export interface SendQueueOwner {
  /** A pong is on its way. */
  onPongSent(payload: Buffer): void;
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

/** From this size on an unmasked payload is handed to the transport as it is: copying would cost more than a second piece. */
const referenceThreshold = 16 * 1024;

const textKind: FrameKind = { opcode: Opcode.Text, fin: true, rsv1: false };
const binaryKind: FrameKind = { opcode: Opcode.Binary, fin: true, rsv1: false };
const closeKind: FrameKind = { opcode: Opcode.Close, fin: true, rsv1: false };
const pingKind: FrameKind = { opcode: Opcode.Ping, fin: true, rsv1: false };
const pongKind: FrameKind = { opcode: Opcode.Pong, fin: true, rsv1: false };

/** What `send` returns while nothing has to be waited for: always this one. */
const done: Promise<void> = Promise.resolve();

/**
 * Everything on its way out: the order of messages and their frames, the marks and the deadline of the buffer, and the
 * promises that depend on them.
 */
export class SendQueue implements FragmentWriter {
  readonly #role: Role;
  readonly #transport: Transport;
  readonly #options: ResolvedConnectionOptions;
  readonly #counters: Counters;
  readonly #owner: SendQueueOwner;
  #outbox: Outbox | undefined;
  /** Messages wait here while one before them is being loaded. */
  #line: WaitingLine | undefined;
  /** Shared by all who wait for the buffer to drain. */
  #drained: { promise: Promise<void>; waiter: Waiter } | undefined;
  /** The latest ping that has no answer yet because of pressure. */
  #pendingPong: Buffer | undefined;
  /** Whether the buffer was above its mark and has not drained since. */
  #above = false;
  /** Whether reading was stopped for that. */
  #held = false;
  /** Whether the owner knows of bytes that wait. */
  #waits = false;
  #ended = false;
  /** The message in progress whose content comes from a source; it is at the head of the line. */
  #stream: OutgoingStream | undefined;
  #onRoom: (() => void) | undefined;
  #bytesAtEnd = 0;

  constructor(
    role: Role,
    transport: Transport,
    options: ResolvedConnectionOptions,
    counters: Counters,
    owner: SendQueueOwner,
  ) {
    this.#role = role;
    this.#transport = transport;
    this.#options = options;
    this.#counters = counters;
    this.#owner = owner;
  }

  /** Bytes that were accepted and have not left the process. */
  get bufferedAmount(): number {
    return (this.#line?.bytes ?? 0) + (this.#outbox?.bufferedAmount ?? 0);
  }

  /** As `bufferedAmount`, but right also when the transport has been destroyed and has forgotten them. */
  get unsentBytes(): number {
    return (this.#line?.bytes ?? 0) + (this.#outbox?.unwrittenBytes ?? 0);
  }

  /** Whether more than the mark is buffered, and some of it since an earlier turn: a burst alone makes no peer slow. */
  get isSlow(): boolean {
    return (this.#outbox?.isBehind ?? false) && this.bufferedAmount > this.#options.highWaterMark;
  }

  /** Bytes that have left this process, by the word of the transport; it grows with each one that it tells of. */
  get bytesLeft(): number {
    return this.#outbox?.bytesLeft ?? this.#bytesAtEnd;
  }

  /**
   * Takes a message. The promise is a shared resolved one when the data was copied and the buffer is below its mark, a shared
   * one for the drain above it, and an own one where the caller's memory is still in use. Undefined: not taken, and the owner
   * has been told why. Dropped messages count as taken care of.
   */
  send(data: string | Uint8Array, whenSlow?: WhenSlow): Promise<void> | undefined {
    if (this.#drops(whenSlow)) return done;
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    if (!this.#accepts(size, whenSlow)) return undefined;
    if (this.#line === undefined || this.#line.isEmpty) return this.#write(data, size);
    return this.#enqueue(size, undefined, () => this.#write(data, size));
  }

  /** As `send`, for a message whose bytes must be loaded first; everything sent later waits behind it. */
  sendLoaded(size: number, load: () => Promise<Uint8Array>, whenSlow?: WhenSlow): Promise<void> | undefined {
    if (this.#drops(whenSlow)) return done;
    if (!this.#accepts(size, whenSlow)) return undefined;
    return this.#enqueue(size, load, (loaded) => this.#write(loaded, loaded.length));
  }

  /** Whether a message is on its way out whose content is still coming. */
  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  /** Whether a stream may add more frames: what waits behind it does not count. */
  get hasRoom(): boolean {
    return this.#inTransit <= this.#options.highWaterMark;
  }

  get #inTransit(): number {
    return this.#outbox?.bufferedAmount ?? 0;
  }

  /**
   * What the peer is to be judged by. What stands behind a stream waits for the source, which may be slow, or be this very
   * connection.
   */
  get waitingAmount(): number {
    return this.isStreaming ? this.#inTransit : this.bufferedAmount;
  }

  /** Takes a message whose content comes from a source; everything sent later waits behind it. */
  sendStream(stream: OutgoingStream): void {
    this.#counters.messagesSent++;
    const load = async (): Promise<Uint8Array> => {
      this.#stream = stream;
      await stream.run(this);
      if (this.#stream === stream) this.#stream = undefined;
      return nothing;
    };
    this.#line ??= new WaitingLine(() => this.#progressed());
    this.#line.add({ bytes: 0, load, write: noop, reject: (error) => stream.end(error) });
  }

  fragment(opcode: number, fin: boolean, bytes: Uint8Array): void {
    this.#frames().frames.frame({ opcode, fin, rsv1: false }, bytes, this.#key());
    this.#added();
  }

  whenRoom(room: () => void): void {
    this.#onRoom = room;
  }

  ping(payload: Uint8Array): void {
    this.#counters.pingsSent++;
    this.#control(pingKind, payload);
  }

  /**
   * Answers a ping. While the transport does not take what it has, and that is above the high-water mark, only the latest
   * ping is answered, once there is room (RFC 6455 section 5.5.3).
   */
  pong(payload: Buffer): void {
    // A pong that waits already must not be overtaken.
    if (this.#pendingPong !== undefined || this.isSlow) {
      this.#pendingPong = payload;
    } else {
      this.#pong(payload);
    }
  }

  /** Queues the Close frame behind all messages; `flushed` is called once it has left. */
  close(payload: Uint8Array, flushed: () => void): void {
    const write = (): void => this.#writeClose(payload, flushed);
    if (this.#line === undefined || this.#line.isEmpty) write();
    else this.#line.add({ bytes: 0, load: undefined, write, reject: noop });
  }

  /** Gives up what is not framed yet, and sends the Close frame next. */
  abandon(payload: Uint8Array, error: CloseError, flushed: () => void): void {
    this.giveUp(error);
    this.#writeClose(payload, flushed);
  }

  /** Gives up what is not framed yet, streams included. */
  giveUp(error: CloseError): void {
    this.#stream = undefined;
    this.#onRoom = undefined;
    this.#line?.drop(error);
  }

  /** Ends the transport behind all frames. */
  finish(): void {
    if (!this.#ended) this.#frames().end();
  }

  /** The transport is gone: nothing of what waits will ever be sent. */
  end(error: CloseError): void {
    this.#ended = true;
    this.#bytesAtEnd = this.#outbox?.writtenBytes ?? 0;
    this.giveUp(error);
    this.#outbox?.drop(error);
    this.#drained?.waiter.reject(error);
    this.#outbox = undefined;
  }

  /** Whether the policy is to leave a message out now. */
  #drops(whenSlow: WhenSlow = this.#options.whenSlow): boolean {
    if (whenSlow !== 'drop' || !this.isSlow) return false;
    this.#counters.droppedMessages++;
    this.#owner.onPressure('dropped');
    return true;
  }

  /** Whether a message may be taken; if not, the owner is told why. */
  #accepts(size: number, whenSlow: WhenSlow = this.#options.whenSlow): boolean {
    const { highWaterMark, maxBufferedAmount } = this.#options;
    const buffered = this.bufferedAmount;
    if (whenSlow === 'terminate' && this.isSlow) {
      this.#owner.onOverflow(
        new LimitError(
          'ANTS_SLOW_PEER',
          CloseCode.AbnormalClosure,
          `${buffered} bytes are buffered, more than highWaterMark (${highWaterMark}), and whenSlow is 'terminate'`,
        ),
      );
      return false;
    }
    if (buffered <= highWaterMark || buffered + size <= maxBufferedAmount) {
      this.#counters.messagesSent++;
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

  #write(data: string | Uint8Array, size: number): Promise<void> {
    const outbox = this.#frames();
    const isReferenced =
      this.#role === 'server' &&
      typeof data !== 'string' &&
      size >= referenceThreshold &&
      size <= this.#options.fragmentSize;
    if (isReferenced) {
      outbox.frames.reference(binaryKind, data);
    } else if (size > this.#options.fragmentSize) {
      this.#writeFragments(typeof data === 'string' ? Buffer.from(data) : data, typeof data === 'string');
    } else if (typeof data === 'string') {
      outbox.frames.text(textKind, data, size, this.#key());
    } else {
      outbox.frames.frame(binaryKind, data, this.#key());
    }
    const isAbove = this.#added();
    if (!isReferenced) return isAbove ? this.#whenDrained() : done;
    return preHandled(new Promise((resolve, reject) => outbox.whenWritten({ resolve, reject })));
  }

  /** RFC 6455 section 5.4: the first frame carries the opcode, the last one FIN. */
  #writeFragments(bytes: Uint8Array, isText: boolean): void {
    const { fragmentSize } = this.#options;
    for (let start = 0; start < bytes.length; start += fragmentSize) {
      const end = Math.min(start + fragmentSize, bytes.length);
      const opcode = start > 0 ? Opcode.Continuation : isText ? Opcode.Text : Opcode.Binary;
      const kind = { opcode, fin: end === bytes.length, rsv1: false };
      this.#frames().frames.frame(kind, bytes.subarray(start, end), this.#key());
    }
  }

  #control(kind: FrameKind, payload: Uint8Array): void {
    this.#frames().frames.frame(kind, payload, this.#key());
    this.#added();
  }

  #writeClose(payload: Uint8Array, flushed: () => void): void {
    this.#flushPong();
    this.#control(closeKind, payload);
    this.#frames().whenWritten({ resolve: flushed, reject: noop });
  }

  /** Queues a message behind one that is being loaded. */
  #enqueue(bytes: number, load: Queued['load'], write: (loaded: Uint8Array) => Promise<void>): Promise<void> {
    this.#line ??= new WaitingLine(() => this.#progressed());
    const line = this.#line;
    const written = new Promise<void>((resolve, reject) => {
      line.add({ bytes, load, write: (loaded) => void write(loaded).then(resolve, reject), reject });
    });
    this.#grown();
    return preHandled(written);
  }

  #frames(): Outbox {
    this.#outbox ??= new Outbox(this.#transport, debuggedFrames(this.#role, this.#transport), () =>
      this.#progressed(),
    );
    return this.#outbox;
  }

  /** Clients mask with a fresh key for each frame, servers do not mask (RFC 6455 section 5.1 and section 5.3). */
  #key(): number | undefined {
    return this.#role === 'client' ? nextMaskingKey() : undefined;
  }

  /** Frames were added; returns as `#grown`. */
  #added(): boolean {
    this.#frames().schedule();
    return this.#grown();
  }

  /** The buffer grew: looks at the marks. Whether it is above the high-water mark. */
  #grown(): boolean {
    if (!this.#waits && this.waitingAmount > 0) {
      this.#waits = true;
      this.#owner.onBytesWait();
    }
    const buffered = this.bufferedAmount;
    if (buffered <= this.#options.highWaterMark) return false;
    if (!this.#above) this.#owner.onPressure('high');
    this.#above = true;
    if (this.waitingAmount > this.#options.readHold) {
      if (!this.#held) this.#owner.onPressure('held');
      this.#held = true;
      this.#owner.onReadHold(true);
    }
    return true;
  }

  /** Some of the buffer has left: those who wait for room may go on. */
  #progressed(): void {
    if (this.#ended) return;
    const buffered = this.bufferedAmount;
    this.#waits = this.waitingAmount > 0;
    if (this.#waits) this.#owner.onBytesWait();
    else this.#owner.onNothingWaits();
    if (this.#onRoom !== undefined && this.hasRoom) {
      const room = this.#onRoom;
      this.#onRoom = undefined;
      room();
    }
    if (this.#above && buffered <= this.#options.highWaterMark / 2) this.#onDrained();
  }

  #onDrained(): void {
    this.#above = false;
    this.#flushPong();
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

  #whenDrained(): Promise<void> {
    if (this.#drained === undefined) {
      let waiter: Waiter | undefined;
      const promise = new Promise<void>((resolve, reject) => {
        waiter = { resolve, reject };
      });
      this.#drained = { promise: preHandled(promise), waiter: waiter! };
    }
    return this.#drained.promise;
  }

  #flushPong(): void {
    if (this.#pendingPong === undefined) return;
    const payload = this.#pendingPong;
    this.#pendingPong = undefined;
    this.#pong(payload);
  }

  #pong(payload: Buffer): void {
    this.#counters.pongsSent++;
    this.#control(pongKind, payload);
    this.#owner.onPongSent(payload);
  }
}

const nothing: Uint8Array = new Uint8Array(0);

function noop(): void {}
