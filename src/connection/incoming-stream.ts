import { type Message, type MessageParts, ownBytes } from '../protocol/message-assembler.js';
import { Utf8Decoder } from '../protocol/utf8-decoder.js';
import { onAbort } from './abort.js';
import { Fifo } from './fifo.js';

/** A text message that is read while it comes, as strings that never cut a character. */
export interface IncomingText extends AsyncIterableIterator<string, undefined> {
  readonly type: 'text';
  /** Bytes of the whole message, where they are known as it begins: it came in one frame, and not compressed. */
  readonly total: number | undefined;
  /** Skips what is left of the message, as leaving a `for await` loop does. */
  return(): Promise<IteratorResult<string, undefined>>;
}

/** A binary message that is read while it comes. The Buffers are yours. */
export interface IncomingBinary extends AsyncIterableIterator<Buffer, undefined> {
  readonly type: 'binary';
  /** Bytes of the whole message, where they are known as it begins: it came in one frame, and not compressed. */
  readonly total: number | undefined;
  /** Skips what is left of the message, as leaving a `for await` loop does. */
  return(): Promise<IteratorResult<Buffer, undefined>>;
}

/**
 * One message, read while it comes. Iterating ends when the message is complete, and throws `CloseError` when the connection ends
 * before. Leaving the loop, or calling `return()`, skips the rest of the message.
 */
export type IncomingStream = IncomingText | IncomingBinary;

/** What the stream tells the one who made it. */
export interface IncomingStreamOwner {
  /** Nothing more should be parsed. */
  onStreamFull(): void;
  onStreamRoom(): void;
  /** The consumer is back, and there is nothing for it. */
  onStreamWaits(): void;
  /** The consumer that waited got something. */
  onStreamTaken(): void;
  /** The consumer is through with the stream. */
  onStreamLeft(): void;
}

/** Bytes that may wait for the consumer. */
const maxWaiting = 64 * 1024;

/** The same while this end is closing: nothing may stop the reading then, and a consumer at work should lose nothing. */
const maxWaitingAtEnd = 1024 * 1024;

/** What a part costs beside its bytes. */
const partOverhead = 64;

type Result = IteratorResult<Message, undefined>;

interface Wait {
  readonly resolve: (result: Result | Promise<Result>) => void;
}

/** The parts of one message on their way to a consumer, which sets the pace. */
export class IncomingParts implements MessageParts, AsyncIterableIterator<Message, undefined> {
  readonly type: 'text' | 'binary';
  readonly total: number | undefined;
  readonly maxSize: number;
  readonly #owner: IncomingStreamOwner;
  readonly #decoder: Utf8Decoder | undefined;
  readonly #forgetSignal: () => void;
  readonly #parts = new Fifo<Message>();
  readonly #sizes = new Fifo<number>();
  #bytes = 0;
  #isFull = false;
  /** Calls of `next` that nothing was there for. */
  readonly #waits = new Fifo<Wait>();
  #isComplete = false;
  /** Whether no part may stop the reading any more. */
  #overflowing = false;
  /** Whether a part had to be dropped, so that this message can't be complete any more. */
  #isCut = false;
  #failure: { readonly error: unknown } | undefined;
  /** Whether the consumer is through with it: what still comes is skipped. */
  #isLeft = false;

  constructor(
    isText: boolean,
    total: number | undefined,
    maxSize: number,
    owner: IncomingStreamOwner,
    signal: AbortSignal | undefined,
  ) {
    this.type = isText ? 'text' : 'binary';
    this.total = total;
    this.maxSize = maxSize;
    this.#owner = owner;
    this.#decoder = isText ? new Utf8Decoder() : undefined;
    this.#forgetSignal = onAbort(signal, (reason) => {
      this.#drop();
      this.#isComplete = false;
      this.fail(reason);
    });
  }

  /** A message that is there already, as a stream. */
  static whole(message: Message, owner: IncomingStreamOwner, signal: AbortSignal | undefined): IncomingParts {
    const stream = new IncomingParts(
      typeof message === 'string',
      Buffer.byteLength(message),
      Infinity,
      owner,
      signal,
    );
    if (message.length > 0) {
      stream.#parts.push(message);
      stream.#sizes.push(0);
    }
    stream.#isComplete = true;
    return stream;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  onPart(chunk: Buffer, start: number, end: number): void {
    if (this.#isLeft || this.#isCut || this.#failure !== undefined) return;
    if (this.#overflowing && this.#bytes >= maxWaitingAtEnd) {
      this.#isCut = true;
      return;
    }
    const part = this.#decoder?.decode(chunk, start, end) ?? ownBytes(chunk, start, end, 0);
    if (part.length === 0) return;
    const wait = this.#waits.shift();
    if (wait !== undefined) {
      this.#owner.onStreamTaken();
      wait.resolve({ value: part, done: false });
      return;
    }
    const size = end - start + partOverhead;
    this.#parts.push(part);
    this.#sizes.push(size);
    this.#bytes += size;
    if (this.#bytes < maxWaiting || this.#isFull) return;
    this.#isFull = true;
    this.#owner.onStreamFull();
  }

  onEnd(): void {
    if (this.#isCut) return;
    this.#isComplete = true;
    if (this.#waits.length > 0) this.#owner.onStreamTaken();
    for (let wait = this.#waits.shift(); wait !== undefined; wait = this.#waits.shift())
      wait.resolve(this.#finish());
  }

  /** From now on a part that finds no room cuts the message instead of stopping the peer. */
  overflow(): void {
    this.#overflowing = true;
  }

  /** No part comes any more. The message is cut unless it is complete. */
  fail(error: unknown): void {
    if (this.#isComplete) return;
    this.#failure ??= { error };
    for (let wait = this.#waits.shift(); wait !== undefined; wait = this.#waits.shift())
      wait.resolve(this.#finish());
  }

  next(): Promise<Result> {
    const part = this.#shift();
    if (part !== undefined) return Promise.resolve({ value: part, done: false });
    if (this.#isLeft || this.#isComplete || this.#failure !== undefined) return this.#finish();
    return new Promise((resolve) => {
      this.#waits.push({ resolve });
      this.#owner.onStreamWaits();
    });
  }

  /** Skips what is left of the message. */
  return(): Promise<Result> {
    this.#drop();
    const result = this.#leave();
    for (let wait = this.#waits.shift(); wait !== undefined; wait = this.#waits.shift()) wait.resolve(result);
    return result;
  }

  #shift(): Message | undefined {
    const part = this.#parts.shift();
    if (part === undefined) return undefined;
    this.#bytes -= this.#sizes.shift()!;
    if (this.#bytes <= maxWaiting / 2) this.#room();
    return part;
  }

  #drop(): void {
    this.#parts.clear();
    this.#sizes.clear();
    this.#bytes = 0;
    this.#room();
  }

  #room(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#owner.onStreamRoom();
  }

  /** The end of the iteration: a throw, once, when the message did not come to its end. */
  #finish(): Promise<Result> {
    if (this.#isLeft || this.#failure === undefined) return this.#leave();
    const { error } = this.#failure;
    void this.#leave();
    return Promise.reject(error);
  }

  #leave(): Promise<Result> {
    if (!this.#isLeft) {
      this.#isLeft = true;
      this.#forgetSignal();
      this.#owner.onStreamLeft();
    }
    return Promise.resolve({ value: undefined, done: true });
  }
}
