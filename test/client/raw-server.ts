import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { acceptValue } from '#src/handshake/accept-value.js';

/** A request as it came, and the socket to answer on. */
export interface RawRequest {
  readonly text: string;
  readonly socket: Socket;
}

/** A server that collects requests and answers with bytes. */
export class RawServer {
  readonly #server: Server = createServer((socket) => this.#accept(socket));
  readonly #sockets: Socket[] = [];
  readonly #requests: RawRequest[] = [];
  #arrived: (() => void) | undefined;

  static async start(): Promise<RawServer> {
    const server = new RawServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/`;
  }

  /** The next request, as soon as its headers are complete. */
  async request(): Promise<RawRequest> {
    while (this.#requests.length === 0) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.#requests.shift()!;
  }

  /** Answers the next request with these bytes. */
  async answer(bytes: string | Buffer): Promise<RawRequest> {
    const request = await this.request();
    request.socket.write(bytes);
    return request;
  }

  /** Answers the next request with 101 and these header lines, then with `behind` in the same packet. */
  async accept(lines: readonly string[] = [], behind = Buffer.alloc(0)): Promise<RawRequest> {
    const request = await this.request();
    request.socket.write(Buffer.concat([Buffer.from(switching(request.text, lines)), behind]));
    return request;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#sockets.push(socket);
    // A reset is one of the ways in which clients leave.
    socket.on('error', () => {});
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (!text.includes('\r\n\r\n')) return;
      this.#requests.push({ text, socket });
      text = '';
      this.#arrived?.();
    });
  }
}

/** A 101 that fits a request, with more header lines. */
export function switching(request: string, lines: readonly string[] = []): string {
  const key = /\r\nSec-WebSocket-Key: (.*)\r\n/.exec(request)?.[1] ?? '';
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptValue(key)}`,
    ...lines,
    '\r\n',
  ].join('\r\n');
}
