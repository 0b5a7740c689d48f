import { clearDeadline, type Deadline, setDeadline } from './deadline.js';

/** How long a full queue may stay untouched, in milliseconds. */
const patience = 10_000;

/** One warning a process is enough to find the mistake. */
let warned = false;

/** Tells the developer, once, that messages pile up because nobody reads them. */
export class UnreadWarning {
  #timer: Deadline | undefined;

  /** The queue is full, or a message passes a limit, and nobody is waiting for messages. */
  start(messages: number): void {
    if (warned || this.#timer !== undefined) return;
    this.#timer = setDeadline(patience, () => {
      this.stop();
      if (warned) return;
      warned = true;
      process.emitWarning(
        `a connection has ${messages === 0 ? 'an unread message that passes a limit' : `${messages} unread messages`} and reading from its peer has stopped for ${patience} ms: ` +
          "read them with for await, receive() or on('message'), or call ignoreMessages()",
        { type: 'AntsWarning', code: 'ANTS_UNREAD_MESSAGES' },
      );
    });
  }

  /** Someone reads, or the connection has ended. */
  stop(): void {
    clearDeadline(this.#timer);
    this.#timer = undefined;
  }
}
