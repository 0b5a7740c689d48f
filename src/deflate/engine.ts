import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib';
import { handleOf, type ZlibHandle } from './zlib-handle.js';

/** How an engine is set up: what zlib calls its parameters. */
export interface EngineSettings {
  readonly windowBits: number;
  readonly level: number;
  readonly memLevel: number;
}

/** Bytes of output that zlib's thread makes in one go; Node holds a block of as many for each stream. */
const maxChunkSize = 16 * 1024;
const minChunkSize = 256;

/** What a job in the thread pool tells. The calls come from the event loop, and must not throw. */
export interface JobSink {
  /** Bytes that nobody else uses. */
  onOutput(bytes: Buffer): void;
  /** All is done; `consumed` bytes of the input are less than it had when a DEFLATE stream ended within it. */
  onDone(consumed: number): void;
  onError(error: Error): void;
}

let live = 0;

/** How many engines hold memory of zlib at the moment. */
export function countEngines(): number {
  return live;
}

/**
 * One raw DEFLATE state of zlib, that of a compressor or of a decompressor. It works at once where Node lets it (`isSync`), or in
 * the thread pool, never both at a time: whoever starts a job waits for its end.
 */
export class Engine {
  readonly #make: (chunkSize: number) => DeflateRaw | InflateRaw;
  #stream: DeflateRaw | InflateRaw | undefined;
  #handle: ZlibHandle | undefined;
  #isListening = false;
  #job: JobSink | undefined;
  /** Whether all input of the job was worked off, and how much of it that was. */
  #isFlushed = false;
  #consumed = 0;
  /** Whether the stream works no more. */
  #isSpent = false;
  /** What jobs made since the stream was opened, in bytes. */
  #output = 0;
  /** What `run` left: room in the output, bytes of the input. */
  roomLeft = 0;
  inputLeft = 0;

  private constructor(make: (chunkSize: number) => DeflateRaw | InflateRaw) {
    this.#make = make;
    this.#open(maxChunkSize);
    live++;
  }

  static deflate({ windowBits, level, memLevel }: EngineSettings): Engine {
    // zlib can't do 8 here. With 9 it refers back 512 - 262 bytes at most, which a window of 8 bits has as well.
    const options = { windowBits: Math.max(windowBits, 9), level, memLevel };
    return new Engine((chunkSize) => createDeflateRaw({ ...options, chunkSize }));
  }

  static inflate(windowBits: number): Engine {
    return new Engine((chunkSize) => createInflateRaw({ windowBits, chunkSize }));
  }

  /** Whether `run` is there. */
  get isSync(): boolean {
    return this.#handle !== undefined;
  }

  /** Whether a job is at work. */
  get isBusy(): boolean {
    return this.#job !== undefined;
  }

  /**
   * Works at once on `input[start, end)`, into `output` from `offset` on, and says in `inputLeft` and `roomLeft` how far it came.
   *
   * @param flush One of zlib's flush values.
   * @throws what zlib finds wrong with the input
   */
  run(
    flush: number,
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    offset: number,
  ): void {
    const handle = this.#handle!;
    handle.write(flush, input, start, end - start, output, offset, output.length - offset);
    this.roomLeft = handle.roomLeft();
    this.inputLeft = handle.inputLeft();
    const { error } = handle;
    if (error === undefined) return;
    handle.error = undefined;
    throw error;
  }

  /** Works on `input` in the thread pool; it must not change until the job is over. One job at a time. */
  start(flush: number, input: Uint8Array, job: JobSink): void {
    const stream = this.#stream!;
    this.#job = job;
    this.#isFlushed = false;
    this.#listen(stream);
    // The job before may have been paused at its end.
    stream.resume();
    const before = stream.bytesWritten;
    stream.write(input);
    const done = (): void => {
      // An engine that was closed meanwhile hears of it as well.
      if (this.#job !== job) return;
      this.#consumed = stream.bytesWritten - before;
      // The end of a DEFLATE stream ends the stream of Node as well.
      if (this.#consumed < input.length) this.#isSpent = true;
      this.#isFlushed = true;
      this.#settle(stream);
    };
    if (flush === constants.Z_NO_FLUSH) stream.write(nothing, done);
    else stream.flush(flush, done);
  }

  /** Holds back the output of the current job, and soon its work. */
  pause(): void {
    this.#stream?.pause();
  }

  /** Undoes `pause`. */
  resume(): void {
    this.#stream?.resume();
  }

  /** Forgets all earlier input. Not while a job is at work. */
  reset(): void {
    const stream = this.#stream!;
    if (stream.destroyed || this.#isSpent) {
      stream.close();
      // A peer that ends its DEFLATE stream every few bytes (RFC 7692 section 7.2.3.4) costs no large block each time.
      this.#open(Math.min(Math.max(this.#output, minChunkSize), maxChunkSize));
    } else if (this.#handle !== undefined) {
      this.#handle.reset();
    } else {
      stream.reset();
    }
  }

  /** Gives the memory back, also in the middle of a job, of which nothing more is heard. */
  close(): void {
    if (this.#stream === undefined) return;
    live--;
    this.#job = undefined;
    this.#stream.close();
    this.#stream = undefined;
    this.#handle = undefined;
  }

  #open(chunkSize: number): void {
    const stream = this.#make(chunkSize);
    this.#output = 0;
    this.#stream = stream;
    this.#handle = handleOf(stream);
    this.#isListening = false;
    this.#isSpent = false;
  }

  /** For jobs only: an engine that works at once needs no listeners. */
  #listen(stream: DeflateRaw | InflateRaw): void {
    if (this.#isListening) return;
    this.#isListening = true;
    stream.on('data', (bytes: Buffer) => {
      this.#output += bytes.length;
      this.#job?.onOutput(bytes);
      this.#settle(stream);
    });
    stream.on('error', (error) => {
      const job = this.#job;
      this.#job = undefined;
      job?.onError(error);
    });
  }

  /** Ends the job once all was worked off and handed over. */
  #settle(stream: DeflateRaw | InflateRaw): void {
    if (!this.#isFlushed || stream.readableLength > 0) return;
    const job = this.#job;
    this.#job = undefined;
    job?.onDone(this.#consumed);
  }
}

const nothing = Buffer.alloc(0);
