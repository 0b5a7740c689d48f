import type { Deflater } from '../deflate/deflater.js';
import type { AntsError, CloseError } from '../errors.js';
import type { FrameKind } from '../protocol/frame-encoder.js';
import { Opcode } from '../protocol/opcode.js';
import { type Buffered, BufferMarks, type BufferMarksOwner } from './buffer-marks.js';
import { debuggedFrames, type FrameTeller } from './debug.js';
import type { FinalEnd } from './inbox.js';
import { frameBytes, frameMessage, frameShared, maskingKeyFor } from './message-framing.js';
import type { Role } from './options.js';
import { Outbox, type OutboxOwner } from './outbox.js';
import { makePiece, memoryGone } from './outgoing-frames.js';
import type { OutgoingStream } from './outgoing-stream.js';
import { heartbeatPayload } from './pings.js';
import { preHandled, rejected, resolved } from './pre-handled.js';
import type { PreparedMessage } from './prepared-message.js';
import type { SendPolicy } from './send-options.js';
import { type FragmentOutlet, StreamedMessage } from './streamed-message.js';
import type { Transport } from './transport.js';
import { type Queued, WaitingLine } from './waiting-line.js';

/** What the queue tells the connection. */
export interface SendQueueOwner extends BufferMarksOwner, FrameTeller {
  readonly role: Role;
  readonly transport: Transport;
  /** A pong is on its way. */
  onPongSent(payload: Buffer): void;
  /** What has left is of no use without bytes that are gone. */
  onBroken(error: AntsError): void;
  /** A message that was taken can't be framed; there may be fragments of it. */
  onUnsendable(error: Error): void;
}

/** Buffered bytes above which pings are not answered one by one, whatever the high-water mark is. */
const mostPongs = 64 * 1024;

const closeKind: FrameKind = { opcode: Opcode.Close, fin: true, rsv1: false };
const pingKind: FrameKind = { opcode: Opcode.Ping, fin: true, rsv1: false };
const pongKind: FrameKind = { opcode: Opcode.Pong, fin: true, rsv1: false };

/** The whole frame of a heartbeat, as servers send it. */
const heartbeatPiece = makePiece(pingKind, heartbeatPayload);

/**
 * Everything on its way out: the order of messages and their frames, and the promises that depend on them.
 */
export class SendQueue implements FragmentOutlet, Buffered, OutboxOwner {
  /** Undefined when no compression is agreed on. */
  readonly #deflater: Deflater | undefined;
  readonly #owner: SendQueueOwner;
  readonly #marks: BufferMarks;
  #outbox: Outbox | undefined;
  /** Messages wait here while one before them is being loaded. */
  #line: WaitingLine | undefined;
  /** The latest ping that has no answer yet because of pressure. */
  #pendingPong: Buffer | undefined;
  #ended = false;
  /** The message in progress whose content comes from a source; it is at the head of the line. */
  #streamed: StreamedMessage | undefined;
  #bytesAtEnd = 0;
  #framesAtEnd = 0;

  constructor(deflater: Deflater | undefined, owner: SendQueueOwner) {
    this.#deflater = deflater;
    this.#owner = owner;
    this.#marks = new BufferMarks(this, owner);
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
    return this.#isBehindBy(this.#owner.options.highWaterMark);
  }

  /** Bytes that have left this process, by the word of the transport; it grows with each one that it tells of. */
  get bytesLeft(): number {
    return this.#outbox?.bytesLeft ?? this.#bytesAtEnd;
  }

  /** Frames that were put together so far. */
  get framesSent(): number {
    return this.#outbox?.frames.count ?? this.#framesAtEnd;
  }

