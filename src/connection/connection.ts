import { EventEmitter } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import type { DeflateAgreement } from '../deflate/extension.js';
import { AntsError, type UsageError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import { encodeClosePayload } from '../protocol/close-payload.js';
import type { Message } from '../protocol/message-assembler.js';
import { abortable } from './abort.js';
import { type Clock, systemClock } from './clock.js';
import type { ConnectionState } from './closing.js';
import { consumeMessages } from './consume.js';
import { ConnectionCore } from './core.js';
import { channels } from './diagnostics.js';
import type { CloseInfo, ConnectionEvents, TypedEvents } from './events.js';
import type { Inbox } from './inbox.js';
import type { IncomingStream } from './incoming-stream.js';
import { MessageIterator } from './message-iterator.js';
import {
  type ConnectionOptions,
  checkNumber,
  type Role,
  resolveConnectionOptions,
  type WhenSlow,
} from './options.js';
import { type OutgoingData, toBytes, toControlPayload } from './outgoing-data.js';
import { defaultFragmentSize, OutgoingStream, type SendStreamOptions } from './outgoing-stream.js';
import { preHandled, rejected } from './pre-handled.js';
import { PreparedMessage } from './prepared-message.js';
import { Hold } from './reader.js';
import { listenMisuse, pullMisuse, readingTwice } from './reading-ways.js';
import { type ReceiveFileOptions, receiveFile } from './receive-file.js';
import { receiveMessage } from './receive-message.js';
import { type ReceiveStreamOptions, receiveStream } from './receive-stream.js';
import type { HandshakeRequest } from './request.js';
import { type SendFileOptions, sendFile } from './send-file.js';
import { checkSendPolicy, type SendOptions, type SendPolicy } from './send-options.js';
import type { ConnectionStats } from './stats.js';
import { openSource, type StreamSource } from './stream-source.js';
import type { Address, Transport } from './transport.js';
import type { WaitOptions } from './wait-options.js';

/** What a connection is made from, once its opening handshake is done. */
export interface ConnectionInit<Data> {
  readonly role: Role;
  /** The bytes below; the connection has it for itself from now on. */
  readonly transport: Transport;
  /** Bytes that came behind the handshake in the same packet. */
  readonly head?: Buffer | undefined;
  /** The subprotocol that was agreed on. */
  readonly subprotocol: string | undefined;
  /** What was agreed on with extensions, as in the answer's header. Default: the empty string. */
  readonly extensions?: string | undefined;
  /** What of that is permessage-deflate. Default: messages are not compressed. */
  readonly deflate?: DeflateAgreement | undefined;
  /** The request of the handshake; `new HandshakeRequest('/', [])` when there was none. */
  readonly request: HandshakeRequest;
  readonly data: Data;
  readonly options: ConnectionOptions;
  /**
   * Called with the connection when it has ended, before its `close` event, so that one function may serve many; whatever it throws goes
   * to `onError`.
   */
  readonly onEnd?: ((connection: Connection<Data>) => void) | undefined;
  /** What measures the times of the options, and latency. Default: the clock of the process. */
  readonly clock?: Clock | undefined;
  /** For connections that `reconnect` makes: set when `close` is called while the connection is open. */
  readonly replaceable?: { wasClosed: boolean } | undefined;
}

/** How a connection is closed. */
export interface CloseOptions extends WaitOptions {
  /**
   * How long those who read in a loop may take, in milliseconds, to finish with the messages that are here before the Close frame is
   * sent. Default: 0.
   */
  grace?: number | undefined;
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
  /**
   * The extensions that were agreed on, with their parameters, as in the server's answer (RFC 6455 section 9.1): `permessage-deflate`
   * when messages may be compressed; the empty string without any.
   */
  readonly extensions: string;
  /** What is left of the HTTP request that opened this connection. */
  readonly request: HandshakeRequest;
  /** What `authorize` returned on a server, or the option `data` of `dial`; yours to use. */
  data: Data;

  readonly #core: ConnectionCore;

  /** For those who bring a transport of their own; everybody else gets connections from `dial`, `serve` or `Upgrader`. */
  constructor(init: ConnectionInit<Data>) {
    super({ captureRejections: true });
    const { role, transport } = init;
    this.role = role;
    this.subprotocol = init.subprotocol;
    this.extensions = init.extensions ?? '';
    this.request = init.request;
    this.data = init.data;
    this.#core = new ConnectionCore(
      this as Connection<unknown>,
      role,
      transport,
      resolveConnectionOptions(role, init.options),
      init.deflate,
      init.clock ?? systemClock(),
      init.head,
      init.replaceable,
      init.onEnd as ((connection: Connection<unknown>) => void) | undefined,
    );
    if (channels.open.hasSubscribers) channels.open.publish({ connection: this });
  }

  /** Where the connection is in its life: `closing` as soon as nothing can be sent any more, `closed` from the `close` event on. */
  get state(): ConnectionState {
    return this.#core.state;
  }

  /**
   * The peer's address; undefined for transports that have none, such as unix sockets. It is known once the connection has ended if it
   * was looked at before, or if anybody waited for the end: by a listener of `close`, `closed`, `for await`, `receive`, or an async
   * {@link Handler}.
   */
  get remoteAddress(): Address | undefined {
    return this.#core.transport.remoteAddress;
  }

  /** This end's address; undefined for transports that have none, and once the connection has ended, unless it was looked at before. */
  get localAddress(): Address | undefined {
    return this.#core.transport.localAddress;
  }

  /** Bytes that were accepted for sending and have not left this process. */
  get bufferedAmount(): number {
    return this.#core.bufferedAmount;
  }

  /** Milliseconds of the latest round trip that `ping` or the heartbeat measured; undefined before the first. */
  get latency(): number | undefined {
    return this.#core.latency;
  }

  /** What this connection has done so far, and what waits; made when asked for. */
  get stats(): ConnectionStats {
    return this.#core.stats;
  }

  /**
   * Resolves when the connection has ended; never rejects. To look at it while nobody reads says that you wait for the end: unread
   * messages do not hold it up then.
   */
  get closed(): Promise<CloseInfo> {
    return this.#core.closed;
  }

  // Reading

  override on<E extends keyof ConnectionEvents>(event: E, listener: ConnectionEvents[E]): this {
    return this.#listen(event, () => super.on(event, listener));
  }

  override addListener<E extends keyof ConnectionEvents>(event: E, listener: ConnectionEvents[E]): this {
    return this.on(event, listener);
  }

  override removeListener<E extends keyof ConnectionEvents>(event: E, listener: ConnectionEvents[E]): this {
    super.removeListener(event, listener);
    this.#core.unlistened();
    return this;
  }

  override off<E extends keyof ConnectionEvents>(event: E, listener: ConnectionEvents[E]): this {
    return this.removeListener(event, listener);
  }

  override removeAllListeners<E extends keyof ConnectionEvents>(event?: E): this {
    // Not with an argument that is undefined: to Node that is the name of an event.
    if (event === undefined) super.removeAllListeners();
    else super.removeAllListeners(event);
    this.#core.unlistened();
    return this;
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
    if (signal?.aborted) return Promise.reject(signal.reason);
    const misuse = this.#beginPull();
    return misuse === undefined ? receiveMessage(this.#inbox(), signal) : Promise.reject(misuse);
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
    const misuse = this.#beginPull();
    if (misuse !== undefined) return Promise.reject(misuse);
    return receiveStream(this.#inbox(), maxSize, signal, (error) => {
      this.#core.fail(error);
      return this.#core.closing.error;
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
    const count = Math.min(concurrency, this.#core.options.receiveQueueMessages, mostLoops);
    await consumeMessages((stop) => this.#iterate(stop), work, count, signal);
  }

  /** Stops reading from the peer, which feels it; no `message` is emitted until `resume`. Has no effect while closing. */
  pause(): void {
    this.#core.reader.hold(Hold.User);
  }

  /** Undoes `pause`. */
  resume(): void {
    this.#core.reader.release(Hold.User);
  }

  /**
   * For connections that only send: throws away what is queued and all messages to come, while pings, pongs and the end are
   * seen as ever. There is no way back.
   *
   * @throws UsageError when messages are being read.
   */
  ignoreMessages(): void {
    if (this.#inbox().isPulled || this.#core.listenerCount > 0) {
      throw readingTwice('ignoreMessages() was called while messages are being read');
    }
    this.#inbox().ignore();
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
   * While the peer is slow, `whenSlow` may have the message left out, or the connection cut: see {@link WhenSlow}. A message for many
   * connections is best prepared with {@link prepare}.
   *
   * @throws TypeError when `data` is not of these types, `whenSlow` is no policy, or `compress` no boolean.
   */
  send(data: OutgoingData | PreparedMessage, options?: SendOptions): Promise<void> {
    const signal = options?.signal;
    if (options !== undefined) checkSendPolicy(options);
    const payload =
      typeof data === 'string' || data instanceof Blob || data instanceof PreparedMessage
        ? data
        : toBytes(data, 'a message');
    if (signal?.aborted) return rejected(signal.reason);
    if (this.state !== 'open') return rejected(this.#core.closing.error);
    this.#core.watch.messagePassed();
    const { messagesSent } = this.#core.counters;
    const sent = this.#take(payload, options);
    if (sent === undefined) return rejected(this.#core.closing.error);
    if (channels.messageOut.hasSubscribers && this.#core.counters.messagesSent > messagesSent) {
      const sentData = data instanceof PreparedMessage ? data.data : data;
      channels.messageOut.publish({ connection: this, data: sentData });
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
   * Before it begins, `whenSlow` may have it left out, or the connection cut, as with `send`; once it has begun it waits for the peer.
   *
   * @throws TypeError when `source` is no source, or an option is not in its range.
   */
  sendStream(source: StreamSource, options: SendStreamOptions = {}): Promise<void> {
    const {
      type,
      signal,
      whenSlow,
      compress,
      fragmentSize = Math.min(this.#core.options.fragmentSize, defaultFragmentSize),
    } = options;
    checkSendPolicy({ whenSlow, compress });
    checkNumber('fragmentSize', fragmentSize, 1);
    if (fragmentSize === Infinity) throw new TypeError('the fragmentSize of a stream must be finite');
    if (type !== undefined && type !== 'text' && type !== 'binary') {
      throw new TypeError(`the type of a message is 'text' or 'binary', not ${String(type)}`);
    }
    const stream = this.#makeStream(source, type, fragmentSize, signal);
    if (signal?.aborted) stream.end(signal.reason);
    else if (this.state !== 'open') stream.end(this.#core.closing.error);
    else this.#takeStream(stream, { whenSlow, compress });
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
    if (this.state !== 'open') return rejected(this.#core.closing.error);
    const { pings } = this.#core;
    const payload = given ?? pings.nextPayload();
    this.#core.ping(payload);
    return preHandled(pings.wait(payload, signal));
  }

  // Ending

  /**
   * Closes the connection with the closing handshake: what was sent before goes out first, then the Close frame, and the peer has
   * `closeTimeout` to answer it. Resolves when the connection has ended, also when it was ended otherwise.
   *
   * With `grace`, it first lets those who read in a loop (`for await`, `consume`, a stream) finish with the messages that are here, and
   * answer them; the connection is open meanwhile.
   *
   * @param code 1000-1003, 1007-1014 or 3000-4999; 1005 without a reason sends an empty Close frame. Default: 1000.
   * @param reason At most 123 bytes of UTF-8.
   * @throws TypeError when `code` or `reason` can't be sent, or `grace` is no time.
   */
  close(
    code: number = CloseCode.NormalClosure,
    reason = '',
    { signal, grace = 0 }: CloseOptions = {},
  ): Promise<CloseInfo> {
    // Checked in every state, so that a mistake shows each time.
    encodeClosePayload(code, reason);
    checkNumber('grace', grace, 0);
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.#core.close(code, reason, grace);
    return abortable(this.closed, signal);
  }

  /**
   * Cuts the connection without a closing handshake; listeners get no more messages. The `close` event follows, with code 1006
   * unless the peer's Close frame is here already.
   *
   * @param cause Why; it becomes the `cause` of the {@link CloseError}. Default: an `AntsError` `ANTS_TERMINATED`.
   */
  terminate(cause: Error = new AntsError('ANTS_TERMINATED', 'terminate() was called')): void {
    this.#core.cut(cause);
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
      this.#core.noteAddress();
      Promise.resolve(result).then(
        () => {
          if (this.#core.listenerCount === 0) void this.close();
        },
        (error) => this.#core.userError(error),
      );
    } catch (error) {
      this.#core.userError(error);
    }
  }

  /** What an async listener rejects with. */
  [EventEmitter.captureRejectionSymbol](error: unknown): void {
    this.#core.userError(error);
  }

  #take(data: string | Buffer | Blob | PreparedMessage, policy: SendPolicy | undefined) {
    const { sendQueue } = this.#core;
    if (data instanceof PreparedMessage) return sendQueue.sendPrepared(data, policy);
    if (!(data instanceof Blob)) return sendQueue.send(data, policy);
    const fragmentSize = Math.min(this.#core.options.fragmentSize, defaultFragmentSize);
    if (data.size <= defaultFragmentSize) {
      return sendQueue.sendLoaded(data.size, async () => Buffer.from(await data.arrayBuffer()), policy);
    }
    // Never the whole of it in memory.
    const stream = this.#makeStream(data, 'binary', fragmentSize, undefined);
    return sendQueue.sendStream(stream, policy, data.size) ? stream.sent : undefined;
  }

  #takeStream(stream: OutgoingStream, policy: SendPolicy): void {
    const { sendQueue, counters } = this.#core;
    const { messagesSent } = counters;
    if (!sendQueue.sendStream(stream, policy)) {
      stream.end(this.#core.closing.error);
    } else if (channels.messageOut.hasSubscribers && counters.messagesSent > messagesSent) {
      channels.messageOut.publish({ connection: this, data: undefined });
    }
  }

  #makeStream(
    source: StreamSource,
    type: 'text' | 'binary' | undefined,
    fragmentSize: number,
    signal: AbortSignal | undefined,
  ): OutgoingStream {
    return new OutgoingStream(openSource(source), type, fragmentSize, signal, (error) =>
      this.#core.fail(error),
    );
  }

  #inbox(): Inbox {
    return this.#core.inbox;
  }

  #listen(event: keyof ConnectionEvents, add: () => unknown): this {
    const misuse = event === 'message' ? listenMisuse(this.#core.madeInbox) : undefined;
    if (misuse !== undefined) throw misuse;
    if (event === 'close') this.#core.noteAddress();
    add();
    if (event === 'message') this.#core.listened();
    return this;
  }

  /** Who pulls sees the end. */
  #beginPull(): UsageError | undefined {
    this.#core.noteAddress();
    return this.#pullMisuse();
  }

  #pullMisuse(): UsageError | undefined {
    return pullMisuse(this.#inbox(), this.#core.listenerCount > 0);
  }

  #iterate(signal: AbortSignal | undefined): MessageIterator {
    const misuse = this.#beginPull();
    if (misuse !== undefined) throw misuse;
    return new MessageIterator(this.#inbox(), () => this.#pullMisuse(), signal);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
