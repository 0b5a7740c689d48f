import type { Message } from '../protocol/message-assembler.js';
import type { FinalEnd, Puller, Reader } from './reader.js';

/** What `for await` runs on: one message at a time, and the end as a quiet return or a throw. */
export class MessageIterator implements AsyncIterableIterator<Message, undefined> {
  readonly #reader: Reader;
  readonly #signal: AbortSignal | undefined;
  #state: 'new' | 'active' | 'ended' = 'new';
  /** Messages that the consumer took and has not come back from; more than one only when it does not wait its turn. */
  #holding = 0;

  constructor(reader: Reader, signal?: AbortSignal) {
    this.#reader = reader;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message. Rejects with `CloseError` after an end that is not quiet, with the signal's reason when aborted. */
  next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#state === 'ended') return Promise.resolve({ value: undefined, done: true });
    if (this.#state === 'new') {
      this.#state = 'active';
      this.#reader.iteratorBegan();
    }
    this.#comeBack();
    if (this.#signal?.aborted) {
      this.#end();
      return Promise.reject(this.#signal.reason);
    }
    const message = this.#reader.take();
    if (message !== undefined) {
      this.#holding++;
      return Promise.resolve({ value: message, done: false });
    }
    if (this.#reader.final !== undefined) return this.#finish(this.#reader.final);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#reader.cancel(puller);
        this.#end();
        reject(this.#signal!.reason);
      };
      const puller: Puller = {
        message: (value) => {
          this.#signal?.removeEventListener('abort', abort);
          this.#holding++;
          resolve({ value, done: false });
        },
        end: (final) => {
          this.#signal?.removeEventListener('abort', abort);
          resolve(this.#finish(final));
        },
      };
      this.#signal?.addEventListener('abort', abort, { once: true });
      this.#reader.wait(puller);
    });
  }

  /** `break` leaves the connection open, and what was not taken in the queue. */
  return(): Promise<IteratorResult<Message, undefined>> {
    while (this.#holding > 0) this.#comeBack();
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  #finish(final: FinalEnd): Promise<IteratorResult<Message, undefined>> {
    this.#end();
    return final.isQuiet ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(final.error);
  }

  #comeBack(): void {
    if (this.#holding === 0) return;
    this.#holding--;
    this.#reader.returned();
  }

  #end(): void {
    if (this.#state === 'active') this.#reader.iteratorEnded();
    this.#state = 'ended';
  }
}