  /**
   * Takes a message. The promise is a shared resolved one when the data was copied and the buffer is below its mark, a shared
   * one for the drain above it, and an own one where the caller's memory is still in use. Undefined: not taken, and the owner
   * has been told why. Dropped messages count as taken care of.
   */
  send(data: string | Uint8Array, policy?: SendPolicy): Promise<void> | undefined {
    if (this.#marks.drops(policy?.whenSlow)) return resolved;
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    if (!this.#marks.accepts(size, policy?.whenSlow)) return undefined;
    const deflater = this.#deflaterFor(size, policy);
    if (deflater !== undefined) return this.#sendDeflated(deflater, data, size);
    if (this.#line !== undefined && !this.#line.isEmpty) {
      return this.#enqueue(size, undefined, () => this.#write(data, size));
    }
    // As `#attempt`, without its function for each message.
    try {
      return this.#write(data, size);
    } catch (error) {
      return this.#unsendable(error);
    }
  }

  /** As `send`, for a message whose bytes must be loaded first; everything sent later waits behind it. */
  sendLoaded(size: number, load: () => Promise<Uint8Array>, policy?: SendPolicy): Promise<void> | undefined {
    if (this.#marks.drops(policy?.whenSlow)) return resolved;
    if (!this.#marks.accepts(size, policy?.whenSlow)) return undefined;
    const deflater = this.#deflaterFor(size, policy);
    if (deflater === undefined)
      return this.#enqueue(size, load, (loaded) => this.#write(loaded, loaded.length));
    return this.#enqueue(
      size,
      async () => this.#deflateLater(deflater, await load()),
      (deflated) => this.#writeDeflated(deflated, false),
    );
  }

  /** As `send`, for a message that others get as well. */
  sendPrepared(message: PreparedMessage, policy?: SendPolicy): Promise<void> | undefined {
    const { payload } = message;
    if (this.#marks.drops(policy?.whenSlow)) return resolved;
    if (!this.#marks.accepts(payload.length, policy?.whenSlow)) return undefined;
    const isWanted = this.#deflater !== undefined && policy?.compress !== false;
    const deflated = isWanted ? message.deflated(this.#deflater.windowBits) : undefined;
    const write = (bytes: Uint8Array): Promise<void> =>
      this.#writeShared(message, bytes, deflated !== undefined);
    if (deflated instanceof Promise) {
      const load = () => deflated.catch((error) => this.#unsendable(error));
      return this.#enqueue(payload.length, load, write);
    }
    const bytes = deflated ?? payload;
    if (this.#line === undefined || this.#line.isEmpty) return this.#attempt(() => write(bytes));
    return this.#enqueue(payload.length, undefined, () => write(bytes));
  }

  /** Whether a message is on its way out whose content is still coming. */
  get isStreaming(): boolean {
    return this.#streamed !== undefined;
  }

  /** Whether a stream may add more frames: what waits behind it does not count. */
  get hasRoom(): boolean {
    return this.#inTransit() <= this.#owner.options.highWaterMark;
  }

  #inTransit(): number {
    return this.#outbox?.bufferedAmount ?? 0;
  }

  /**
   * What the peer is to be judged by. What stands behind a stream waits for the source, which may be slow, or be this very
   * connection.
   */
  get waitingAmount(): number {
    return this.isStreaming ? this.#inTransit() : this.bufferedAmount;
  }

  /**
   * Takes a message whose content comes from a source; everything sent later waits behind it. False: not taken, and the owner has been
   * told why.
   *
   * @param size Bytes of the message, where that is known: then the threshold decides whether it is compressed.
   */
  sendStream(stream: OutgoingStream, policy?: SendPolicy, size = Infinity): boolean {
    if (this.#marks.drops(policy?.whenSlow)) {
      stream.leaveOut();
      return true;
    }
    if (!this.#marks.acceptsStream(policy?.whenSlow)) return false;
    const load = async (): Promise<Uint8Array> => {
      const streamed = new StreamedMessage(stream, this.#deflaterFor(size, policy), this);
      this.#streamed = streamed;
      await streamed.run();
      if (this.#streamed === streamed) this.#streamed = undefined;
      return nothing;
    };
    this.#line ??= new WaitingLine(() => this.onProgress());
    this.#line.add({ bytes: 0, load, write: noop, reject: (error) => stream.end(error) });
    return true;
  }

  ping(payload: Uint8Array): void {
    this.#owner.counters.pingsSent++;
    this.#control(pingKind, payload);
  }

  /** Sends the ping of the heartbeat; on servers always the same bytes, in no memory of this connection. */
  heartbeat(): void {
    if (this.#owner.role === 'client') {
      this.ping(heartbeatPayload);
      return;
    }
    this.#owner.counters.pingsSent++;
    this.#frames().frames.ready(pingKind, heartbeatPayload, heartbeatPiece);
    this.#added();
  }

  /**
   * Answers a ping. While the transport does not take what it has, and that is more than a mark of its own, only the latest
   * ping is answered, once there is room (RFC 6455 section 5.5.3).
   */
  pong(payload: Buffer): void {
    // A pong that waits already must not be overtaken.
    if (this.#pendingPong !== undefined || this.#isBehindBy(this.#pongMark())) {
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
    this.#streamed?.giveUp();
    this.#streamed = undefined;
    this.#line?.drop(error);
  }

  /** Ends the transport behind all frames. */
  finish(): void {
    if (!this.#ended) this.#frames().end();
  }

  /** The transport is gone: nothing of what waits will ever be sent. */
  end(end: FinalEnd): void {
    this.#ended = true;
    this.#bytesAtEnd = this.#outbox?.writtenBytes ?? 0;
    this.#framesAtEnd = this.framesSent;
    this.#streamed?.giveUp();
    this.#streamed = undefined;
    if (this.#line !== undefined && !this.#line.isEmpty) this.#line.drop(end.error);
    this.#outbox?.drop(end);
    this.#marks.end(end);
    this.#outbox = undefined;
    this.#deflater?.close();
  }

  /** What compresses a message of `size` bytes; undefined when it is to be sent as it is. */
  #deflaterFor(size: number, policy: SendPolicy | undefined): Deflater | undefined {
    const deflater = this.#deflater;
    if (deflater === undefined) return undefined;
    return (policy?.compress ?? size >= deflater.threshold) ? deflater : undefined;
  }

  /** Compresses a message when its turn has come, so that all of it is in the order in which the peer sees it. */
  #sendDeflated(deflater: Deflater, data: string | Uint8Array, size: number): Promise<void> {
    const isText = typeof data === 'string';
    if (!deflater.isSync(size)) {
      const bytes = isText ? Buffer.from(data) : data;
      const load = async (): Promise<Uint8Array> => {
        if (bytes.length !== size) return this.#unsendable(memoryGone());
        return this.#deflateLater(deflater, bytes);
      };
      return this.#enqueue(size, load, (deflated) => this.#writeDeflated(deflated, isText));
    }
    const write = (): Promise<void> => {
      if (!isText && data.length !== size) throw memoryGone();
      return this.#writeDeflated(deflater.deflate(isText ? Buffer.from(data) : data, true), isText);
    };
    const isNext = this.#line === undefined || this.#line.isEmpty;
    return isNext ? this.#attempt(write) : this.#enqueue(size, undefined, write);
  }

  /** The peer would miss the message, and never know. */
  #deflateLater(deflater: Deflater, bytes: Uint8Array): Promise<Uint8Array> {
    return deflater.deflateLater(bytes, true).catch((error) => this.#unsendable(error));
  }

  #writeDeflated(deflated: Uint8Array, isText: boolean): Promise<void> {
    frameBytes(
      this.#frames().frames,
      this.#owner.role,
      isText,
      true,
      deflated,
      this.#owner.options.fragmentSize,
    );
    return this.#added() ? this.#marks.whenDrained() : resolved;
  }

  #writeShared(message: PreparedMessage, bytes: Uint8Array, isDeflated: boolean): Promise<void> {
    const { fragmentSize } = this.#owner.options;
    const isText = message.type === 'text';
    frameShared(this.#frames().frames, this.#owner.role, isText, isDeflated, bytes, fragmentSize);
    // The peer's history has it from now on, and ours has not (RFC 7692 section 7.1.1).
    if (isDeflated) this.#deflater?.forget();
    return this.#added() ? this.#marks.whenDrained() : resolved;
  }

  writeFragment(opcode: number, fin: boolean, isDeflated: boolean, bytes: Uint8Array): void {
    const kind = { opcode, fin, rsv1: isDeflated && opcode !== Opcode.Continuation };
    this.#frames().frames.frame(kind, bytes, maskingKeyFor(this.#owner.role));
    this.#added();
  }

  #isBehindBy(mark: number): boolean {
    return (this.#outbox?.isBehind ?? false) && this.bufferedAmount > mark;
  }

  /** No option can take it away: what answers to pings may cost must have a bound. */
  #pongMark(): number {
    return Math.min(this.#owner.options.highWaterMark, mostPongs);
  }

  #write(data: string | Uint8Array, size: number): Promise<void> {
    const outbox = this.#frames();
    if (typeof data !== 'string' && data.length !== size) throw memoryGone();
    const isReferenced = frameMessage(
      outbox.frames,
      this.#owner.role,
      data,
      size,
      this.#owner.options.fragmentSize,
    );
    const isAbove = this.#added();
    if (!isReferenced) return isAbove ? this.#marks.whenDrained() : resolved;
    return preHandled(new Promise((resolve, reject) => outbox.whenWritten({ resolve, reject })));
  }

  /** Frames a message whose turn has come. */
  #attempt(write: () => Promise<void>): Promise<void> {
    try {
      return write();
    } catch (error) {
      return this.#unsendable(error);
    }
  }

  /** A message can't be framed, or not all of it: it is rejected, and the connection fails. */
  #unsendable(error: unknown): Promise<never> {
    this.#owner.onUnsendable(error as Error);
    return rejected(error);
  }

  #control(kind: FrameKind, payload: Uint8Array): void {
    this.#frames().frames.frame(kind, payload, maskingKeyFor(this.#owner.role));
    this.#added();
  }

  #writeClose(payload: Uint8Array, flushed: () => void): void {
    this.#flushPong();
    this.#control(closeKind, payload);
    this.#frames().whenWritten({ resolve: flushed, reject: noop });
  }

  /** Queues a message behind one that is being loaded. */
  #enqueue(bytes: number, load: Queued['load'], write: (loaded: Uint8Array) => Promise<void>): Promise<void> {
    this.#line ??= new WaitingLine(() => this.onProgress());
    const line = this.#line;
    const written = new Promise<void>((resolve, reject) => {
      line.add({
        bytes,
        load,
        write: (loaded) => void this.#attempt(() => write(loaded)).then(resolve, reject),
        reject,
      });
    });
    this.#marks.grown();
    this.#marks.flushed();
    return preHandled(written);
  }

  #frames(): Outbox {
    this.#outbox ??= new Outbox(
      this.#owner.transport,
      debuggedFrames(this.#owner.role, this.#owner.transport, this.#owner),
      this,
    );
    return this.#outbox;
  }

  /** Frames were added; returns as `BufferMarks.grown`. */
  #added(): boolean {
    this.#frames().schedule();
    return this.#marks.grown();
  }

  onFlushed(): void {
    if (!this.#ended) this.#marks.flushed();
  }

  onLost(error: AntsError): void {
    this.#owner.onBroken(error);
  }

  /** Some of the buffer has left: those who wait for room may go on. */
  onProgress(): void {
    if (this.#ended) return;
    const buffered = this.bufferedAmount;
    this.#marks.progressed();
    this.#streamed?.progressed();
    const isDrained = this.#marks.fallsTo(buffered);
    if (buffered <= this.#pongMark() / 2) this.#flushPong();
    if (isDrained) this.#marks.drained();
  }

  #flushPong(): void {
    if (this.#pendingPong === undefined) return;
    const payload = this.#pendingPong;
    this.#pendingPong = undefined;
    this.#pong(payload);
  }

  #pong(payload: Buffer): void {
    this.#owner.counters.pongsSent++;
    this.#control(pongKind, payload);
    this.#owner.onPongSent(payload);
  }
}

const nothing: Uint8Array = new Uint8Array(0);

function noop(): void {}
