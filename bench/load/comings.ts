import { fail, RawClient } from './raw-client.js';

/** An empty Close frame of a client, and what answers it: an empty one, or one with 1000 (RFC 6455 section 5.5.1). */
const close = Buffer.of(0x88, 0x80, 1, 2, 3, 4);
const answers = [Buffer.of(0x88, 0), Buffer.of(0x88, 2, 0x03, 0xe8)];

/** Connections that shake hands, close in order, and go, some at a time. */
export class ComingsLoad {
  readonly #port: number;
  readonly #atATime: number;

  constructor(port: number, atATime: number) {
    this.#port = port;
    this.#atATime = atATime;
  }

  async open(): Promise<void> {}

  async run(connections: number): Promise<number> {
    let left = connections;
    const worker = async () => {
      while (left-- > 0) await this.#comeAndGo();
    };
    await Promise.all(Array.from({ length: this.#atATime }, worker));
    return connections;
  }

  close(): void {}

  async #comeAndGo(): Promise<void> {
    let received = Buffer.alloc(0);
    const client = await RawClient.open(this.#port, (bytes, start, end) => {
      received = Buffer.concat([received, bytes.subarray(start, end)]);
    });
    await new Promise<void>((resolve) => {
      // The server ends TCP first (RFC 6455 section 7.1.1).
      client.onEnd = resolve;
      client.socket.write(close);
    });
    if (!answers.some((answer) => answer.equals(received))) {
      fail(new Error(`a Close frame was answered with ${received.toString('hex') || 'nothing'}`));
    }
    client.socket.destroy();
  }
}

/** Connections that do nothing. */
export class IdleLoad {
  readonly #port: number;
  readonly #clients: RawClient[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<void> {}

  /** Opens that many more. */
  async run(connections: number): Promise<number> {
    const atATime = 50;
    for (let i = 0; i < connections; i += atATime) {
      const some = Array.from({ length: Math.min(atATime, connections - i) }, () =>
        RawClient.open(this.#port, () => {}),
      );
      this.#clients.push(...(await Promise.all(some)));
    }
    return connections;
  }

  close(): void {
    for (const { socket } of this.#clients.splice(0)) socket.destroy();
  }
}
