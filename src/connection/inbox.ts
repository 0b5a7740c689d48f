import type { CloseError } from '../errors.js';
import type { Message, MessageParts } from '../protocol/message-assembler.js';
import { expectAnswerLater } from './flush.js';
import type { IncomingParts, IncomingStreamOwner } from './incoming-stream.js';
import type { ResolvedConnectionOptions } from './options.js';
import { ReceiveQueue } from './receive-queue.js';
import { UnreadWarning } from './unread-warning.js';

/** What the inbox tells its owner. `emitMessage` reaches user code and does not throw. */
export interface InboxOwner {
  readonly options: ResolvedConnectionOptions;
  /** Whether someone listens to messages. */
  isListening(): boolean;
  emitMessage(message: Message): void;
  /** The queue is full: nothing more should be read. */
  onFull(): void;
  /** At least half the room is free. */
  onRoom(): void;
  /** A consumer is done with what it took. */
  onReturned(): void;
  /** Someone waits for the next message, and the queue is empty; or nobody ever will. */
  onAwaited(): void;
  /** The parts of a message are at their bound: nothing more should be read. */
  onStreamFull(): void;
  onStreamRoom(): void;
}

/** Someone who waits for the next message. */
export interface Puller {
  message(message: Message): void;
  /** For those who want the message in parts, from the time on that it has begun. */
  begin?(isText: boolean, total: number | undefined): IncomingParts;
  /** No message comes any more. */
  end(end: FinalEnd): void;
}

/** The end as readers see it. */
export interface FinalEnd {
  readonly error: CloseError;
  /** Whether iteration ends without throwing. */
  readonly isQuiet: boolean;
}

/** Where messages are from when they are complete until someone has taken them, and who takes them. */
export class Inbox implements IncomingStreamOwner {
  readonly #owner: InboxOwner;
  #queue: ReceiveQueue | undefined;
  #pullers: Puller[] | undefined;
  /** The message that is being handed over in parts, or the latest that was. */
  #stream: IncomingParts | undefined;
  /** Iterators that have begun and not ended. */
  #iterators = 0;
  /** Messages that pulling consumers took and have not come back from. */
  #taken = 0;
  /** Whether somebody waits for the end, and nobody has asked for messages since. */
  #endAwaited = false;
  #ignoring = false;
  #muted = false;
  #overflowing = false;
  /** Whether a message was dropped: all that follow are, as a hole in the middle would be worse than a cut end. */
  #dropping = false;
  #final: FinalEnd | undefined;
  #unread: UnreadWarning | undefined;

  constructor(owner: InboxOwner) {
    this.#owner = owner;
  }

  /** Whether messages are being pulled: a wait is pending, or an iterator is at work. */
  get isPulled(): boolean {
    return this.#iterators > 0 || (this.#pullers?.length ?? 0) > 0;
  }

  /** Whether messages are thrown away, as `ignoreMessages` wants. */
  get isIgnoring(): boolean {
    return this.#ignoring;
  }

  /**
   * Whether the end need not wait: all messages have been taken and those who took them came back, or nobody reads and somebody
   * waits for the end.
   */
  get isDone(): boolean {
    return (this.#taken === 0 && this.#isEmpty()) || (this.#endAwaited && !this.isBeingRead);
  }

  /** Whether somebody has shown that he means to go on reading. */
  get isBeingRead(): boolean {
    return this.isPulled || this.#isListening();
  }

  /** Number of messages that nobody has taken. */
  get queuedMessages(): number {
    return this.#queue?.length ?? 0;
  }

  /** Their bytes, overhead included. */
  get queuedBytes(): number {
    return this.#queue?.bytes ?? 0;
  }

  /** How reading ended for good; undefined while it has not. */
  get final(): FinalEnd | undefined {
    return this.#final;
  }

  /** Whether the next message has a reader, or will have none: a limit that it passes need not wait for anybody to decide. */
  get isDecided(): boolean {
    const goesOut = this.#isEmpty() && ((this.#pullers?.length ?? 0) > 0 || this.#isListening());
    return goesOut || this.#ignoring || (this.#endAwaited && !this.isBeingRead);
  }

  #isEmpty(): boolean {
    return this.#queue === undefined || this.#queue.length === 0;
  }

