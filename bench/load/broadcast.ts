import { RawClient } from './raw-client.js';
import { makeWindows, ReplyCheck, type Windows } from './windows.js';

/** What is broadcast. */
export interface BroadcastShape {
  readonly size: number;
  readonly connections: number;
  readonly inFlight: number;
}

/** One connection sends windows of messages, and each of them is to reach all. A message counts once for each that it reaches. */
export class BroadcastLoad {
  readonly #port: number;
  readonly #shape: BroadcastShape;
  readonly #windows: Windows;
  readonly #clients: RawClient[] = [];
  #window = 0;
  #left = 0;
  #waiting = 0;
  #onDone = () => {};

  constructor(port: number, shape: BroadcastShape) {
    this.#port = port;
    this.#shape = shape;
    this.#windows = makeWindows(shape.size, false, shape.inFlight, false);
  }

  async open(): Promise<void> {
    for (let i = 0; i < this.#shape.connections; i++) {
      const check = new ReplyCheck(this.#windows);
      const client = await RawClient.open(this.#port, (bytes, start, end) => {
        if (check.take(bytes, start, end) && --this.#waiting === 0) this.#next();
      });
      this.#clients.push(client);
    }
  }

  run(messages: number): Promise<number> {
    const { connections, inFlight } = this.#shape;
    const windows = Math.ceil(messages / connections / inFlight);
    return new Promise((resolve) => {
      this.#onDone = () => resolve(windows * connections * inFlight);
      this.#left = windows;
      this.#next();
    });
  }

  close(): void {
    for (const { socket } of this.#clients.splice(0)) socket.destroy();
  }

  #next(): void {
    if (this.#left === 0) {
      this.#onDone();
      return;
    }
    this.#left--;
    this.#waiting = this.#clients.length;
    this.#clients[0]!.socket.write(this.#windows.requests[this.#window]!);
    this.#window = (this.#window + 1) % this.#windows.requests.length;
  }
}
