import type { Message } from '../protocol/message-assembler.js';
import { onAbort } from './abort.js';
import type { Inbox, Puller } from './inbox.js';
import { preHandled, rejected } from './pre-handled.js';

/** Takes the next message as a whole. The rejection at the end of the connection may be left alone. */
export function receiveMessage(inbox: Inbox, signal: AbortSignal | undefined): Promise<Message> {
  inbox.returned();
  const message = inbox.take();
  if (message !== undefined) return Promise.resolve(message);
  if (inbox.final !== undefined) return rejected(inbox.final.error);
  const received = new Promise<Message>((resolve, reject) => {
    const puller: Puller = {
      message: (value) => {
        forgetSignal();
        resolve(value);
      },
      end: (final) => {
        forgetSignal();
        reject(final.error);
      },
    };
    const forgetSignal = onAbort(signal, (reason) => {
      inbox.cancel(puller);
      reject(reason);
    });
    inbox.wait(puller);
  });
  return preHandled(received);
}
