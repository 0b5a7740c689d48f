import type { CloseError, CloseFrame } from '../errors.js';
import { FrameParser } from '../protocol/frame-parser.js';
import { type Message, MessageAssembler, type MessageSink } from '../protocol/message-assembler.js';
import { type Deadline, setDeadline } from './deadline.js';
import type { ResolvedConnectionOptions, Role } from './options.js';
import { ReceiveQueue } from './receive-queue.js';
import type { Transport } from './transport.js';
import { UnreadWarning } from './unread-warning.js';

/** How the incoming side ended. Several may follow each other: a Close frame, then the end of TCP, then its loss. */
export type ReadEnd =
  | { readonly kind: 'close'; readonly frame: CloseFrame }
  | { readonly kind: 'failure'; readonly error: Error }
  | { readonly kind: 'ended' }
  | { readonly kind: 'lost'; readonly error: Error | undefined };

/** What the reader tells the connection. The calls that reach user code do not throw. */
export interface ReaderOwner {
  /** Whether someone listens to messages. */
  isListening(): boolean;
  emitMessage(message: Message): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** An end whose turn has come: all messages before it have been taken care of. */
  onReadEnd(end: ReadEnd): void;
}

/** Someone who waits for the next message. */
export interface Puller {
  message(message: Message): void;
  /** No message comes any more. */
  end(end: FinalEnd): void;
}

/** The end as readers see it. */
export interface FinalEnd {
  readonly error: CloseError;
  /** Whether iteration ends without throwing. */
  readonly isQuiet: boolean;
}

/** Why nothing is read from the peer at the moment. Each reason is set and cleared by one place. */
export const Hold = {
  /** The connection has not started. */
  Starting: 1,
  /** The receive queue is full. */
  Queue: 2,
  /** `pause()` was called. */
  User: 4,
  /** Too much is buffered for a peer that does not read. */
  Write: 8,
} as const;

/** One of the reasons. */
export type Hold = (typeof Hold)[keyof typeof Hold];

/**
 * The way in: parses what the transport delivers, queues messages until someone takes them, and stops reading when the
 * queue is full. It keeps the order of messages and of the end behind them.
 */
export class Reader implements MessageSink {
  readonly #owner: ReaderOwner;
  readonly #transport: Transport;
  readonly #options: ResolvedConnectionOptions;
  /** Undefined once nothing may be parsed any more: what still comes is thrown away. */
  #parser: FrameParser | undefined;
  /** The chunk that is not parsed to its end, and how far it is. */
  #chunk: Buffer | undefined;
  #offset = 0;
  #holds: number = Hold.Starting;
  #transportPaused = false;
  #queue: ReceiveQueue | undefined;
  #pullers: Puller[] | undefined;
  /** Iterators that have begun and not ended. */
  #iterators = 0;
  /** Messages that pulling consumers took and have not come back from. */
  #taken = 0;
  #ignoring = false;
  #muted = false;
  #ends: ReadEnd[] | undefined;
  #endDeadline: Deadline | undefined;
  /** Whether ends wait for nobody any more. */
  #endsNow = false;
  #final: FinalEnd | undefined;
  #pumping = false;
  #pumpScheduled = false;
  #unread: UnreadWarning | undefined;

  constructor(role: Role, transport: Transport, options: ResolvedConnectionOptions, owner: ReaderOwner) {
    this.#owner = owner;
    this.#transport = transport;
    this.#options = options;
    this.#parser = new FrameParser(new MessageAssembler(this, options), { role });
    this.#parser.pause();
  }

  /** Whether messages are being pulled: a wait is pending, or an iterator is at work. */
  get isPulled(): boolean {
    return this.#iterators > 0 || (this.#pullers?.length ?? 0) > 0;
  }

  /** Whether messages are thrown away, as `ignoreMessages` wants. */
  get isIgnoring(): boolean {
    return this.#ignoring;
  }

