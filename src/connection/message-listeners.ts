import { EventEmitter } from 'node:events';
import type { Message } from '../protocol/message-assembler.js';
import type { ConnectionEvents } from './events.js';
import { expectAnswerLater } from './flush.js';
import { resolved } from './pre-handled.js';

type Listener = (this: unknown, message: Message) => unknown;

/** The emitter whose listeners these are. */
export interface MessageEmitter {
  rawListeners(event: 'message'): ConnectionEvents['message'][];
  [EventEmitter.captureRejectionSymbol](error: unknown): void;
}

/**
 * The listeners of `message`, called without `emit`: that one pays a promise and two functions for each promise that a listener
 * returns, also for the shared one of `send` (`conn.on('message', (message) => conn.send(message))`).
 */
export class MessageListeners {
  readonly #emitter: MessageEmitter;
  /** A copy, made anew after each change, so that a change during a call is for the next one. */
  #listeners: readonly Listener[] | undefined;

  constructor(emitter: MessageEmitter) {
    this.#emitter = emitter;
  }

  get count(): number {
    return this.#current().length;
  }

  /** Listeners were added or removed. */
  changed(): void {
    this.#listeners = undefined;
  }

  /** Calls all of them; throws what one of them throws. What an async one rejects with goes where `captureRejections` sends it. */
  call(message: Message): void {
    const emitter = this.#emitter;
    const listeners = this.#current();
    for (let i = 0; i < listeners.length; i++) {
      const result = listeners[i]!.call(emitter, message);
      if (result === undefined || result === resolved || !isThenable(result)) continue;
      expectAnswerLater();
      result.then(undefined, (error) => emitter[EventEmitter.captureRejectionSymbol](error));
    }
  }

  #current(): readonly Listener[] {
    this.#listeners ??= this.#emitter.rawListeners('message');
    return this.#listeners;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}
