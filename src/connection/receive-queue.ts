import type { Message } from '../protocol/message-assembler.js';
import { Fifo } from './fifo.js';

/** What an entry costs beside its payload: the message's object and its slot. */
const entryOverhead = 64;

/** Messages that nobody has read yet, in order, with their cost. */
export class ReceiveQueue {
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  readonly #messages = new Fifo<Message>();
  /** Bytes of those that are text; the others know theirs. */
  readonly #textSizes = new Fifo<number>();
  #bytes = 0;

  constructor(maxBytes: number, maxMessages: number) {
    this.#maxBytes = maxBytes;
    this.#maxMessages = maxMessages;
  }

  /** Number of messages. */
  get length(): number {
    return this.#messages.length;
  }

  /** Bytes of payload and overhead. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a bound is reached: nothing more should be read from the peer. */
  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes || this.length >= this.#maxMessages;
  }

  /** Whether at least half the room is free again; between this and `isFull` there is no change, so that pausing is rare. */
  get hasRoom(): boolean {
    return this.#bytes <= this.#maxBytes / 2 && this.length <= this.#maxMessages / 2;
  }

  push(message: Message, size: number): void {
    this.#messages.push(message);
    if (typeof message === 'string') this.#textSizes.push(size);
    this.#bytes += size + entryOverhead;
  }

  /** Takes the oldest message; undefined when there is none. */
  shift(): Message | undefined {
    const message = this.#messages.shift();
    if (message === undefined) return undefined;
    const size = typeof message === 'string' ? this.#textSizes.shift()! : message.length;
    this.#bytes -= size + entryOverhead;
    return message;
  }

  clear(): void {
    this.#messages.clear();
    this.#textSizes.clear();
    this.#bytes = 0;
  }
}
