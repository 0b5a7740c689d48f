import { Deflater } from '../deflate/deflater.js';
import type { DeflateAgreement } from '../deflate/extension.js';
import { Inflater } from '../deflate/inflater.js';
import type { AntsError, LimitError, TimeoutError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import type { Message } from '../protocol/message-assembler.js';
import type { Clock } from './clock.js';
import { Closing, type ClosingOwner, type ConnectionState } from './closing.js';
import type { Connection } from './connection.js';
import { channels, type FrameSeen, type Pressure } from './diagnostics.js';
import type { CloseInfo, ConnectionEvents } from './events.js';
import { beginInput, endInput } from './flush.js';
import { type FinalEnd, Inbox, type InboxOwner } from './inbox.js';
import { MessageListeners } from './message-listeners.js';
import type { ResolvedConnectionOptions, Role } from './options.js';
import { heartbeatPayload, Pings } from './pings.js';
import type { ReadEnd } from './read-ends.js';
import { Hold, Reader, type ReaderOwner } from './reader.js';
import { reportError } from './report-error.js';
import { SendQueue, type SendQueueOwner } from './send-queue.js';
import { type ConnectionStats, Counters, noCounters } from './stats.js';
import type { Transport, TransportHandler } from './transport.js';
import { Watch, type WatchOwner } from './watch.js';

/** What a connection that another one follows shares with who makes the next. Its iteration ends without throwing, whatever the code. */
export interface Replaceable {
  /** Whether `close()` was called while it was open: then nobody wants another one. */
  wasClosed: boolean;
}

/**
 * What runs behind a `Connection`: it joins the way in, the way out, the end and the time, emits the events, and tells those who
 * watch. It is the owner of all of them itself, as an object of callbacks for each would be most of what an idle connection costs.
 *
 * Each of them is made when it is first needed. The way in is given back while the connection is idle.
 */
export class ConnectionCore
  implements ReaderOwner, InboxOwner, SendQueueOwner, ClosingOwner, WatchOwner, TransportHandler
{
  readonly transport: Transport;
  readonly options: ResolvedConnectionOptions;
  readonly clock: Clock;
  readonly role: Role;
  readonly #deflate: DeflateAgreement | undefined;
  #reader: Reader | undefined;
  #inbox: Inbox | undefined;
  #sendQueue: SendQueue | undefined;
  #counters: Counters | undefined;
  #closing: Closing | undefined;
  readonly watch: Watch;
  readonly #connection: Connection<unknown>;
  #messageListeners: MessageListeners | undefined;
  readonly #onEnd: ((connection: Connection<unknown>) => void) | undefined;
  readonly #replaceable: Replaceable | undefined;
  #pings: Pings | undefined;
  #closed: { promise: Promise<CloseInfo>; resolve: (info: CloseInfo) => void } | undefined;
  #closeInfo: CloseInfo | undefined;
  /** Whether the transport has been started. */
  #isStarted = false;
  /** Whether a heartbeat was answered by the chunk that is being read. */
  #wasAnswered = false;

  /** @param connection Who emits the events; it is being constructed, and nothing is called on it yet. */
  constructor(
    connection: Connection<unknown>,
    role: Role,
    transport: Transport,
    options: ResolvedConnectionOptions,
    deflate: DeflateAgreement | undefined,
    clock: Clock,
    head: Buffer | undefined,
    replaceable: Replaceable | undefined,
    onEnd: ((connection: Connection<unknown>) => void) | undefined,
  ) {
    this.#connection = connection;
    this.#replaceable = replaceable;
    this.#onEnd = onEnd;
    this.role = role;
    this.transport = transport;
    this.options = options;
    this.#deflate = deflate;
    this.clock = clock;
    this.watch = new Watch(this);
    // Its decompressor counts among those that there may be.
    if (deflate !== undefined) this.#reader = this.#makeReader();
    if (channels.close.hasSubscribers || channels.error.hasSubscribers) this.noteAddress();
    // A macrotask later, so that whoever awaits the connection comes first: to listen, to look at it, to close it.
    setImmediate(() => this.#start(head));
  }

  /** The way in. */
  get reader(): Reader {
    this.#reader ??= this.#makeReader();
    return this.#reader;
  }

  get inbox(): Inbox {
    this.#inbox ??= new Inbox(this);
    return this.#inbox;
  }

  get madeInbox(): Inbox | undefined {
    return this.#inbox;
  }

  /** The way out. */
  get sendQueue(): SendQueue {
    this.#sendQueue ??= new SendQueue(this.#deflate && new Deflater(this.#deflate), this);
    return this.#sendQueue;
  }

  get counters(): Counters {
    this.#counters ??= new Counters();
    return this.#counters;
  }

  /** What the open connection waits with for pongs. */
  get pings(): Pings {
    this.#pings ??= new Pings(this.clock);
    return this.#pings;
  }

  /** As `Connection.state`. */
  get state(): ConnectionState {
    return this.#closing === undefined ? 'open' : this.#closing.state;
  }

  /** The end of the connection: made when there is something to say about it. */
  get closing(): Closing {
    const { transport, sendQueue, options } = this;
    this.#closing ??= new Closing(this.role, transport, sendQueue, options.closeTimeout, this.clock, this);
    return this.#closing;
  }

  /** As `Connection.latency`. */
  get latency(): number | undefined {
    return this.#pings?.latency;
  }

  /** As `Connection.stats`. */
  get stats(): ConnectionStats {
    const counters = this.#counters ?? noCounters;
    return {
      bytesReceived: this.bytesReceived,
      // The transport may still have bytes of the handshake, which are none of these.
      bytesSent: Math.max(0, this.bytesLeft),
      framesReceived: counters.framesReceived + (this.#reader?.framesReceived ?? 0),
      framesSent: this.#sendQueue?.framesSent ?? 0,
      messagesReceived: counters.messagesReceived,
      messagesSent: counters.messagesSent,
      pingsReceived: counters.pingsReceived,
      pingsSent: counters.pingsSent,
      pongsReceived: counters.pongsReceived,
      pongsSent: counters.pongsSent,
      droppedMessages: counters.droppedMessages,
      queuedMessages: this.#inbox?.queuedMessages ?? 0,
      queuedBytes: this.#inbox?.queuedBytes ?? 0,
      bufferedAmount: this.bufferedAmount,
      latency: this.latency,
    };
  }

  /** As `Connection.closed`. */
  get closed(): Promise<CloseInfo> {
    this.noteAddress();
    this.inbox.awaitEnd();
    if (this.#closed === undefined) {
      let resolve!: (info: CloseInfo) => void;
      const promise = new Promise<CloseInfo>((res) => {
        resolve = res;
      });
      if (this.#closeInfo !== undefined) resolve(this.#closeInfo);
      this.#closed = { promise, resolve };
    }
    return this.#closed.promise;
  }

  /** Somebody may ask for the peer's address once the connection has ended; by then a socket that was reset knows it no more. */
  noteAddress(): void {
    void this.transport.remoteAddress;
  }

  /** Sends a ping of the user. */
  ping(payload: Buffer): void {
    this.sendQueue.ping(payload);
    this.#tellControl('ping', 'out', payload);
  }

  /** Starts the closing handshake; within `grace` milliseconds, as soon as who reads is done with what is here. */
  close(code: number, reason: string, grace: number): void {
    if (this.#replaceable !== undefined && this.state === 'open') this.#replaceable.wasClosed = true;
    const begin = (): void => {
      this.closing.begin(code, reason);
      this.reader.hurry();
    };
    if (grace > 0 && this.state === 'open') this.reader.whenDone(begin, grace);
    else begin();
  }

  /** Fails the connection (RFC 6455 section 7.1.7). */
  fail(error: Error): void {
    if (this.state === 'closed') return;
    this.closing.fail(error);
    this.reader.discard();
  }

  /** Cuts the connection without a Close frame. */
  cut(cause: Error): void {
    if (this.state === 'closed') return;
    this.inbox.mute();
    this.closing.terminate(cause);
    this.reader.discard();
  }

  /** User code threw: that closes the connection, unless it only passed on that this very connection has ended. */
  userError(error: unknown): void {
    if (this.closing.isOwn(error)) return;
    this.#tellError(error);
    this.inbox.mute();
    this.closing.begin(CloseCode.InternalError, '');
    void reportError(error, () => this.options.onError(error, this.#connection));
  }

  /** How many listeners `message` has. */
  get listenerCount(): number {
    return this.#messageListeners?.count ?? this.#connection.listenerCount('message');
  }

  /** A listener of `message` was added. */
  listened(): void {
    this.#messageListeners?.changed();
    this.#inbox?.allReturned();
    // Messages may have waited for longer than the reader that brought them.
    if (this.#reader !== undefined || (this.#inbox?.queuedMessages ?? 0) > 0) this.reader.listened();
  }

  /** Listeners were removed. */
  unlistened(): void {
    this.#messageListeners?.changed();
  }

  // As the owner of the inbox

  isListening(): boolean {
    return this.listenerCount > 0;
  }

  emitMessage(message: Message): void {
    try {
      this.#messageListeners ??= new MessageListeners(this.#connection);
      this.#messageListeners.call(message);
    } catch (error) {
      this.userError(error);
    }
  }

  onFull(): void {
    this.reader.hold(Hold.Queue);
    this.onPressure('queue-full');
  }

  onRoom(): void {
    if (this.#reader?.release(Hold.Queue)) this.onPressure('queue-free');
  }

  onReturned(): void {
    this.#reader?.consumerReturned();
  }

  onAwaited(): void {
    this.#reader?.messageAwaited();
  }

  onStreamFull(): void {
    this.reader.hold(Hold.Stream);
  }

  onStreamRoom(): void {
    this.#reader?.release(Hold.Stream);
  }

  // As the owner of the reader

  onMessage(message: Message, size: number): void {
    this.counters.messagesReceived++;
    this.watch.messagePassed();
    if (channels.messageIn.hasSubscribers) {
      channels.messageIn.publish({ connection: this.#connection, message, size });
    }
  }

  onMessageInParts(): void {
    this.counters.messagesReceived++;
    this.watch.messagePassed();
  }

  onPartsComplete(size: number): void {
    if (!channels.messageIn.hasSubscribers) return;
    channels.messageIn.publish({ connection: this.#connection, message: undefined, size });
  }

  onPing(payload: Buffer): void {
    this.counters.pingsReceived++;
    this.#tellControl('ping', 'in', payload);
    // After our Close nothing more is sent (RFC 6455 section 5.5.1).
    if (this.state === 'open') this.sendQueue.pong(payload);
    this.#emit('ping', payload);
  }

  onPong(payload: Buffer): void {
    this.counters.pongsReceived++;
    this.#tellControl('pong', 'in', payload);
    this.#pings?.answer(payload);
    this.#emit('pong', payload);
  }

  onHeartbeatPong(): void {
    this.counters.pongsReceived++;
    this.#tellControl('pong', 'in', heartbeatPayload);
    this.#pings?.answer(heartbeatPayload);
    this.watch.heartbeatAnswered();
    this.#wasAnswered = true;
  }

  onReadEnd(end: ReadEnd): void {
    switch (end.kind) {
      case 'close':
        this.closing.receive(end.frame);
        break;
      case 'failure':
        this.fail(end.error);
        break;
      case 'ended':
        this.closing.transportEnded(this.reader.midMessage);
        break;
      case 'lost':
        this.closing.transportClosed(end.error, this.reader.midMessage);
        break;
    }
  }

  // As the handler of the transport

  onData(chunk: Buffer): void {
    beginInput();
    try {
      this.reader.data(chunk);
    } finally {
      endInput();
    }
    if (!this.#wasAnswered) return;
    this.#wasAnswered = false;
    this.rest();
  }

  get isDoneWithChunk(): boolean {
    return this.#reader?.isDoneWithChunk ?? true;
  }

  makeRoom(): Buffer | undefined {
    return this.#reader?.makeRoom();
  }

  onEnd(): void {
    this.reader.end('ended');
  }

  onClose(error: Error | undefined): void {
    this.closing.transportLost();
    this.reader.end('lost', error);
  }

  // As the owner of both

  onFrame(frame: Omit<FrameSeen, 'connection'>): void {
    if (channels.frame.hasSubscribers) channels.frame.publish({ connection: this.#connection, ...frame });
  }

  // As the owner of the send queue

  onPongSent(payload: Buffer): void {
    this.#tellControl('pong', 'out', payload);
  }

  /** Of the inbox, too. */
  onPressure(kind: Pressure): void {
    if (!channels.pressure.hasSubscribers) return;
    channels.pressure.publish({ connection: this.#connection, kind, bufferedAmount: this.bufferedAmount });
  }

  onDrain(): void {
    this.#emit('drain');
  }

  onReadHold(held: boolean): void {
    if (held) this.reader.hold(Hold.Write);
    else this.reader.release(Hold.Write);
  }

  onOverflow(error: LimitError): void {
    this.cut(error);
  }

  onBroken(error: AntsError): void {
    this.cut(error);
  }

  onUnsendable(error: Error): void {
    this.fail(error);
  }

  onBytesWait(): void {
    this.watch.bytesWait();
  }

  onNothingWaits(): void {
    this.watch.nothingWaits();
  }

  // As the owner of the closing handshake

  onClosing(): void {
    this.watch.leaveOpen();
    this.reader.hurry();
  }

  onClosed(info: CloseInfo, end: FinalEnd): void {
    this.#closeInfo = info;
    this.sendQueue.end(end);
    this.#pings?.end(end.error);
    this.watch.stop();
    this.reader.finish(this.#replaceable === undefined ? end : quiet(end));
    try {
      this.#onEnd?.(this.#connection);
    } catch (error) {
      this.userError(error);
    }
    if (info.error !== undefined) this.#tellError(info.error);
    if (channels.close.hasSubscribers) channels.close.publish({ connection: this.#connection, info });
    this.#emit('close', info);
    this.#closed?.resolve(info);
  }

  // As the owner of the watch

  get bytesReceived(): number {
    return (this.#counters?.bytesReceived ?? 0) + (this.#reader?.bytesReceived ?? 0);
  }

  get isExcused(): boolean {
    const wasHeld = this.#reader?.takeHeld() ?? false;
    return wasHeld || (this.#sendQueue?.waitingAmount ?? 0) > 0;
  }

  get bufferedAmount(): number {
    return this.#sendQueue?.bufferedAmount ?? 0;
  }

  get isMidMessage(): boolean {
    return (this.#sendQueue?.isStreaming ?? false) || (this.#reader?.midMessage ?? false);
  }

  get bytesLeft(): number {
    return this.#sendQueue?.bytesLeft ?? 0;
  }

  rest(): void {
    // The send queue stays: all those that heartbeats need at a time cost more CPU than they would save memory.
    if (this.#closing !== undefined || !this.#reader?.isAtRest) return;
    this.counters.bytesReceived += this.#reader.bytesReceived;
    this.counters.framesReceived += this.#reader.framesReceived;
    this.#reader = undefined;
    this.#messageListeners = undefined;
  }

  sendHeartbeat(): void {
    this.pings.heartbeat();
    this.sendQueue.heartbeat();
    this.#tellControl('ping', 'out', heartbeatPayload);
  }

  onHeartbeatLost(error: TimeoutError): void {
    this.onReadEnd({ kind: 'failure', error });
  }

  onStalled(error: TimeoutError): void {
    this.cut(error);
  }

  onExpired(error: TimeoutError, reason: string): void {
    this.closing.begin(CloseCode.GoingAway, reason, error);
  }

  #start(head: Buffer | undefined): void {
    if (head !== undefined && head.length > 0) this.reader.data(head);
    this.transport.start(this);
    this.#isStarted = true;
    this.#reader?.release(Hold.Starting);
  }

  #makeReader(): Reader {
    const deflate = this.#deflate;
    return new Reader(
      this,
      deflate && ((sink, owner) => new Inflater(deflate, sink, owner)),
      this.#isStarted,
    );
  }

  /** User code is called here, and its mistakes stay here. */
  #emit<E extends keyof ConnectionEvents>(event: E, ...args: Parameters<ConnectionEvents[E]>): void {
    try {
      (this.#connection.emit as (event: E, ...args: Parameters<ConnectionEvents[E]>) => boolean).call(
        this.#connection,
        event,
        ...args,
      );
    } catch (error) {
      this.userError(error);
    }
  }

  #tellControl(name: 'ping' | 'pong', direction: 'in' | 'out', payload: Buffer): void {
    if (!channels[name].hasSubscribers) return;
    channels[name].publish({ connection: this.#connection, direction, payload });
  }

  #tellError(error: unknown): void {
    if (channels.error.hasSubscribers) channels.error.publish({ connection: this.#connection, error });
  }
}

/** For who gets another connection after this one. */
function quiet(end: FinalEnd): FinalEnd {
  return {
    get error() {
      return end.error;
    },
    isQuiet: true,
  };
}
