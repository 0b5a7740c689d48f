import { type CloseError, LimitError, TimeoutError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import type { FrameKind } from '../protocol/frame-encoder.js';
import { Opcode } from '../protocol/opcode.js';
import { type Deadline, setDeadline } from './deadline.js';
import { nextMaskingKey } from './masking-keys.js';
import type { ResolvedConnectionOptions, Role } from './options.js';
import { Outbox, type Waiter } from './outbox.js';
import type { FragmentWriter, OutgoingStream } from './outgoing-stream.js';
import type { Transport } from './transport.js';
import { type Queued, WaitingLine } from './waiting-line.js';

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
  #stalled: Deadline | undefined;
  #ended = false;
  /** The message in progress whose content comes from a source; it is at the head of the line. */
  #stream: OutgoingStream | undefined;
  #onRoom: (() => void) | undefined;

  constructor(role: Role, transport: Transport, options: ResolvedConnectionOptions, owner: SendQueueOwner) {
    this.#role = role;
    this.#transport = transport;
    this.#options = options;
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

  /**
   * Takes a message. The promise is a shared resolved one when the data was copied and the buffer is below its mark, a shared
   * one for the drain above it, and an own one where the caller's memory is still in use. Undefined: not taken, and the owner
   * has been told why.
   */
  send(data: string | Uint8Array): Promise<void> | undefined {
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    if (!this.#accepts(size)) return undefined;
    if (this.#line === undefined || this.#line.isEmpty) return this.#write(data, size);
    return this.#enqueue(size, undefined, () => this.#write(data, size));
  }

  /** As `send`, for a message whose bytes must be loaded first; everything sent later waits behind it. */
  sendLoaded(size: number, load: () => Promise<Uint8Array>): Promise<void> | undefined {
    if (!this.#accepts(size)) return undefined;
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
  get #waiting(): number {
    return this.isStreaming ? this.#inTransit : this.bufferedAmount;
  }

  /** Takes a message whose content comes from a source; everything sent later waits behind it. */
  sendStream(stream: OutgoingStream): void {
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
    this.#control(pingKind, payload);
  }

  /**
   * Answers a ping. While the transport does not take what it has, and that is above the high-water mark, only the latest
   * ping is answered, once there is room (RFC 6455 section 5.5.3).
   */
  pong(payload: Buffer): void {
    const isBehind = this.#outbox?.isBehind ?? false;
    // A pong that waits already must not be overtaken.
    if (this.#pendingPong !== undefined || (isBehind && this.bufferedAmount > this.#options.highWaterMark)) {
      this.#pendingPong = payload;
    } else {
      this.#control(pongKind, payload);
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
    clearTimeout(this.#stalled);
    this.giveUp(error);
    this.#outbox?.drop(error);
    this.#drained?.waiter.reject(error);
    this.#outbox = undefined;
  }

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
    this.#outbox ??= new Outbox(this.#transport, () => this.#progressed());
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

  /** The buffer grew: starts the deadline and looks at the marks. Whether it is above the high-water mark. */
  #grown(): boolean {
    if (this.#waiting > 0) {
      this.#stalled ??= setDeadline(this.#options.writeTimeout, () => this.#onStalled());
    }
    const buffered = this.bufferedAmount;
    if (buffered <= this.#options.highWaterMark) return false;
    this.#above = true;
    if (this.#waiting > this.#options.readHold) {
      this.#held = true;
      this.#owner.onReadHold(true);
    }
    return true;
  }

  /** Some of the buffer has left: the deadline starts anew, and those who wait for room may go on. */
  #progressed(): void {
    if (this.#ended) return;
    const buffered = this.bufferedAmount;
    if (this.#waiting > 0) {
      this.#stalled ??= setDeadline(this.#options.writeTimeout, () => this.#onStalled());
      this.#stalled?.refresh();
    } else {
      clearTimeout(this.#stalled);
      this.#stalled = undefined;
    }
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
    }
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
    this.#control(pongKind, payload);
  }

  #onStalled(): void {
    const { writeTimeout } = this.#options;
    this.#owner.onStalled(
      new TimeoutError(
        'ANTS_WRITE_TIMEOUT',
        `none of ${this.bufferedAmount} buffered bytes left for ${writeTimeout} ms (writeTimeout): the peer does not read`,
      ),
    );
  }
}

const nothing: Uint8Array = new Uint8Array(0);

function noop(): void {}

/** A rejection that nobody looks at must not end the process: a bare `send()` is fine. */
function preHandled(promise: Promise<void>): Promise<void> {
  promise.catch(noop);
  return promise;
}
