import { LimitError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import type { Message } from '../protocol/message-assembler.js';
import { onAbort } from './abort.js';
import type { Inbox, Puller } from './inbox.js';
import { IncomingParts, type IncomingStream } from './incoming-stream.js';

/** How `receiveStream` takes a message. */
export interface ReceiveStreamOptions {
  /** The largest message, in bytes; a larger one fails the connection with 1009. Default: `Infinity`. */
  maxSize?: number | undefined;
  /** Ends the wait and the stream: either throws the signal's reason, and the rest of a message that has begun is skipped. */
  signal?: AbortSignal | undefined;
}

/** Takes the next message in parts. `refuse` fails the connection and returns what to reject with. */
export function receiveStream(
  inbox: Inbox,
  maxSize: number,
  signal: AbortSignal | undefined,
  refuse: (error: LimitError) => Error,
): Promise<IncomingStream> {
  inbox.returned();
  const whole = (message: Message): IncomingParts => {
    inbox.iteratorBegan();
    return IncomingParts.whole(message, inbox, signal);
  };
  const message = inbox.take();
  if (message !== undefined) {
    const size = typeof message === 'string' ? Buffer.byteLength(message) : message.length;
    if (size <= maxSize) return Promise.resolve(whole(message) as IncomingStream);
    const error = new LimitError(
      'ANTS_MESSAGE_TOO_BIG',
      CloseCode.MessageTooBig,
      `a message of ${size} bytes is larger than maxSize (${maxSize})`,
    );
    return Promise.reject(refuse(error));
  }
  if (inbox.final !== undefined) return Promise.reject(inbox.final.error);
  return new Promise((resolve, reject) => {
    const puller: Puller = {
      begin: (isText, total) => {
        forgetSignal();
        inbox.iteratorBegan();
        const parts = new IncomingParts(isText, total, maxSize, inbox, signal);
        resolve(parts as IncomingStream);
        return parts;
      },
      message: (value) => {
        forgetSignal();
        resolve(whole(value) as IncomingStream);
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
}
