import { RawClient } from './raw-client.js';
import { makeWindows, ReplyCheck, type Windows } from './windows.js';

/** What an echo is asked. */
export interface EchoShape {
  readonly size: number;
  readonly isText: boolean;
  readonly connections: number;
  /** Messages that a connection sends in one write; the next ones when all of these are back. */
  readonly inFlight: number;
}

/** Connections that each send windows of messages, and want them back. */
export class EchoLoad {
  readonly #port: number;
  readonly #shape: EchoShape;
  readonly #windows: Windows;
  #clients: { readonly client: RawClient; readonly check: ReplyCheck; left: number }[] = [];
  #busy = 0;
  #onDone = () => {};

  constructor(port: number, shape: EchoShape, isRaw: boolean) {
    this.#port = port;
    this.#shape = shape;
    this.#windows = makeWindows(shape.size, shape.isText, shape.inFlight, isRaw);
  }

  async open(): Promise<void> {
    for (let i = 0; i < this.#shape.connections; i++) {
      const check = new ReplyCheck(this.#windows);
      const client = await RawClient.open(this.#port, (bytes, start, end) => {
        if (check.take(bytes, start, end)) this.#next(i);
      });
      this.#clients.push({ client, check, left: 0 });
    }
  }

  /** Sends about that many messages; resolves to their number when all of them are back. */
  run(messages: number): Promise<number> {
    const { connections, inFlight } = this.#shape;
    const windows = Math.ceil(messages / connections / inFlight);
    this.#busy = connections;
    return new Promise((resolve) => {
      this.#onDone = () => resolve(windows * connections * inFlight);
      for (const [index, connection] of this.#clients.entries()) {
        connection.left = windows;
        this.#next(index);
      }
    });
  }

  close(): void {
    for (const { client } of this.#clients.splice(0)) client.socket.destroy();
  }

  #next(index: number): void {
    const connection = this.#clients[index]!;
    if (connection.left === 0) {
      if (--this.#busy === 0) this.#onDone();
      return;
    }
    connection.left--;
    connection.client.socket.write(this.#windows.requests[connection.check.window]!);
  }
}
