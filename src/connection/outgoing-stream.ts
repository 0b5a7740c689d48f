import { AntsError } from '../errors.js';
import { maxHeaderSize } from '../protocol/frame-encoder.js';
import { Opcode } from '../protocol/opcode.js';
import { onAbort } from './abort.js';
import { ChunkEncoder } from './chunk-encoder.js';
import type { WhenSlow } from './options.js';
import { largestSlab } from './slab-pool.js';
import type { Chunks } from './stream-source.js';

/** Takes the frames of the message whose turn it is. */
export interface FragmentWriter {
  /** Adds a frame; the bytes are copied. */
  fragment(opcode: number, fin: boolean, bytes: Uint8Array): void;
  /** Whether more frames may be added. */
  readonly hasRoom: boolean;
  /** Calls back when that is so again. */
  whenRoom(room: () => void): void;
}

/** How `sendStream` cuts and sends a message. */
export interface SendStreamOptions {
  /** Default: text when the first chunk is a string, binary otherwise. */
  type?: 'text' | 'binary' | undefined;
  /** Payload bytes of a frame, at most. Default: 65,522 (64 KiB with the frame's header), or the connection's `fragmentSize` if that is less. */
  fragmentSize?: number | undefined;
  /** What happens while the peer is slow, before the message begins; instead of the connection's option. */
  whenSlow?: WhenSlow | undefined;
  /** Whether the message is compressed, if that was agreed on. Default: `true`. */
  compress?: boolean | undefined;
  /** Gives the message up. When a part of it has left, that fails the connection with 1011. */
  signal?: AbortSignal | undefined;
}

/** A frame of this payload fills one slab of memory. */
export const defaultFragmentSize = largestSlab - maxHeaderSize;

/** What is collected of small chunks at first. */
const firstBlock = 4 * 1024;

interface Settle {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A message on its way out whose content comes from a source. Small chunks are collected into frames of the wanted size, unless the
 * source lets us wait: then what there is goes out.
 */
export class OutgoingStream {
  /** Resolves when all of it was handed over; rejects with what the source throws, or what ended it. */
  readonly sent: Promise<void>;
  readonly #settle: Settle;
  readonly #chunks: Chunks;
  readonly #encoder: ChunkEncoder;
  readonly #fragmentSize: number;
  readonly #onCut: (error: AntsError) => void;
  readonly #forgetSignal: () => void;
  #writer: FragmentWriter | undefined;
  #block: Buffer | undefined;
  /** Bytes used of the block. */
  #used = 0;
  #fragments = 0;
  #isOver = false;
  /** Ends the wait in progress. */
  #giveUp: ((error: unknown) => void) | undefined;

  /** @param onCut The message can't be completed, and the peer has a part of it: the connection must fail. */
  constructor(
    chunks: Chunks,
    type: 'text' | 'binary' | undefined,
    fragmentSize: number,
    signal: AbortSignal | undefined,
    onCut: (error: AntsError) => void,
  ) {
    this.#chunks = chunks;
    this.#encoder = new ChunkEncoder(type);
    this.#fragmentSize = fragmentSize;
    this.#onCut = onCut;
    let settle: Settle | undefined;
    this.sent = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    // A rejection that nobody looks at must not end the process, as with `send`.
    this.sent.catch(noop);
    this.#settle = settle!;
    this.#forgetSignal = onAbort(signal, (reason) => this.cancel(reason));
  }

  /** Sends it all; resolves also when that fails. */
  async run(writer: FragmentWriter): Promise<void> {
    if (this.#isOver) return;
    this.#writer = writer;
    try {
      await this.#pump();
      this.#forgetSignal();
      this.#isOver = true;
      this.#settle.resolve();
    } catch (error) {
      this.cancel(error);
    }
  }

  /** Gives up: a message that the peer has nothing of is not sent, another one fails the connection. */
  cancel(error: unknown): void {
    const isCut = this.#fragments > 0 && !this.#isOver;
    this.end(error);
    if (isCut) this.#onCut(messageCut(error));
  }

  /** Does not send it, and counts it as taken care of. */
  leaveOut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forgetSignal();
    this.#settle.resolve();
    this.#chunks.cancel(undefined);
  }

