import type { Message } from '../protocol/message-assembler.js';

/** What an entry costs beside its payload: the message's object and its slot. */
const entryOverhead = 64;

/** Messages that nobody has read yet, in order, with their cost. */
export class ReceiveQueue {
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  #messages: Message[] = [];
  #sizes: number[] = [];
  /** Index of the oldest message; the arrays are cut when half of them is used up, so that shifting is cheap. */
  #head = 0;
  #bytes = 0;

  constructor(maxBytes: number, maxMessages: number) {
    this.#maxBytes = maxBytes;
    this.#maxMessages = maxMessages;
  }

  /** Number of messages. */
  get length(): number {
    return this.#messages.length - this.#head;
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
    this.#sizes.push(size + entryOverhead);
    this.#bytes += size + entryOverhead;
  }

  /** Takes the oldest message; there must be one. */
  shift(): Message {
    const message = this.#messages[this.#head]!;
    this.#bytes -= this.#sizes[this.#head]!;
    this.#messages[this.#head] = '';
    this.#head++;
    if (this.#head === this.#messages.length) this.clear();
    else if (this.#head >= 32 && this.#head * 2 >= this.#messages.length) {
      this.#messages.splice(0, this.#head);
      this.#sizes.splice(0, this.#head);
      this.#head = 0;
    }
    return message;
  }

  clear(): void {
    this.#messages = [];
    this.#sizes = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}
