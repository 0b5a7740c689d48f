import type { UsageError } from '../errors.js';
import type { Message } from '../protocol/message-assembler.js';
import { onAbort } from './abort.js';
import { Fifo } from './fifo.js';
import type { FinalEnd, Inbox, Puller } from './inbox.js';

/** A call of `next` that waits. */
interface Wait {
  resolve(result: Result | Promise<Result>): void;
  reject(reason: unknown): void;
}

type Result = IteratorResult<Message, undefined>;

/** What `for await` runs on: one message at a time, and the end as a quiet return or a throw. */
export class MessageIterator implements AsyncIterableIterator<Message, undefined> {
  readonly #inbox: Inbox;
  readonly #findMisuse: () => UsageError | undefined;
  readonly #signal: AbortSignal | undefined;
  #state: 'new' | 'active' | 'ended' = 'new';
  /** Messages that the consumer took and has not come back from; more than one only when it does not wait its turn. */
  #holding = 0;
  /** The calls of `next` that wait, each of which stands in the inbox's line as {@link #puller}. */
  readonly #waits = new Fifo<Wait>();
  #forgetSignal: (() => void) | undefined;
  readonly #puller: Puller = {
    message: (value) => {
      this.#holding++;
      this.#waitOver().resolve({ value, done: false });
    },
    end: (final) => this.#waitOver().resolve(this.#finish(final)),
  };

  /** @param findMisuse Looks at the first `next` whether messages are being read in another way. */
  constructor(inbox: Inbox, findMisuse: () => UsageError | undefined, signal: AbortSignal | undefined) {
    this.#inbox = inbox;
    this.#findMisuse = findMisuse;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message. Rejects with `CloseError` after an end that is not quiet, with the signal's reason when aborted. */
  next(): Promise<Result> {
    if (this.#state === 'ended') return done();
    if (this.#state === 'new') {
      const misuse = this.#findMisuse();
      if (misuse !== undefined) return Promise.reject(misuse);
      this.#state = 'active';
      this.#inbox.iteratorBegan();
    }
    this.#comeBack();
    if (this.#signal?.aborted) {
      this.#end();
      return Promise.reject(this.#signal.reason);
    }
    const message = this.#inbox.take();
    if (message !== undefined) {
      this.#holding++;
      return Promise.resolve({ value: message, done: false });
    }
    if (this.#inbox.final !== undefined) return this.#finish(this.#inbox.final);
    return this.#wait();
  }

  /** `break` leaves the connection open, and what was not taken in the queue. */
  return(): Promise<Result> {
    while (this.#holding > 0) this.#comeBack();
    this.#giveUp(({ resolve }) => resolve(done()));
    this.#end();
    return done();
  }

  #wait(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waits.push({ resolve, reject });
      if (this.#waits.length === 1)
        this.#forgetSignal = onAbort(this.#signal, (reason) => this.#abort(reason));
      this.#inbox.wait(this.#puller);
    });
  }

  /** The oldest wait is over. */
  #waitOver(): Wait {
    const wait = this.#waits.shift()!;
    if (this.#waits.length === 0) this.#forgetSignal?.();
    return wait;
  }

  /** All waits are over, and no message came. */
  #giveUp(settle: (wait: Wait) => void): void {
    this.#inbox.cancel(this.#puller);
    while (this.#waits.length > 0) settle(this.#waitOver());
  }

  #abort(reason: unknown): void {
    this.#end();
    this.#giveUp(({ reject }) => reject(reason));
  }

  #finish(final: FinalEnd): Promise<Result> {
    this.#end();
    return final.isQuiet ? done() : Promise.reject(final.error);
  }

  #comeBack(): void {
    if (this.#holding === 0) return;
    this.#holding--;
    this.#inbox.returned();
  }

  #end(): void {
    if (this.#state === 'active') this.#inbox.iteratorEnded();
    this.#state = 'ended';
  }
}

function done(): Promise<Result> {
  return Promise.resolve({ value: undefined, done: true });
}
