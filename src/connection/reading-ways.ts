import { UsageError } from '../errors.js';
import type { Inbox } from './inbox.js';

/** The error of who begins to read a connection in a second way. */
export function readingTwice(what: string): UsageError {
  return new UsageError('ANTS_READING_TWICE', `${what}; a connection is read in one way at a time`);
}

/** What is wrong with pulling a message now; undefined when nothing is. */
export function pullMisuse(inbox: Inbox, isListening: boolean): UsageError | undefined {
  if (inbox.isIgnoring) return readingTwice('messages were pulled after ignoreMessages()');
  return isListening ? readingTwice("messages were pulled while 'message' has listeners") : undefined;
}

/** What is wrong with adding a listener of `message` now; undefined when nothing is. An inbox that was not made has no readers. */
export function listenMisuse(inbox: Inbox | undefined): UsageError | undefined {
  if (inbox === undefined) return undefined;
  if (inbox.isPulled) {
    return readingTwice(
      "a listener of 'message' was added while messages are pulled by for await, receive(), receiveStream() or consume()",
    );
  }
  return inbox.isIgnoring
    ? readingTwice("a listener of 'message' was added after ignoreMessages()")
    : undefined;
}
