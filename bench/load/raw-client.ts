import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** All connections read into this, so that reading costs no memory. */
const readBuffer = Buffer.allocUnsafeSlow(512 * 1024);

/** Takes the bytes `[start, end)` of `bytes`, which are only lent. */
export type Taker = (bytes: Buffer, start: number, end: number) => void;

/** A WebSocket client in bytes: it shakes hands, and knows nothing of frames. */
export class RawClient {
  readonly socket: Socket;
  /** Called at the end of TCP. */
  onEnd: () => void;
  readonly #take: Taker;
  readonly #onOpen: () => void;
  #head = '';
  #isOpen = false;

  private constructor(port: number, take: Taker, onOpen: () => void, onEnd: () => void) {
    this.#take = take;
    this.#onOpen = onOpen;
    this.onEnd = onEnd;
    this.socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.socket.on('end', () => this.onEnd());
    this.socket.on('error', fail);
    this.socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
  }

  /** Connects; resolves when the handshake is done. An end that comes while `onEnd` is not set otherwise is a failure. */
  static open(port: number, take: Taker): Promise<RawClient> {
    return new Promise((resolve) => {
      const client = new RawClient(
        port,
        take,
        () => resolve(client),
        () => fail(new Error('the server ended a connection')),
      );
    });
  }

  #read(length: number): void {
    if (this.#isOpen) {
      this.#take(readBuffer, 0, length);
      return;
    }
    const known = this.#head.length;
    this.#head += readBuffer.toString('latin1', 0, length);
    const end = this.#head.indexOf('\r\n\r\n') + 4;
    if (end === 3) return;
    if (!this.#head.startsWith('HTTP/1.1 101 ')) fail(new Error(`no handshake: ${this.#head}`));
    this.#isOpen = true;
    this.#onOpen();
    if (end - known < length) this.#take(readBuffer, end - known, length);
  }
}

/** Results that are not right are worth nothing: whoever asks learns that this process has ended. */
export function fail(error: Error): never {
  console.error(error);
  process.exit(1);
}
