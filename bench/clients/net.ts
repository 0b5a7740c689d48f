// What no client on Node's sockets can be faster than: it knows no WebSocket, only how long the frames are that come, and has those that
// it sends made beforehand. Nothing is masked, nothing copied, and each message lies where the one before lay.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeHeader } from '../load/frames.js';
import { beMeasured, type MeasuredClient } from './measured.js';

const blockSize = 64 * 1024;

beMeasured(async (url, take) => {
  const { hostname, port, pathname } = new URL(url);
  const size = Number(pathname.split('/')[2]);
  const frames = new Frames(size, take);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread: frames });
  await once(socket, 'connect');
  const key = randomBytes(16).toString('base64');
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
  await frames.began;
  return new RawSender(socket);
});

/** The way in. */
class Frames {
  readonly began: Promise<void>;
  readonly #headerSize: number;
  readonly #frameSize: number;
  readonly #take: (message: Buffer) => void;
  readonly #block: Buffer;
  #onBegin!: () => void;
  #isOpen = false;
  /** Bytes of the next frame that are here, at the beginning of the block. */
  #used = 0;

  constructor(size: number, take: (message: Buffer) => void) {
    this.#headerSize = encodeHeader(0x82, size, false).length;
    this.#frameSize = this.#headerSize + size;
    this.#take = take;
    this.#block = Buffer.alloc(Math.max(blockSize, this.#frameSize));
    this.began = new Promise((resolve) => {
      this.#onBegin = resolve;
    });
  }

  readonly buffer = (): Buffer => this.#block.subarray(this.#used);

  readonly callback = (bytes: number): boolean => {
    if (!this.#isOpen) {
      // The server says nothing behind its handshake before it is asked.
      this.#isOpen = true;
      this.#onBegin();
      return true;
    }
    const end = this.#used + bytes;
    let start = 0;
    for (; end - start >= this.#frameSize; start += this.#frameSize)
      this.#take(this.#block.subarray(start + this.#headerSize, start + this.#frameSize));
    if (start > 0) this.#block.copyWithin(0, start, end);
    this.#used = end - start;
    return true;
  };
}

/** The way out: all that is sent in a turn goes in one write. */
class RawSender implements MeasuredClient {
  readonly #socket: Socket;
  /** By how many of them there are. */
  readonly #windows: Buffer[] = [];
  #frame: Buffer | undefined;
  #waiting = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(message: string | Uint8Array): void {
    if (typeof message === 'string') {
      this.#socket.write(makeFrame(0x81, Buffer.from(message)));
      return;
    }
    this.#frame ??= makeFrame(0x82, message);
    if (this.#waiting++ === 0) queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    const count = this.#waiting;
    this.#waiting = 0;
    this.#windows[count] ??= Buffer.concat(Array<Buffer>(count).fill(this.#frame!));
    this.#socket.write(this.#windows[count]);
  };
}

/** With the key 0, which masks nothing. */
function makeFrame(firstByte: number, payload: Uint8Array): Buffer {
  return Buffer.concat([encodeHeader(firstByte, payload.length, true), Buffer.alloc(4), payload]);
}
