import { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Connection } from '../connection/connection.js';
import { CloseError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';

/** How `toDuplex` writes. */
export interface DuplexOptions {
  /** The type of the messages that are sent; text must be UTF-8. Default: binary. */
  type?: 'text' | 'binary' | undefined;
}

/**
 * A Node stream of bytes over a connection: each write is a message, and the bytes of all messages that come are one behind the other,
 * text as UTF-8. Reading it sets the pace of the peer, and writing waits for it.
 *
 * `end()` closes the connection with 1000 behind what was written. An end in order is the end of the stream, any other one its
 * error. `destroy(error)` closes with 1011, `destroy()` cuts the connection if it is still open.
 *
 * The stream pulls messages: the connection must not be read in another way.
 */
export function toDuplex(connection: Connection, options: DuplexOptions = {}): Duplex {
  const { type = 'binary' } = options;
  const decoder = type === 'text' ? new StringDecoder('utf8') : undefined;
  const parts = readParts(connection);
  return new Duplex({
    allowHalfOpen: false,
    read() {
      parts.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    write(chunk: Buffer, _encoding, callback) {
      // A character that is cut waits for its rest, as each text message is valid for itself.
      const data = decoder === undefined ? chunk : decoder.write(chunk);
      if (data.length === 0) callback();
      else connection.send(data).then(() => callback(), callback);
    },
    final(callback) {
      const rest = decoder?.end() ?? '';
      if (rest.length > 0) connection.send(rest);
      connection.close().then(({ error }) => callback(error), callback);
    },
    destroy(error, callback) {
      if (connection.state === 'open') {
        if (error === null) connection.terminate();
        else void connection.close(CloseCode.InternalError);
      }
      void parts.return(undefined);
      callback(error);
    },
  });
}

/** The bytes of all messages, in parts that are not empty; ends with a connection that ends in order. */
async function* readParts(connection: Connection): AsyncGenerator<Buffer, void> {
  for (;;) {
    const stream = await nextStream(connection);
    if (stream === undefined) return;
    for await (const part of stream) yield typeof part === 'string' ? Buffer.from(part) : part;
  }
}

async function nextStream(connection: Connection) {
  try {
    return await connection.receiveStream();
  } catch (error) {
    if (!(error instanceof CloseError)) throw error;
    const info = await connection.closed;
    if (info.error === undefined) return undefined;
    throw error;
  }
}
