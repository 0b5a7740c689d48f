import { setMaxListeners } from 'node:events';
import type { Message } from '../protocol/message-assembler.js';
import { onAbort } from './abort.js';
import type { MessageIterator } from './message-iterator.js';

/**
 * Runs `work` for each message in `count` loops side by side, each of which takes a message when it is done with the one before.
 * The first failure of one, or the abort of `signal`, ends all of them before they take another message.
 */
export async function consumeMessages(
  iterate: (signal: AbortSignal) => MessageIterator,
  work: (message: Message) => unknown,
  count: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  // One listener a loop is no leak.
  setMaxListeners(0, stop.signal);
  const forgetSignal = onAbort(signal, (reason) => stop.abort(reason));
  const loop = async (): Promise<void> => {
    try {
      for await (const message of iterate(stop.signal)) await work(message);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  try {
    await Promise.all(Array.from({ length: count }, loop));
  } finally {
    forgetSignal();
  }
}
