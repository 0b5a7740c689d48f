import { once } from 'node:events';
import { constants, createDeflateRaw } from 'node:zlib';
import type { DeflateAgreement } from '#src/deflate/extension.js';
import { Inflater } from '#src/deflate/inflater.js';
import { agreement } from './agreements.js';

/** Drives an inflater without a connection: what comes in is cut as wanted, and what comes out is collected. */
export class Inflating {
  readonly inflater: Inflater;
  /** The bytes of the message in progress that came out. */
  parts: Buffer[] = [];
  /** Complete messages. */
  readonly messages: Buffer[] = [];
  error: Error | undefined;
  mustWait = false;
  /** Calls of `onInflaterReady`. */
  ready = 0;
  /** What is thrown instead of taking output. */
  refusal: Error | undefined;
  #wake = (): void => {};

  constructor(deflate: DeflateAgreement = agreement()) {
    this.inflater = new Inflater(
      deflate,
      {
        onInflated: (bytes, start, end, complete) => {
          if (this.refusal !== undefined) throw this.refusal;
          this.parts.push(Buffer.from(bytes.subarray(start, end)));
          if (!complete) return;
          this.messages.push(Buffer.concat(this.parts));
          this.parts = [];
        },
      },
      this as never,
    );
  }

  /** Bytes of the message in progress that came out. */
  get size(): number {
    return this.parts.reduce((sum, { length }) => sum + length, 0);
  }

  onInflaterReady(): void {
    this.ready++;
    this.#wake();
  }

  onInflaterFailed(error: Error): void {
    this.error = error;
    this.#wake();
  }

  /** Gives one piece, and waits until all of it is done. False: it failed. */
  async push(bytes: Uint8Array, final: boolean): Promise<boolean> {
    try {
      // The bytes stand in the middle of a chunk, which is used again at once.
      const chunk = Buffer.concat([Buffer.from([1, 2, 3]), bytes, Buffer.from([4, 5])]);
      let isDone = this.inflater.inflate(chunk, 3, 3 + bytes.length, final);
      chunk.fill(0xee);
      while (!isDone && this.error === undefined) {
        if (this.inflater.isReady && !this.mustWait) isDone = this.inflater.resume();
        if (!isDone && this.error === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } catch (error) {
      this.error = error as Error;
    }
    if (this.error !== undefined) this.inflater.close();
    return this.error === undefined;
  }

  /** Inflates a whole message, cut into pieces of so many bytes; undefined when it is refused. */
  async message(payload: Uint8Array, pieceSize = Infinity): Promise<Buffer | undefined> {
    let start = 0;
    do {
      const end = Math.min(start + pieceSize, payload.length);
      if (!(await this.push(payload.subarray(start, end), end === payload.length))) return undefined;
      start = end;
    } while (start < payload.length);
    return this.messages.at(-1);
  }
}

/** How another end compresses. */
export interface ZlibOptions {
  readonly level?: number;
  readonly memLevel?: number;
  readonly windowBits?: number;
  readonly strategy?: number;
}

/** Compresses messages as RFC 7692 section 7.2.1 says, with Node's documented zlib; with context takeover. */
export async function zlibDeflate(
  messages: readonly Uint8Array[],
  options: ZlibOptions = {},
): Promise<Buffer[]> {
  const deflate = createDeflateRaw(options);
  const pieces: Buffer[] = [];
  deflate.on('data', (piece: Buffer) => pieces.push(piece));
  const payloads: Buffer[] = [];
  for (const message of messages) {
    deflate.write(message);
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    const all = Buffer.concat(pieces.splice(0));
    payloads.push(all.length === 0 ? Buffer.from([0]) : all.subarray(0, all.length - 4));
  }
  deflate.close();
  await once(deflate, 'close');
  return payloads;
}
