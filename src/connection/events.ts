import type { CloseError } from '../errors.js';
import type { Message } from '../protocol/message-assembler.js';

/** How a connection ended. */
export interface CloseInfo {
  /** The code of the received Close frame, 1005 when it had none, 1006 when there was no such frame (RFC 6455 section 7.1.5). */
  readonly code: number;
  /** The reason of the received Close frame; empty without one. */
  readonly reason: string;
  /** Whether both Close frames were exchanged (RFC 6455 section 7.1.4). */
  readonly wasClean: boolean;
  /** Bytes that were accepted for sending and did not leave this process. */
  readonly unsentBytes: number;
  /**
   * Why it ended, unless it ended in order with 1000, 1001, 1005 or a code that this end closed with; always there
   * when a deadline ended it.
   */
  readonly error?: CloseError | undefined;
}

/**
 * The events of a `Connection`. There is no `error` event: every end is one `close`, which carries its cause. An error
 * thrown by a listener closes the connection with 1011 and goes to the option `onError`.
 */
export interface ConnectionEvents {
  /** A message came: text as a string, binary as a Buffer. */
  message: (message: Message) => void;
  /** A ping came; it has been answered already. */
  ping: (payload: Buffer) => void;
  /** A pong came; not those of the heartbeat. */
  pong: (payload: Buffer) => void;
  /** The buffered bytes fell below half the high-water mark, after they had been above it. */
  drain: () => void;
  /** The connection has ended; the last event, unless somebody listens to unread messages only afterwards. */
  close: (info: CloseInfo) => void;
}

/** The methods of an EventEmitter, typed by a map of events. */
export interface TypedEvents<Events extends { [E in keyof Events]: (...args: never[]) => void }> {
  addListener<E extends keyof Events>(event: E, listener: Events[E]): this;
  on<E extends keyof Events>(event: E, listener: Events[E]): this;
  once<E extends keyof Events>(event: E, listener: Events[E]): this;
  prependListener<E extends keyof Events>(event: E, listener: Events[E]): this;
  prependOnceListener<E extends keyof Events>(event: E, listener: Events[E]): this;
  off<E extends keyof Events>(event: E, listener: Events[E]): this;
  removeAllListeners<E extends keyof Events>(event?: E): this;
  removeListener<E extends keyof Events>(event: E, listener: Events[E]): this;
  emit<E extends keyof Events>(event: E, ...args: Parameters<Events[E]>): boolean;
  eventNames(): (keyof Events | string | symbol)[];
  rawListeners<E extends keyof Events>(event: E): Events[E][];
  listeners<E extends keyof Events>(event: E): Events[E][];
  listenerCount<E extends keyof Events>(event: E): number;
  getMaxListeners(): number;
  setMaxListeners(maxListeners: number): this;
}
