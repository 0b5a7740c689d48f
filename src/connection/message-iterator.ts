import type { UsageError } from '../errors.js';
import type { Message } from '../protocol/message-assembler.js';
import { onAbort } from './abort.js';
import type { FinalEnd, Inbox, Puller } from './inbox.js';

type Result = IteratorResult<Message, undefined>;

/** What `for await` runs on: one message at a time, and the end as a quiet return or a throw. */
export class MessageIterator implements AsyncIterableIterator<Message, undefined> {
  readonly #inbox: Inbox;
  readonly #findMisuse: () => UsageError | undefined;
  readonly #signal: AbortSignal | undefined;
  #state: 'new' | 'active' | 'ended' = 'new';
  /** Messages that the consumer took and has not come back from; more than one only when it does not wait its turn. */
  #holding = 0;
  /** Ends the waits of `next` that are pending. */
  readonly #waits = new Set<() => void>();

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
    for (const giveUp of this.#waits) giveUp();
    this.#end();
    return done();
  }

  #wait(): Promise<Result> {
    return new Promise((resolve, reject) => {
      const puller: Puller = {
        message: (value) => {
          settled();
          this.#holding++;
          resolve({ value, done: false });
        },
        end: (final) => {
          settled();
          resolve(this.#finish(final));
        },
      };
      const giveUp = (): void => {
        settled();
        this.#inbox.cancel(puller);
        resolve(done());
      };
      const forgetSignal = onAbort(this.#signal, (reason) => {
        settled();
        this.#inbox.cancel(puller);
        this.#end();
        reject(reason);
      });
      const settled = (): void => {
        forgetSignal();
        this.#waits.delete(giveUp);
      };
      this.#waits.add(giveUp);
      this.#inbox.wait(puller);
    });
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
