import type { Connection } from '../connection/connection.js';
import type { OutgoingData } from '../connection/outgoing-data.js';
import { AntsError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import type { Message } from '../protocol/message-assembler.js';

/** The two directions of a connection as web streams. A chunk is a message. */
export interface WebStreams {
  readonly readable: ReadableStream<Message>;
  readonly writable: WritableStream<OutgoingData>;
}

/**
 * Web streams over a connection: a chunk is a message, text a string and binary a Buffer. A message is taken when a chunk is asked for,
 * and a write waits as `send` does.
 *
 * Closing `writable` closes the connection with 1000 behind what was written, cancelling `readable` closes it with 1000, and aborting
 * `writable` with 1011. An end in order closes `readable`; any other one is an error of both.
 *
 * `readable` pulls messages: the connection must not be read in another way.
 */
export function toWebStreams(connection: Connection): WebStreams {
  const messages = connection[Symbol.asyncIterator]();
  const readable = new ReadableStream<Message>(
    {
      async pull(controller) {
        const { done, value } = await messages.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await messages.return?.();
        await connection.close();
      },
    },
    // Nothing is taken in advance.
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<OutgoingData>({
    start(controller) {
      const fail = (error: Error | undefined): void =>
        controller.error(error ?? new AntsError('ANTS_STREAM_CLOSED', 'the connection has been closed'));
      if (connection.state === 'closed') void connection.closed.then(({ error }) => fail(error));
      else connection.once('close', ({ error }) => fail(error));
    },
    write(message) {
      return connection.send(message);
    },
    async close() {
      const { error } = await connection.close();
      if (error !== undefined) throw error;
    },
    async abort() {
      await connection.close(CloseCode.InternalError);
    },
  });
  return { readable, writable };
}