  #isListening(): boolean {
    return !this.#muted && this.#owner.isListening();
  }

  /** Whether the next in turn wants a message that begins in parts. */
  get wantsParts(): boolean {
    return this.#pullers?.[0]?.begin !== undefined && !this.#dropping;
  }

  /** A message begins, or is not complete: who takes it in parts, if the next in turn wants it so. */
  takeInParts(isText: boolean, total: number | undefined): MessageParts | undefined {
    if (!this.wantsParts) return undefined;
    const puller = this.#pullers!.shift()!;
    this.#taken++;
    this.#stream = puller.begin!(isText, total);
    return this.#stream;
  }

  /** A message came: hands it to who waits, or keeps it. */
  deliver(message: Message, size: number): void {
    if (this.#ignoring || this.#dropping) return;
    if (this.#isEmpty()) {
      const puller = this.#pullers?.shift();
      if (puller !== undefined) {
        this.#taken++;
        expectAnswerLater();
        puller.message(message);
        return;
      }
      if (this.#isListening()) {
        this.#owner.emitMessage(message);
        return;
      }
    }
    this.#queue ??= makeQueue(this.#owner.options);
    if (this.#overflowing && this.#queue.isFull) {
      this.#dropping = true;
      return;
    }
    this.#queue.push(message, size);
    if (this.#overflowing || !this.#queue.isFull) return;
    this.#owner.onFull();
    this.stopped();
  }

  /** Reading from the peer stops until somebody takes something. */
  stopped(): void {
    if (this.isPulled) return;
    this.#unread ??= new UnreadWarning();
    this.#unread.start(this.#queue?.length ?? 0);
  }

  /** Emits the oldest queued message to listeners; false when there is none, or nobody listens. */
  emitOne(): boolean {
    if (this.#isEmpty() || !this.#isListening()) return false;
    this.#owner.emitMessage(this.#shift());
    return true;
  }

  /** Takes the oldest queued message. */
  take(): Message | undefined {
    this.#endAwaited = false;
    if (this.#isEmpty()) return undefined;
    this.#taken++;
    return this.#shift();
  }

  /** Waits for the next message, behind those who wait already. The queue must be empty. */
  wait(puller: Puller): void {
    this.#pullers ??= [];
    this.#pullers.push(puller);
    this.#unread?.stop();
    this.#owner.onAwaited();
  }

  /** Stops waiting; no message is lost. */
  cancel(puller: Puller): void {
    this.#pullers = this.#pullers?.filter((other) => other !== puller);
  }

  iteratorBegan(): void {
    this.#iterators++;
  }

  iteratorEnded(): void {
    this.#iterators--;
  }

  /** A pulling consumer is back, and done with the message that it took. */
  returned(): void {
    if (this.#taken > 0) this.#taken--;
    this.#owner.onReturned();
  }

  /** Somebody waits for the end of the connection rather than for messages. */
  awaitEnd(): void {
    this.#endAwaited = true;
    this.allReturned();
    if (!this.isBeingRead) this.#owner.onAwaited();
  }

  /** Nobody is at work any more on a message taken with `receive`. */
  allReturned(): void {
    if (this.#iterators > 0) return;
    this.#taken = 0;
    this.#owner.onReturned();
  }

  /** Throws all messages away from now on. */
  ignore(): void {
    this.#ignoring = true;
    this.#queue?.clear();
    this.#unread?.stop();
    this.#owner.onRoom();
    this.allReturned();
    this.#owner.onAwaited();
  }

  /** Gives listeners no message any more: they are in no state to take one, or the connection was cut. */
  mute(): void {
    this.#muted = true;
  }

  /** From now on what the queue cannot take is dropped, instead of stopping the peer. */
  overflow(): void {
    this.#overflowing = true;
    this.#stream?.overflow();
    this.#unread?.stop();
  }

  /** No message comes any more: whoever waits, or comes later, gets `final` behind the queued messages. */
  finish(final: FinalEnd): void {
    this.#final = final;
    this.#stream?.fail(final.error);
    for (const puller of this.#pullers?.splice(0) ?? []) puller.end(final);
  }

  onStreamFull(): void {
    this.#owner.onStreamFull();
  }

  onStreamRoom(): void {
    this.#owner.onStreamRoom();
  }

  onStreamWaits(): void {
    this.returned();
  }

  onStreamTaken(): void {
    this.#taken++;
  }

  onStreamLeft(): void {
    this.iteratorEnded();
  }

  #shift(): Message {
    const queue = this.#queue!;
    const message = queue.shift()!;
    this.#unread?.stop();
    if (queue.hasRoom) this.#owner.onRoom();
    return message;
  }
}

function makeQueue({ receiveQueueBytes, receiveQueueMessages }: ResolvedConnectionOptions): ReceiveQueue {
  return new ReceiveQueue(receiveQueueBytes, receiveQueueMessages);
}
