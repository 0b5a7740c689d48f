import { once } from 'node:events';
import { encodeFrame, makePayload } from './frames.js';
import { fail, RawClient } from './raw-client.js';

/** What flows in. */
export interface FlowShape {
  readonly size: number;
  readonly connections: number;
}

/** About as much as one read of a socket. */
const blockBytes = 64 * 1024;

/** Connections that send binary messages as fast as they are taken, and in the end ask by a text message how many came. */
export class FlowLoad {
  readonly #port: number;
  readonly #shape: FlowShape;
  readonly #block: Buffer;
  readonly #blockMessages: number;
  readonly #question = encodeFrame({ isText: true, payload: Buffer.from('how many?') }, true);
  readonly #clients: { readonly client: RawClient; received: Buffer; onAnswer: () => void }[] = [];
  #sentEach = 0;

  constructor(port: number, shape: FlowShape) {
    this.#port = port;
    this.#shape = shape;
    this.#blockMessages = Math.floor(blockBytes / (shape.size + 6));
    const frames = Array.from({ length: this.#blockMessages }, (_, i) =>
      encodeFrame({ isText: false, payload: makePayload(shape.size, false, i) }, true),
    );
    this.#block = Buffer.concat(frames);
  }

  async open(): Promise<void> {
    for (let i = 0; i < this.#shape.connections; i++) {
      const client = await RawClient.open(this.#port, (bytes, start, end) => {
        const connection = this.#clients[i]!;
        connection.received = Buffer.concat([connection.received, bytes.subarray(start, end)]);
        connection.onAnswer();
      });
      this.#clients.push({ client, received: Buffer.alloc(0), onAnswer() {} });
    }
  }

  async run(messages: number): Promise<number> {
    const blocks = Math.ceil(messages / this.#shape.connections / this.#blockMessages);
    this.#sentEach += blocks * this.#blockMessages;
    await Promise.all(this.#clients.map((_, index) => this.#send(index, blocks)));
    return blocks * this.#blockMessages * this.#shape.connections;
  }

  close(): void {
    for (const { client } of this.#clients.splice(0)) client.socket.destroy();
  }

  async #send(index: number, blocks: number): Promise<void> {
    const connection = this.#clients[index]!;
    const { socket } = connection.client;
    for (let i = 0; i < blocks; i++) {
      if (!socket.write(this.#block)) await once(socket, 'drain');
    }
    const payload = Buffer.from(`${this.#sentEach} ${this.#sentEach * this.#shape.size}`);
    const expected = encodeFrame({ isText: true, payload }, false);
    await new Promise<void>((resolve) => {
      connection.onAnswer = () => {
        const { received } = connection;
        if (received.length < expected.length) return;
        if (!received.equals(expected)) fail(new Error(`came: ${received}, not ${expected}`));
        connection.received = Buffer.alloc(0);
        resolve();
      };
      socket.write(this.#question);
    });
  }
}
