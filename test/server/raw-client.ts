import { once } from 'node:events';
import { createConnection, type NetConnectOpts, type Socket } from 'node:net';
import { makeRequest, type RequestVector } from '../handshake/vectors.js';

/** The bytes of a request, made as in the table of vectors. */
export function formatRequest(changes?: Partial<Omit<RequestVector, 'result'>>): string {
  const { method, url, httpVersion, rawHeaders } = makeRequest(changes);
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A client that writes bytes and collects bytes. */
export class RawClient {
  readonly socket: Socket;
  /** All that came, once the connection has ended in whatever way. */
  readonly ended: Promise<string>;
  received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
    });
    // A reset is one of the ways to end.
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => socket.on('close', () => resolve(this.received)));
  }

  static async connect(options: NetConnectOpts): Promise<RawClient> {
    const socket = createConnection(options);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Everything received so far, as soon as it includes `text`. */
  async until(text: string): Promise<string> {
    while (!this.received.includes(text)) {
      await Promise.race([once(this.socket, 'data'), this.ended]);
      if (this.socket.destroyed && !this.received.includes(text)) {
        throw new Error(`ended without ${JSON.stringify(text)}: ${JSON.stringify(this.received)}`);
      }
    }
    return this.received;
  }
}
