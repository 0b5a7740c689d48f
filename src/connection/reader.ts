import type { CloseFrame, LimitError } from '../errors.js';
import { FrameParser } from '../protocol/frame-parser.js';
import { isLent } from '../protocol/lent-memory.js';
import {
  type Message,
  MessageAssembler,
  type MessageParts,
  type MessageSink,
} from '../protocol/message-assembler.js';
import type { InflaterFactory, InflaterOwner } from '../protocol/message-inflater.js';
import type { Clock } from './clock.js';
import { clearDeadline, type Deadline, setDeadline } from './deadline.js';
import { debuggedSink, type FrameTeller } from './debug.js';
import type { FinalEnd, Inbox } from './inbox.js';
import { mallocThresholds } from './malloc-thresholds.js';
import type { ResolvedConnectionOptions, Role } from './options.js';
import { isHeartbeatIn } from './pings.js';
import { type ReadEnd, ReadEnds } from './read-ends.js';
import type { Transport } from './transport.js';

/** What the reader tells the connection, and asks it for. The calls that reach user code do not throw. */
export interface ReaderOwner extends FrameTeller {
  readonly role: Role;
  readonly transport: Transport;
  readonly options: ResolvedConnectionOptions;
  readonly clock: Clock;
  /** Where messages go; made when it is asked for. */
  readonly inbox: Inbox;
  /** The same, if it was made. */
  readonly madeInbox: Inbox | undefined;
  /** A message is complete; it is yet to be delivered. */
  onMessage(message: Message, size: number): void;
  /** Somebody takes a message in parts. */
  onMessageInParts(): void;
  /** All of it has come. */
  onPartsComplete(size: number): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** The pong to a heartbeat. */
  onHeartbeatPong(): void;
  /** An end whose turn has come: all messages before it have been taken care of. */
  onReadEnd(end: ReadEnd): void;
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
  /** The reader of a message in parts is behind. */
  Stream: 16,
  /** A message passed a limit while nobody was reading: the next reader decides. */
  Undecided: 32,
  /** A compressed message is being worked on elsewhere, or waits for one of the other reasons. */
  Inflating: 64,
} as const;

/** One of the reasons. */
export type Hold = (typeof Hold)[keyof typeof Hold];

/**
 * The way in: parses what the transport delivers into the inbox, stops reading while there is a reason to, and keeps the order of
 * messages and of the end behind them. Between messages it has nothing that another one would not begin with.
 */
export class Reader implements MessageSink, InflaterOwner {
  readonly #owner: ReaderOwner;
  /** Undefined once nothing may be parsed any more: what still comes is thrown away. */
  #parser: FrameParser | undefined;
  readonly #assembler: MessageAssembler;
  /** What becomes of the message in progress unless someone takes it in parts. */
  #undecided: LimitError | undefined;
  /** The chunk that is not parsed to its end, and how far it is. */
  #chunk: Buffer | undefined;
  #offset = 0;
  #holds = 0;
  #transportPaused = false;
  #ends: ReadEnds | undefined;
  /** What to do when the messages that are here have been dealt with, and the deadline for that. */
  #leaving: { readonly leave: () => void; readonly deadline: Deadline | undefined } | undefined;
  #bytesReceived = 0;
  #wasHeld = false;
  /** Whether ends wait for nobody any more. */
  #endsNow = false;
  #pumping = false;
  #pumpScheduled = false;