  /** Gives up because the connection does. */
  end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forgetSignal();
    this.#settle.reject(error);
    this.#giveUp?.(error);
    this.#chunks.cancel(error);
  }

  async #pump(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#next();
      if (done === true) break;
      for (const bytes of this.#encoder.encode(value)) await this.#add(bytes);
    }
    await this.#add(this.#encoder.end());
    this.#write(this.#collected(), true);
    await this.#room();
  }

  async #next(): Promise<IteratorResult<unknown, unknown>> {
    const next = this.#untilOver<IteratorResult<unknown, unknown>>((resolve, reject) => {
      this.#chunks.next().then(resolve, reject);
    });
    if (this.#used === 0) return next;
    const stop = this.#flushSoon();
    try {
      return await next;
    } finally {
      stop();
    }
  }

  /** Sends what was collected unless it is stopped within this turn. */
  #flushSoon(): () => void {
    let isWanted = true;
    const flush = (): void => {
      if (!isWanted || this.#isOver) return;
      if (this.#writer!.hasRoom) this.#write(this.#collected(), false);
      else this.#writer!.whenRoom(flush);
    };
    const immediate = setImmediate(flush);
    return () => {
      isWanted = false;
      clearImmediate(immediate);
    };
  }

  async #add(bytes: Uint8Array): Promise<void> {
    let start = 0;
    while (start < bytes.length) {
      const end = Math.min(start + this.#fragmentSize - this.#used, bytes.length);
      const isFull = this.#used + end - start === this.#fragmentSize;
      if (isFull && this.#used === 0) {
        this.#write(bytes.subarray(start, end), false);
      } else {
        this.#collect(bytes.subarray(start, end));
        if (isFull) this.#write(this.#collected(), false);
      }
      start = end;
      if (isFull) await this.#room();
    }
  }

  #collect(bytes: Uint8Array): void {
    const used = this.#used + bytes.length;
    if (this.#block === undefined || this.#block.length < used) {
      const size = Math.min(Math.max(used, (this.#block?.length ?? 0) * 2, firstBlock), this.#fragmentSize);
      const block = Buffer.allocUnsafeSlow(size);
      this.#block?.copy(block, 0, 0, this.#used);
      this.#block = block;
    }
    this.#block.set(bytes, this.#used);
    this.#used = used;
  }

  /** Takes what was collected. */
  #collected(): Uint8Array {
    const bytes = this.#block?.subarray(0, this.#used) ?? Buffer.alloc(0);
    this.#used = 0;
    return bytes;
  }

  #write(bytes: Uint8Array, fin: boolean): void {
    // It may have ended between two steps that waited for nothing.
    if (this.#isOver) throw new Error('over');
    const first = this.#encoder.isText ? Opcode.Text : Opcode.Binary;
    this.#writer!.fragment(this.#fragments === 0 ? first : Opcode.Continuation, fin, bytes);
    this.#fragments++;
    // The last frame leaves nothing to fail for.
    if (fin) this.#fragments = 0;
  }

  async #room(): Promise<void> {
    while (!this.#writer!.hasRoom) {
      await this.#untilOver<void>((resolve) => this.#writer!.whenRoom(resolve));
    }
  }

  /** A wait that ends with this stream. */
  #untilOver<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      if (this.#isOver) reject(new Error('over'));
      else start(resolve, reject);
    });
  }
}

function messageCut(error: unknown): AntsError {
  const why = error instanceof Error ? error.message || error.name : String(error);
  return new AntsError(
    'ANTS_MESSAGE_CUT',
    `a message that was being sent as a stream ended too early: ${why}`,
    {
      cause: error,
    },
  );
}

function noop(): void {}