  /** Whether the input so far ends in the middle of a frame or of a message. */
  get midMessage(): boolean {
    return this.#parser?.midMessage ?? false;
  }

  get #isListening(): boolean {
    return !this.#muted && this.#owner.isListening();
  }

  /** How reading ended for good; undefined while it has not. */
  get final(): FinalEnd | undefined {
    return this.#final;
  }

  /** Takes bytes from the transport. */
  data(chunk: Buffer): void {
    if (this.#parser === undefined) return;
    if (this.#chunk === undefined) {
      this.#chunk = chunk;
      this.#offset = 0;
    } else {
      // A transport may still have had a chunk on the way when it was paused.
      this.#chunk = Buffer.concat([this.#chunk.subarray(this.#offset), chunk]);
      this.#offset = 0;
    }
    this.#pump();
  }

  /** The transport ended its side, or is gone. */
  end(kind: 'ended' | 'lost', error?: Error): void {
    this.#ends ??= [];
    this.#ends.push(kind === 'ended' ? { kind } : { kind, error });
    this.#pump();
  }

  /** Stops reading. Without effect once ends wait for nobody. */
  hold(reason: Hold): void {
    if (this.#endsNow) return;
    this.#holds |= reason;
    this.#parser?.pause();
    if (this.#transportPaused) return;
    this.#transportPaused = true;
    this.#transport.pause();
  }

  /** Takes one reason back; reading goes on when there is none left. */
  release(reason: Hold): void {
    if ((this.#holds & reason) === 0) return;
    this.#holds &= ~reason;
    if (reason === Hold.Queue) this.#unread?.stop();
    if (this.#holds === 0) this.#parser?.resume();
    this.#schedulePump();
  }

  /** Throws all messages away from now on. */
  ignore(): void {
    this.#ignoring = true;
    this.#queue?.clear();
    this.#taken = 0;
    this.release(Hold.Queue);
    this.#schedulePump();
  }

  /** Gives listeners no message any more; they are in no state to take one, or the connection was cut. */
  mute(): void {
    this.#muted = true;
  }

  /** We are closing: ends wait for no consumer any more, and nothing may stop reading; what the queue can't take is dropped. */
  hurry(): void {
    this.#endsNow = true;
    for (const reason of [Hold.Queue, Hold.User, Hold.Write]) this.release(reason);
    this.#schedulePump();
  }

  /** Parses nothing any more, and lets what comes flow by until the transport ends. */
  discard(): void {
    this.#parser?.pause();
    this.#parser = undefined;
    this.#chunk = undefined;
    this.hurry();
  }

  /** The connection is closed: whoever waits, or comes later, gets `final` behind the queued messages. */
  finish(final: FinalEnd): void {
    this.#final = final;
    this.discard();
    this.#unread?.stop();
    clearTimeout(this.#endDeadline);
    for (const puller of this.#pullers?.splice(0) ?? []) puller.end(final);
  }

  /** A listener came: it gets what is queued, behind the code that added it. */
  listened(): void {
    this.awaitsEnd();
    if (this.#queue !== undefined && this.#queue.length > 0) this.#schedulePump();
  }

  /** A pulling consumer is back, and done with the message that it took. */
  returned(): void {
    if (this.#taken > 0) this.#taken--;
    if (this.#ends !== undefined) this.#schedulePump();
  }

  /** Nobody is at work on a message taken with `receive`: it does not hold up the end any more. */
  awaitsEnd(): void {
    if (this.#iterators > 0) return;
    this.#taken = 0;
    if (this.#ends !== undefined) this.#schedulePump();
  }

  /** Takes the oldest queued message. */
  take(): Message | undefined {
    const queue = this.#queue;
    if (queue === undefined || queue.length === 0) return undefined;
    this.#taken++;
    return this.#shift(queue);
  }

  /** Waits for the next message, behind those who wait already. The queue must be empty. */
  wait(puller: Puller): void {
    this.#pullers ??= [];
    this.#pullers.push(puller);
    this.#unread?.stop();
  }

  /** Stops waiting; no message is lost. */
  cancel(puller: Puller): void {
    const index = this.#pullers?.indexOf(puller) ?? -1;
    if (index >= 0) this.#pullers!.splice(index, 1);
  }

  iteratorBegan(): void {
    this.#iterators++;
  }

  iteratorEnded(): void {
    this.#iterators--;
  }

  onMessage(message: Message, size: number): void {
    if (this.#ignoring) return;
    this.#queue ??= new ReceiveQueue(this.#options.receiveQueueBytes, this.#options.receiveQueueMessages);
    if (this.#queue.length === 0) {
      const puller = this.#pullers?.shift();
      if (puller !== undefined) {
        this.#taken++;
        puller.message(message);
        return;
      }
      if (this.#isListening) {
        this.#owner.emitMessage(message);
        return;
      }
    }
    if (this.#endsNow && this.#queue.isFull) return;
    this.#queue.push(message, size);
    if (this.#queue.isFull && !this.#endsNow) {
      this.hold(Hold.Queue);
      if (!this.isPulled) {
        this.#unread ??= new UnreadWarning();
        this.#unread.start(this.#queue.length);
      }
    }
  }

  onPing(payload: Buffer): void {
    this.#owner.onPing(payload);
  }

  onPong(payload: Buffer): void {
    this.#owner.onPong(payload);
  }

  onClose(frame: CloseFrame): void {
    // RFC 6455 section 5.5.1: nothing that follows a Close frame is of interest.
    this.#stopParsing({ kind: 'close', frame });
  }

  /** The peer's Close frame, or its mistake, ends the parsing. */
  #stopParsing(end: ReadEnd): void {
    this.#parser?.pause();
    this.#parser = undefined;
    this.#ends ??= [];
    // The transport may have ended while this waited in the chunk.
    this.#ends.unshift(end);
  }

  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    process.nextTick(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  /** Does all that can be done now: emit, parse, end. Calls from inside user code are taken up by the one that runs. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#emitQueued() || this.#parse());
    this.#settleEnds();
    this.#pumping = false;
    if (this.#holds === 0 && this.#transportPaused) {
      this.#transportPaused = false;
      this.#transport.resume();
    }
  }

  /** Emits one queued message to listeners; false when there is nothing to do. */
  #emitQueued(): boolean {
    const queue = this.#queue;
    if (queue === undefined || queue.length === 0) return false;
    if ((this.#holds & (Hold.User | Hold.Write)) !== 0 || !this.#isListening) return false;
    this.#owner.emitMessage(this.#shift(queue)!);
    return true;
  }

  #shift(queue: ReceiveQueue): Message | undefined {
    const message = queue.shift();
    this.#unread?.stop();
    if (queue.hasRoom) this.release(Hold.Queue);
    return message;
  }

  /** Parses the current chunk as far as possible; false when there is nothing to do. */
  #parse(): boolean {
    const parser = this.#parser;
    const chunk = this.#chunk;
    if (parser === undefined || chunk === undefined || this.#holds !== 0) return false;
    try {
      this.#offset = parser.parse(chunk, this.#offset);
    } catch (error) {
      this.#stopParsing({ kind: 'failure', error: error as Error });
    }
    if (this.#parser === undefined || (this.#offset === chunk.length && this.#holds === 0))
      this.#chunk = undefined;
    return true;
  }

  /** Hands over the ends whose turn has come. */
  #settleEnds(): void {
    while (this.#ends !== undefined && this.#ends.length > 0) {
      const isBusy = (this.#queue?.length ?? 0) > 0 || this.#taken > 0 || this.#chunk !== undefined;
      if (isBusy && !this.#endsNow && this.#final === undefined) {
        // Half of the peer's own deadline, so that our answer still reaches it in time.
        this.#endDeadline ??= setDeadline(this.#options.closeTimeout / 2, () => this.hurry());
        return;
      }
      this.#owner.onReadEnd(this.#ends.shift()!);
    }
  }
}