  /** @param isStarted Whether the transport has been started; if not, `Hold.Starting` is to be released then. */
  constructor(owner: ReaderOwner, makeInflater: InflaterFactory | undefined, isStarted: boolean) {
    this.#owner = owner;
    const { role, transport, options } = owner;
    this.#assembler = new MessageAssembler(this, options);
    this.#assembler.inflater = makeInflater?.(this.#assembler, this);
    const allowRsv1 = makeInflater !== undefined;
    const sink = debuggedSink(role, transport, this.#assembler, owner);
    this.#parser = new FrameParser(sink, { role, allowRsv1 });
    if (isStarted) return;
    this.#holds = Hold.Starting;
    this.#parser.pause();
  }

  /** Whether another reader could take this one's place, and nothing would be lost. */
  get isAtRest(): boolean {
    const isClean = this.#holds === 0 && !this.#wasHeld && !this.#endsNow && !this.#transportPaused;
    const isIdle = !this.#pumping && !this.#pumpScheduled && this.#chunk === undefined;
    const hasEnd = this.#ends !== undefined || this.#leaving !== undefined || this.#parser === undefined;
    // An inflater has the peer's history.
    const isBetweenMessages = !this.midMessage && this.#assembler.inflater === undefined;
    return isClean && isIdle && !hasEnd && isBetweenMessages && this.isDoneWithChunk;
  }

  /** Whether the input so far ends in the middle of a frame or of a message. */
  get midMessage(): boolean {
    return this.#parser?.midMessage ?? false;
  }

  /** Frames of all kinds that came so far. */
  get framesReceived(): number {
    return this.#assembler.frames;
  }

  /** Bytes that the transport delivered so far. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Whether what the peer sent may lie unread: reading is held, or was since the last call, or waits for a consumer to end. */
  takeHeld(): boolean {
    const wasHeld = this.#wasHeld || this.#ends !== undefined;
    this.#wasHeld = this.#holds !== 0;
    return wasHeld;
  }

  /** Whether nothing of the latest chunk is kept, by us or by those who read. */
  get isDoneWithChunk(): boolean {
    return this.#chunk === undefined && !this.#assembler.isChunkKept;
  }

  /** Takes bytes from the transport. */
  data(chunk: Buffer): void {
    this.#assembler.isChunkKept = false;
    this.#bytesReceived += chunk.length;
    mallocThresholds.countRead(chunk.length);
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
    if (this.#chunk !== undefined && isLent(this.#chunk)) {
      this.#chunk = Buffer.from(this.#chunk.subarray(this.#offset));
      this.#offset = 0;
    }
  }

  /** Memory to read the next bytes to, when they are most likely the rest of a large message. */
  makeRoom(): Buffer | undefined {
    // What is not parsed yet comes first.
    if (this.#parser === undefined || this.#chunk !== undefined || this.#holds !== 0) return undefined;
    try {
      return this.#assembler.makeRoom(this.#parser.remainingPayload);
    } catch {
      // No memory: whoever puts the message together will say so.
      return undefined;
    }
  }

  /** The transport ended its side, or is gone. */
  end(kind: 'ended' | 'lost', error?: Error): void {
    this.#ends ??= new ReadEnds();
    this.#ends.add(kind === 'ended' ? { kind } : { kind, error });
    this.#pump();
  }

  /** Stops reading. Without effect once ends wait for nobody. */
  hold(reason: Hold): void {
    if (this.#endsNow && reason !== Hold.Inflating) return;
    this.#holds |= reason;
    this.#wasHeld = true;
    this.#parser?.pause();
    if (this.#transportPaused) return;
    this.#transportPaused = true;
    this.#owner.transport.pause();
  }

  /** Takes one reason back, and returns whether it was there; reading goes on when there is none left. */
  release(reason: Hold): boolean {
    if ((this.#holds & reason) === 0) return false;
    this.#holds &= ~reason;
    if (this.#holds === 0) this.#parser?.resume();
    this.#schedulePump();
    return true;
  }

  /** Calls `leave` when those who read in loops are done with the messages that are here, or in `ms` milliseconds. */
  whenDone(leave: () => void, ms: number): void {
    if (this.#owner.inbox.isDone || !this.#owner.inbox.isBeingRead) {
      leave();
      return;
    }
    if (this.#leaving !== undefined) return;
    this.#leaving = { leave, deadline: setDeadline(ms, leave, this.#owner.clock) };
  }

  /** We are closing: ends wait for no consumer any more, and nothing may stop reading; what the queue can't take is dropped. */
  hurry(): void {
    clearDeadline(this.#leaving?.deadline);
    this.#leaving = undefined;
    this.#owner.inbox.overflow();
    this.#stopWaiting();
  }

  /** Ends wait for no consumer any more, and nothing may stop reading. */
  #stopWaiting(): void {
    this.#endsNow = true;
    for (const reason of [Hold.Queue, Hold.User, Hold.Write, Hold.Stream, Hold.Undecided])
      this.release(reason);
    this.#schedulePump();
  }

  /** Parses nothing any more, and lets what comes flow by until the transport ends. */
  discard(): void {
    this.#dropParser();
    this.hurry();
  }

  /** The connection is closed: whoever waits for messages, or comes later, gets `final` behind the queued ones. */
  finish(final: FinalEnd): void {
    this.discard();
    this.#ends?.stop();
    this.#owner.inbox.finish(final);
  }

  /** A listener came: it gets what is queued, behind the code that added it. */
  listened(): void {
    this.#schedulePump();
  }

  /** A consumer is done with what it took. */
  consumerReturned(): void {
    if (this.#ends !== undefined || this.#leaving !== undefined) this.#schedulePump();
  }

  /** Someone waits for the next message, and the queue is empty; or nobody ever will. */
  messageAwaited(): void {
    if (this.#parser === undefined || !this.#assembler.isAssembling) return;
    try {
      const parts = this.#takeInParts(this.#assembler.isText, this.#assembler.total);
      if (parts !== undefined) {
        this.#undecided = undefined;
        this.#assembler.divert(parts);
      }
    } catch (error) {
      this.#stopParsing({ kind: 'failure', error: error as Error });
      this.#schedulePump();
    }
    this.release(Hold.Undecided);
  }

  get wantsParts(): boolean {
    return this.#owner.madeInbox?.wantsParts === true;
  }

  onStart(isText: boolean, total: number | undefined): MessageParts | undefined {
    return this.#takeInParts(isText, total);
  }

  onPartsComplete(size: number): void {
    this.#owner.onPartsComplete(size);
  }

  onTooBig(error: LimitError): MessageParts | undefined {
    const parts = this.#takeInParts(this.#assembler.isText, this.#assembler.total);
    if (parts !== undefined) return parts;
    if (this.#endsNow || this.#owner.inbox.isDecided) throw error;
    this.#undecided = error;
    this.hold(Hold.Undecided);
    this.#owner.inbox.stopped();
    return undefined;
  }

  onMessage(message: Message, size: number): void {
    this.#owner.onMessage(message, size);
    this.#owner.inbox.deliver(message, size);
  }

  onPing(payload: Buffer): void {
    this.#owner.onPing(payload);
  }

  onPong(payload: Buffer): void {
    this.#owner.onPong(payload);
  }

  takePong(chunk: Buffer, start: number, end: number): boolean {
    if (!isHeartbeatIn(chunk, start, end)) return false;
    this.#owner.onHeartbeatPong();
    return true;
  }

  onClose(frame: CloseFrame): void {
    // RFC 6455 section 5.5.1: nothing that follows a Close frame is of interest.
    this.#stopParsing({ kind: 'close', frame });
  }

  /** Whether an inflater should stop where it is: it does not know of consumers. */
  get mustWait(): boolean {
    return (this.#holds & ~Hold.Inflating) !== 0;
  }

  onInflating(): void {
    this.hold(Hold.Inflating);
  }

  onInflaterReady(): void {
    this.#schedulePump();
  }

  onInflaterFailed(error: Error): void {
    this.#stopParsing({ kind: 'failure', error });
    this.#schedulePump();
  }

  /** The peer's Close frame, or its mistake, ends the parsing. */
  #stopParsing(end: ReadEnd): void {
    this.#dropParser();
    this.#ends ??= new ReadEnds();
    // The transport may have ended while this waited in the chunk.
    this.#ends.addFirst(end);
  }

  #dropParser(): void {
    this.#parser?.pause();
    this.#parser = undefined;
    this.#chunk = undefined;
    this.#assembler.inflater?.close();
    this.release(Hold.Inflating);
  }

  #takeInParts(isText: boolean, total: number | undefined): MessageParts | undefined {
    const parts = this.#owner.inbox.takeInParts(isText, total);
    if (parts !== undefined) this.#owner.onMessageInParts();
    return parts;
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
    if (this.#leaving !== undefined && this.#owner.inbox.isDone) this.#leaving.leave();
    this.#pumping = false;
    if (this.#holds === 0 && this.#transportPaused) {
      this.#transportPaused = false;
      this.#owner.transport.resume();
    }
  }

  /** Emits one queued message to listeners; false when there is nothing to do. */
  #emitQueued(): boolean {
    return (this.#holds & (Hold.User | Hold.Write)) === 0 && this.#owner.madeInbox?.emitOne() === true;
  }

  /** Inflates and parses as far as possible; false when there is nothing to do. */
  #parse(): boolean {
    if (this.#undecided !== undefined && this.#owner.inbox.isDecided) this.release(Hold.Undecided);
    if (this.#parser === undefined || this.mustWait) return false;
    try {
      return this.#inflateRest() || this.#parseChunk(this.#parser);
    } catch (error) {
      this.#stopParsing({ kind: 'failure', error: error as Error });
      return true;
    }
  }

  /** Goes on with a compressed message that was left in the middle; false when there is none to go on with. */
  #inflateRest(): boolean {
    const { inflater } = this.#assembler;
    if (inflater === undefined || !inflater.isReady) return false;
    if (this.#undecided !== undefined) throw this.#undecided;
    if (!inflater.resume()) return false;
    this.release(Hold.Inflating);
    return true;
  }

  #parseChunk(parser: FrameParser): boolean {
    const chunk = this.#chunk;
    if (chunk === undefined || this.#holds !== 0) return false;
    if (this.#undecided !== undefined) throw this.#undecided;
    this.#offset = parser.parse(chunk, this.#offset);
    if (this.#offset === chunk.length && this.#holds === 0) this.#chunk = undefined;
    return true;
  }

  /** Hands over the ends whose turn has come. */
  #settleEnds(): void {
    const ends = this.#ends;
    while (ends !== undefined && !ends.isEmpty) {
      const isInflating = (this.#holds & Hold.Inflating) !== 0;
      const isDone = this.#owner.inbox.isDone && this.#chunk === undefined && !isInflating;
      if (!isDone && !this.#endsNow) {
        // Nothing is dropped: no more comes than the rest of the chunk, and whoever reads on is to have all of it.
        const giveUp = () => this.#stopWaiting();
        ends.wait(this.#owner.options.closeTimeout, this.#owner.inbox.isBeingRead, giveUp, this.#owner.clock);
        return;
      }
      // It came before them, and nothing stops it any more.
      if (isInflating) return;
      this.#owner.onReadEnd(ends.take());
    }
  }
}
