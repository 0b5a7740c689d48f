import { EventEmitter } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { AntsError, type CloseError, UsageError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import { encodeClosePayload } from '../protocol/close-payload.js';
import type { Message } from '../protocol/message-assembler.js';
import { abortable, onAbort } from './abort.js';
import { Closing, type ConnectionState } from './closing.js';
import { consumeMessages } from './consume.js';
import { channels, type Pressure } from './diagnostics.js';
import type { CloseInfo, ConnectionEvents, TypedEvents } from './events.js';
import type { Puller } from './inbox.js';
import type { IncomingStream } from './incoming-stream.js';
import { MessageIterator } from './message-iterator.js';
import {
  type ConnectionOptions,
  checkNumber,
  checkWhenSlow,
  type ResolvedConnectionOptions,
  type Role,
  resolveConnectionOptions,
  type WhenSlow,
} from './options.js';
import { type OutgoingData, toBytes, toControlPayload } from './outgoing-data.js';
import { defaultFragmentSize, OutgoingStream, type SendStreamOptions } from './outgoing-stream.js';
import { isHeartbeat, Pings } from './pings.js';
import { preHandled, rejected } from './pre-handled.js';
import { Hold, type ReadEnd, Reader } from './reader.js';
import { type ReceiveFileOptions, receiveFile } from './receive-file.js';
import { type ReceiveStreamOptions, receiveStream } from './receive-stream.js';
import { reportError } from './report-error.js';
import type { HandshakeRequest } from './request.js';
import { type SendFileOptions, sendFile } from './send-file.js';
import { SendQueue } from './send-queue.js';
import { type ConnectionStats, Counters } from './stats.js';
import { openSource, type StreamSource } from './stream-source.js';
import type { Address, Transport } from './transport.js';
import { Watch } from './watch.js';

/** What a connection is made from, once its opening handshake is done. */
export interface ConnectionInit<Data> {
  readonly role: Role;
  readonly transport: Transport;
  /** Bytes that came behind the handshake in the same packet. */
  readonly head?: Buffer | undefined;
  readonly subprotocol: string | undefined;
  readonly request: HandshakeRequest;
  readonly data: Data;
  readonly options: ConnectionOptions;
}

/** For waits that can be given up. */
export interface WaitOptions {
  /** Ends the wait: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** How a message is sent. */
export interface SendOptions extends WaitOptions {
  /** Instead of the connection's option. */
  whenSlow?: WhenSlow | undefined;
}

/** Serves one connection; see {@link Connection.run} for what its end means. */
export type Handler<Data = unknown> = (connection: Connection<Data>) => unknown;

/** Of one `consume`; both limits that bound it otherwise may be `Infinity`. */
const mostLoops = 65_536;

const TypedEmitter = EventEmitter as unknown as new (options?: {
  captureRejections?: boolean;
}) => TypedEvents<ConnectionEvents>;

/**
 * A WebSocket connection: an emitter of typed events and an async iterable of messages. `dial`, `serve` and `Upgrader` make
 * it. Read it in one of two ways: by listeners of `message`, or by pulling (`for await`, `receive`, `consume`).
 *
 * It has no `error` event. Every end is one `close` event, which carries its cause.
 */
export class Connection<Data = unknown> extends TypedEmitter implements AsyncIterable<Message, undefined> {
  /** Which end this is. */
  readonly role: Role;
  /** The subprotocol that was agreed on (RFC 6455 section 1.9); undefined without one. */
  readonly subprotocol: string | undefined;
  /** What is left of the HTTP request that opened this connection. */
  readonly request: HandshakeRequest;
  /** What `authorize` returned on a server, or the option `data` of `dial`; yours to use. */
  data: Data;

  readonly #transport: Transport;
  readonly #options: ResolvedConnectionOptions;
  readonly #reader: Reader;
  readonly #sendQueue: SendQueue;
  readonly #closing: Closing;
  readonly #watch: Watch;
  readonly #counters = new Counters();
  #pings: Pings | undefined;
  #closed: { promise: Promise<CloseInfo>; resolve: (info: CloseInfo) => void } | undefined;
  #closeInfo: CloseInfo | undefined;

  /** For those who bring a transport of their own; everybody else gets connections from `dial`, `serve` or `Upgrader`. */
  constructor(init: ConnectionInit<Data>) {
    super({ captureRejections: true });
    const { role, transport } = init;
    this.role = role;
    this.subprotocol = init.subprotocol;
    this.request = init.request;
    this.data = init.data;
    this.#transport = transport;
    this.#options = resolveConnectionOptions(role, init.options);
    this.#sendQueue = new SendQueue(role, transport, this.#options, this.#counters, {
      onPongSent: (payload) => this.#tellControl('pong', 'out', payload),
      onPressure: (kind) => this.#tellPressure(kind),
      onDrain: () => this.#emit('drain'),
      onReadHold: (held) => (held ? this.#reader.hold(Hold.Write) : this.#reader.release(Hold.Write)),
      onOverflow: (error) => this.#cut(error),
      onBytesWait: () => this.#watch.bytesWait(),
      onNothingWaits: () => this.#watch.nothingWaits(),
    });
    this.#reader = new Reader(role, transport, this.#options, {
      isListening: () => this.listenerCount('message') > 0,
      emitMessage: (message) => this.#emit('message', message),
      onMessage: (message, size) => this.#onMessage(message, size),
      onMessageInParts: () => {
        this.#counters.messagesReceived++;
        this.#watch.messagePassed();
      },
      onPing: (payload) => this.#onPing(payload),
      onPong: (payload) => this.#onPong(payload),
      onPressure: (kind) => this.#tellPressure(kind),
      onReadEnd: (end) => this.#onReadEnd(end),
    });
    this.#closing = new Closing(role, transport, this.#sendQueue, this.#options.closeTimeout, {
      onClosing: () => {
        this.#watch.leaveOpen();
        this.#reader.hurry();
      },
      onClosed: (info, error, isQuiet) => this.#onClosed(info, error, isQuiet),
    });
    this.#watch = this.#makeWatch();
    // A macrotask later, so that whoever awaits this connection comes first: to listen, to look at it, to close it.
    setImmediate(() => this.#start(init.head));
    if (channels.open.hasSubscribers) channels.open.publish({ connection: this });
  }

  /** Where the connection is in its life: `closing` as soon as nothing can be sent any more, `closed` from the `close` event on. */
  get state(): ConnectionState {
    return this.#closing.state;
  }

  /** The peer's address; undefined for transports that have none, such as unix sockets. */
  get remoteAddress(): Address | undefined {
    return this.#transport.remoteAddress;
  }

  /** This end's address; undefined for transports that have none. */
  get localAddress(): Address | undefined {
    return this.#transport.localAddress;
  }

  /** Bytes that were accepted for sending and have not left this process. */
  get bufferedAmount(): number {
    return this.#sendQueue.bufferedAmount;
  }

  /** Milliseconds of the latest round trip that `ping` or the heartbeat measured; undefined before the first. */
  get latency(): number | undefined {
    return this.#pings?.latency;
  }

  /** What this connection has done so far, and what waits; made when asked for. */
  get stats(): ConnectionStats {
    const { queuedMessages, queuedBytes } = this.#reader.inbox;
    return {
      bytesReceived: this.#reader.bytesReceived,
      // The transport may still have bytes of the handshake, which are none of these.
      bytesSent: Math.max(0, this.#sendQueue.bytesLeft),
      ...this.#counters,
      queuedMessages,
      queuedBytes,
      bufferedAmount: this.bufferedAmount,
      latency: this.latency,
    };
  }

  /**
   * Resolves when the connection has ended; never rejects. To look at it while nobody reads says that you wait for the end: unread
   * messages do not hold it up then.
   */
  get closed(): Promise<CloseInfo> {
    this.#reader.inbox.awaitEnd();
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

  // Reading

  override on<E extends keyof ConnectionEvents>(event: E, listener: ConnectionEvents[E]): this {
    return this.#listen(event, () => super.on(event, listener));
  }

  override addListener<E extends keyof ConnectionEvents>(event: E, listener: ConnectionEvents[E]): this {
    return this.on(event, listener);
  }

  override prependListener<E extends keyof ConnectionEvents>(event: E, listener: ConnectionEvents[E]): this {
    return this.#listen(event, () => super.prependListener(event, listener));
  }

  /**
   * Takes the next message.
   *
   * Rejects with {@link CloseError} once the connection has ended and the queue is empty (such a rejection may be left unhandled),
   * with {@link UsageError} when `message` has listeners, with the signal's reason when aborted (then no message is lost).
   */
  receive(options?: WaitOptions): Promise<Message> {
    const signal = options?.signal;
    const { inbox } = this.#reader;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const misuse = this.#pullMisuse();
    if (misuse !== undefined) return Promise.reject(misuse);
    inbox.returned();
    const message = inbox.take();
    if (message !== undefined) return Promise.resolve(message);
    if (inbox.final !== undefined) return rejected(inbox.final.error);
    const received = new Promise<Message>((resolve, reject) => {
      const puller: Puller = {
        message: (value) => {
          forgetSignal();
          resolve(value);
        },
        end: (final) => {
          forgetSignal();
          reject(final.error);
        },
      };
      const forgetSignal = onAbort(signal, (reason) => {
        inbox.cancel(puller);
        reject(reason);
      });
      inbox.wait(puller);
    });
    return preHandled(received);
  }

  /**
   * Takes the next message as a stream, while it comes: one of any size in little memory. The peer is held back to your pace. Resolves
   * when the message has begun. Iterate the stream, or `return()` it: the messages behind it wait.
   *
   * Rejects as `receive`. When the connection ends in the middle of the message, the iteration throws {@link CloseError}.
   *
   * @throws TypeError when `maxSize` is not a number of bytes.
   */
  receiveStream(options: ReceiveStreamOptions = {}): Promise<IncomingStream> {
    const { maxSize = Infinity, signal } = options;
    checkNumber('maxSize', maxSize, 0);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const misuse = this.#pullMisuse();
    if (misuse !== undefined) return Promise.reject(misuse);
    return receiveStream(this.#reader.inbox, maxSize, signal, (error) => {
      this.#fail(error);
      return this.#closing.error;
    });
  }

  /**
   * Writes the next message to a file, while it comes, and resolves to its bytes. The file appears when it is complete; a transfer that
   * fails leaves nothing behind, and the connection open unless that is what failed.
   *
   * Rejects as `receiveStream` and its iteration do, with the errors of the file system, and with `ANTS_FILE_EXISTS` when there is a
   * file and `overwrite` is not set; the message is skipped then.
   */
  receiveFile(path: string | URL, options: ReceiveFileOptions = {}): Promise<number> {
    return receiveFile(this, path, options);
  }

  /**
   * Iterates over the messages. It ends quietly after 1000, 1001, 1005 and after our own `close`; after any other end it throws
   * {@link CloseError}. `break` leaves the connection open.
   *
   * @throws UsageError when `message` has listeners.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return this.#iterate(undefined);
  }

  /**
   * Runs `work` for each message, and takes the next one only when it has settled. Resolves and rejects as `for await` ends;
   * rejects with what `work` throws, after which no more messages are taken.
   *
   * @param options.concurrency How many may be at work at a time. Default: 1, which keeps the order.
   */
  async consume(
    work: (message: Message) => unknown,
    options: WaitOptions & { concurrency?: number | undefined } = {},
  ): Promise<void> {
    const { concurrency = 1, signal } = options;
    checkNumber('concurrency', concurrency, 1);
    // No more loops than there can be messages for.
    const count = Math.min(concurrency, this.#options.receiveQueueMessages, mostLoops);
    await consumeMessages((stop) => this.#iterate(stop), work, count, signal);
  }

  /** Stops reading from the peer, which feels it; no `message` is emitted until `resume`. Has no effect while closing. */
  pause(): void {
    this.#reader.hold(Hold.User);
  }

  /** Undoes `pause`. */
  resume(): void {
    this.#reader.release(Hold.User);
  }

  /**
   * For connections that only send: throws away what is queued and all messages to come, while pings, pongs and the end are
   * seen as ever. There is no way back.
   *
   * @throws UsageError when messages are being read.
   */
  ignoreMessages(): void {
    if (this.#reader.inbox.isPulled || this.listenerCount('message') > 0) {
      throw readingTwice('ignoreMessages() was called while messages are being read');
    }
    this.#reader.inbox.ignore();
  }

  // Writing

  /**
   * Sends a message: strings as text, bytes as binary, exactly those inside the view. It is taken at once, in order; the promise is
   * for pressure: it resolves when the buffer is below the high-water mark and the memory of `data` is yours again. That does
   * not mean that the message was delivered.
   *
   * Rejects with {@link CloseError} once the connection is closing; such a rejection may be left unhandled. An aborted wait
   * rejects with the signal's reason; the message is sent all the same unless the signal was aborted before.
   *
   * While the peer is slow, `whenSlow` may have the message left out, or the connection cut: see {@link WhenSlow}.
   *
   * @throws TypeError when `data` is not of these types, or `whenSlow` is no policy.
   */
  send(data: OutgoingData, options?: SendOptions): Promise<void> {
    const signal = options?.signal;
    const whenSlow = options?.whenSlow;
    if (whenSlow !== undefined) checkWhenSlow(whenSlow);
    const isBlob = data instanceof Blob;
    const payload = typeof data === 'string' || isBlob ? data : toBytes(data, 'a message');
    if (signal?.aborted) return rejected(signal.reason);
    if (this.state !== 'open') return rejected(this.#closing.error);
    this.#watch.messagePassed();
    const { messagesSent } = this.#counters;
    const sent = isBlob
      ? this.#sendQueue.sendLoaded(data.size, async () => Buffer.from(await data.arrayBuffer()), whenSlow)
      : this.#sendQueue.send(payload as string | Buffer, whenSlow);
    if (sent === undefined) return rejected(this.#closing.error);
    if (channels.messageOut.hasSubscribers && this.#counters.messagesSent > messagesSent) {
      channels.messageOut.publish({ connection: this, data });
    }
    return signal === undefined ? sent : preHandled(abortable(sent, signal));
  }

  /**
   * Sends one message whose content comes from `source`, in frames, as fast as the peer takes them. Pings and pongs go in between,
   * and what is sent later waits behind it. Resolves, as `send`, when all was handed over and the buffer is below its mark.
   *
   * Rejects with what the source throws, with the signal's reason, or with {@link CloseError}, and gives the source back. When a part
   * of the message has left already, a failure of the source or an abort fails the connection with 1011, so that the peer never
   * takes the part for the whole.
   *
   * @throws TypeError when `source` is no source, or an option is not in its range.
   */
  sendStream(source: StreamSource, options: SendStreamOptions = {}): Promise<void> {
    const {
      type,
      signal,
      fragmentSize = Math.min(this.#options.fragmentSize, defaultFragmentSize),
    } = options;
    checkNumber('fragmentSize', fragmentSize, 1);
    if (fragmentSize === Infinity) throw new TypeError('the fragmentSize of a stream must be finite');
    if (type !== undefined && type !== 'text' && type !== 'binary') {
      throw new TypeError(`the type of a message is 'text' or 'binary', not ${String(type)}`);
    }
    const stream = new OutgoingStream(openSource(source), type, fragmentSize, signal, (error) =>
      this.#fail(error),
    );
    if (signal?.aborted) stream.end(signal.reason);
    else if (this.state !== 'open') stream.end(this.#closing.error);
    else this.#sendQueue.sendStream(stream);
    return stream.sent;
  }

  /**
   * Sends the content of a file as one message and resolves to its bytes. It is read at the pace of the peer, from its beginning, as long
   * as it was when its turn came. A `FileHandle` stays open.
   *
   * Rejects as `sendStream`, and with the errors of the file system; also this rejection may be left unhandled.
   */
  sendFile(file: string | URL | FileHandle, options: SendFileOptions = {}): Promise<number> {
    return preHandled(sendFile(this, file, options));
  }

  /**
   * Sends a ping and resolves to the milliseconds until its pong.
   *
   * Rejects with {@link CloseError} when the connection ends first; such a rejection may be left unhandled.
   *
   * @param data At most 125 bytes; without it the ping gets a payload that no other ping of this connection has.
   * @throws TypeError when `data` is too long or holds no bytes.
   */
  ping(data?: string | ArrayBufferView | ArrayBufferLike, options?: WaitOptions): Promise<number> {
    const given = data === undefined ? undefined : Buffer.from(toControlPayload(data));
    const signal = options?.signal;
    if (signal?.aborted) return rejected(signal.reason);
    if (this.state !== 'open') return rejected(this.#closing.error);
    this.#pings ??= new Pings();
    const payload = given ?? this.#pings.nextPayload();
    this.#sendQueue.ping(payload);
    this.#tellControl('ping', 'out', payload);
    return preHandled(this.#pings.wait(payload, signal));
  }

  // Ending

  /**
   * Closes the connection with the closing handshake: what was sent before goes out first, then the Close frame, and the peer has
   * `closeTimeout` to answer it. Resolves when the connection has ended, also when it was ended otherwise.
   *
   * @param code 1000-1003, 1007-1014 or 3000-4999; 1005 without a reason sends an empty Close frame. Default: 1000.
   * @param reason At most 123 bytes of UTF-8.
   * @throws TypeError when `code` or `reason` can't be sent.
   */
  close(code: number = CloseCode.NormalClosure, reason = '', options?: WaitOptions): Promise<CloseInfo> {
    const signal = options?.signal;
    // Checked in every state, so that a mistake shows each time.
    encodeClosePayload(code, reason);
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.#closing.begin(code, reason);
    this.#reader.hurry();
    return abortable(this.closed, signal);
  }

  /**
   * Cuts the connection without a closing handshake; listeners get no more messages. The `close` event follows, with code 1006
   * unless the peer's Close frame is here already.
   *
   * @param cause Why; it becomes the `cause` of the {@link CloseError}. Default: an `AntsError` `ANTS_TERMINATED`.
   */
  terminate(cause: Error = new AntsError('ANTS_TERMINATED', 'terminate() was called')): void {
    this.#cut(cause);
  }

  /** Closes with 1000, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Runs a handler as `serve` does. When it is async, its end closes the connection with 1000, unless it left a listener of
   * `message`; otherwise the connection stays open. What it throws closes the connection with 1011 and goes to `onError`; a
   * {@link CloseError} of this very connection is no error.
   */
  run(handler: Handler<Data>): void {
    try {
      const result = handler(this);
      if (!isThenable(result)) return;
      Promise.resolve(result).then(
        () => {
          if (this.listenerCount('message') === 0) void this.close();
        },
        (error) => this.#onUserError(error),
      );
    } catch (error) {
      this.#onUserError(error);
    }
  }

  /** What an async listener rejects with. */
  [EventEmitter.captureRejectionSymbol](error: unknown): void {
    this.#onUserError(error);
  }

  #start(head: Buffer | undefined): void {
    if (head !== undefined && head.length > 0) this.#reader.data(head);
    this.#transport.start({
      onData: (chunk) => this.#reader.data(chunk),
      onEnd: () => this.#reader.end('ended'),
      onClose: (error) => {
        this.#closing.transportLost();
        this.#reader.end('lost', error);
      },
    });
    this.#reader.release(Hold.Starting);
  }

  #makeWatch(): Watch {
    const reader = this.#reader;
    const sendQueue = this.#sendQueue;
    return new Watch(this.role, this.#options, {
      get bytesReceived() {
        return reader.bytesReceived;
      },
      get isExcused() {
        return reader.takeHeld() || sendQueue.waitingAmount > 0;
      },
      get bufferedAmount() {
        return sendQueue.bufferedAmount;
      },
      get isMidMessage() {
        return sendQueue.isStreaming || reader.midMessage;
      },
      get bytesLeft() {
        return sendQueue.bytesLeft;
      },
      sendHeartbeat: () => {
        this.#pings ??= new Pings();
        const payload = this.#pings.heartbeat();
        sendQueue.ping(payload);
        this.#tellControl('ping', 'out', payload);
      },
      onHeartbeatLost: (error) => this.#onReadEnd({ kind: 'failure', error }),
      onStalled: (error) => this.#cut(error),
      onExpired: (error, reason) => this.#closing.begin(CloseCode.GoingAway, reason, error),
    });
  }

  #listen(event: keyof ConnectionEvents, add: () => unknown): this {
    if (event === 'message') {
      if (this.#reader.inbox.isPulled) {
        throw readingTwice(
          "a listener of 'message' was added while messages are pulled by for await, receive(), receiveStream() or consume()",
        );
      }
      if (this.#reader.inbox.isIgnoring)
        throw readingTwice("a listener of 'message' was added after ignoreMessages()");
    }
    add();
    if (event === 'message') this.#reader.listened();
    return this;
  }

  #pullMisuse(): UsageError | undefined {
    if (this.#reader.inbox.isIgnoring) return readingTwice('messages were pulled after ignoreMessages()');
    if (this.listenerCount('message') === 0) return undefined;
    return readingTwice("messages were pulled while 'message' has listeners");
  }

  #iterate(signal: AbortSignal | undefined): MessageIterator {
    const misuse = this.#pullMisuse();
    if (misuse !== undefined) throw misuse;
    return new MessageIterator(this.#reader.inbox, () => this.#pullMisuse(), signal);
  }

  #fail(error: Error): void {
    if (this.state === 'closed') return;
    this.#closing.fail(error);
    this.#reader.discard();
  }

  #cut(cause: Error): void {
    if (this.state === 'closed') return;
    this.#reader.inbox.mute();
    this.#closing.terminate(cause);
    this.#reader.discard();
  }

  #tellPressure(kind: Pressure): void {
    if (!channels.pressure.hasSubscribers) return;
    channels.pressure.publish({ connection: this, kind, bufferedAmount: this.bufferedAmount });
  }

  #tellControl(name: 'ping' | 'pong', direction: 'in' | 'out', payload: Buffer): void {
    if (channels[name].hasSubscribers) channels[name].publish({ connection: this, direction, payload });
  }

  #tellError(error: unknown): void {
    if (channels.error.hasSubscribers) channels.error.publish({ connection: this, error });
  }

  #onMessage(message: Message, size: number): void {
    this.#counters.messagesReceived++;
    this.#watch.messagePassed();
    if (channels.messageIn.hasSubscribers) channels.messageIn.publish({ connection: this, message, size });
  }

  #onPing(payload: Buffer): void {
    this.#counters.pingsReceived++;
    this.#tellControl('ping', 'in', payload);
    // After our Close nothing more is sent (RFC 6455 section 5.5.1).
    if (this.state === 'open') this.#sendQueue.pong(payload);
    this.#emit('ping', payload);
  }

  #onPong(payload: Buffer): void {
    this.#counters.pongsReceived++;
    this.#tellControl('pong', 'in', payload);
    this.#pings?.answer(payload);
    if (isHeartbeat(payload)) this.#watch.heartbeatAnswered();
    else this.#emit('pong', payload);
  }

  #onReadEnd(end: ReadEnd): void {
    switch (end.kind) {
      case 'close':
        this.#closing.receive(end.frame);
        break;
      case 'failure':
        this.#fail(end.error);
        break;
      case 'ended':
        this.#closing.transportEnded(this.#reader.midMessage);
        break;
      case 'lost':
        this.#closing.transportClosed(end.error, this.#reader.midMessage);
        break;
    }
  }

  #onClosed(info: CloseInfo, error: CloseError, isQuiet: boolean): void {
    this.#closeInfo = info;
    this.#sendQueue.end(error);
    this.#pings?.end(error);
    this.#watch.stop();
    this.#reader.finish({ error, isQuiet });
    if (info.error !== undefined) this.#tellError(info.error);
    if (channels.close.hasSubscribers) channels.close.publish({ connection: this, info });
    this.#emit('close', info);
    this.#closed?.resolve(info);
  }

  /** User code is called here, and its mistakes stay here. */
  #emit<E extends keyof ConnectionEvents>(event: E, ...args: Parameters<ConnectionEvents[E]>): void {
    try {
      (this.emit as (event: E, ...args: Parameters<ConnectionEvents[E]>) => boolean).call(
        this,
        event,
        ...args,
      );
    } catch (error) {
      this.#onUserError(error);
    }
  }

  #onUserError(error: unknown): void {
    if (this.#closing.isOwn(error)) return;
    this.#tellError(error);
    this.#reader.inbox.mute();
    this.#closing.begin(CloseCode.InternalError, '');
    void reportError(error, () => this.#options.onError(error, this as Connection<unknown>));
  }
}

function readingTwice(what: string): UsageError {
  return new UsageError('ANTS_READING_TWICE', `${what}; a connection is read in one way at a time`);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
