import { constants } from 'node:zlib';
import { ProtocolError } from '../errors.js';
import { CloseCode } from '../protocol/close-code.js';
import type { InflatedSink, InflaterOwner, MessageInflater } from '../protocol/message-inflater.js';
import { Engine } from './engine.js';
import { giveContext, inflateLender, type Lender, takeContext } from './engines.js';
import type { DeflateAgreement } from './extension.js';
import { Job } from './job.js';

const { Z_SYNC_FLUSH, Z_BLOCK } = constants;

const scratchSize = 64 * 1024;

/** Output of all decompressors that work at once: it is handed over before the next one works. */
const scratch = Buffer.allocUnsafeSlow(scratchSize);

/** What may come out of a connection until the event loop is let turn: a byte can become a thousand. */
const outputBetweenRests = 1024 * 1024;

/** What the sender left out at the end of a message (RFC 7692 section 7.2.2), and a byte that is to be left alone. */
const tailSize = 4;
const tailAndMore = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x00]);

/**
 * The same tail for engines that can't stop at the end of a block, and empty blocks: between two blocks they pass without output. As
 * many as the longest block header has bits.
 */
const tailAndBlocks = Buffer.concat([
  tailAndMore.subarray(0, tailSize),
  ...Array.from({ length: 64 }, () => Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff])),
]);

const nothing = Buffer.alloc(0);

/** Inflates the messages of one connection (RFC 7692 section 7.2.2), in memory that does not depend on their size. */
export class Inflater implements MessageInflater {
  readonly #sink: InflatedSink;
  readonly #owner: InflaterOwner;
  readonly #asyncThreshold: number;
  /** Undefined: the engine keeps the history of this connection. */
  readonly #lender: Lender | undefined;
  readonly #windowBits: number;
  /** Whether it has, or may still make, an engine that counts as a context. */
  #isContext: boolean;
  #engine: Engine | undefined;
  #job: Job | undefined;
  /** Input that waits, and whether the message ends with it. */
  #rest: Buffer | undefined;
  #isFinal = false;
  /** Bytes that came out since the latest rest. */
  #output = 0;
  #resting = false;

  constructor(agreement: DeflateAgreement, sink: InflatedSink, owner: InflaterOwner) {
    const { windowBits, contextTakeover } = agreement.incoming;
    this.#sink = sink;
    this.#owner = owner;
    this.#asyncThreshold = agreement.options.asyncThreshold;
    this.#windowBits = windowBits;
    this.#lender = contextTakeover ? undefined : inflateLender(windowBits);
    // The peer may send the first compressed message at any time, and there is no way then to do without.
    this.#isContext = contextTakeover;
    if (contextTakeover) takeContext();
  }

  get isPending(): boolean {
    return this.#rest !== undefined || this.#job !== undefined;
  }

  get isReady(): boolean {
    return this.isPending && !this.#resting;
  }

  inflate(chunk: Buffer, start: number, end: number, final: boolean): boolean {
    this.#engine ??= this.#lender?.lease() ?? Engine.inflate(this.#windowBits);
    this.#isFinal = final;
    if (!this.#engine.isSync || end - start >= this.#asyncThreshold) {
      this.#inflateLater(copyOf(chunk, start, end));
      return false;
    }
    if (this.#resting) {
      this.#rest = copyOf(chunk, start, end);
      return false;
    }
    return this.#work(chunk, start, end, false);
  }

  resume(): boolean {
    if (this.#job !== undefined) {
      this.#job.resume();
      return false;
    }
    const rest = this.#rest!;
    this.#rest = undefined;
    if (this.#engine!.isSync) return this.#work(rest, 0, rest.length, true);
    // All of it was worked off in jobs, and found to be complete.
    if (this.#isFinal) this.#finish(0);
    return true;
  }

  close(): void {
    this.#rest = undefined;
    this.#job?.cancel();
    this.#job = undefined;
    const engine = this.#engine;
    this.#engine = undefined;
    if (this.#isContext) giveContext();
    this.#isContext = false;
    if (engine === undefined) return;
    if (this.#lender !== undefined) this.#lender.release(engine);
    else engine.close();
  }

  /** Works at once; returns as `inflate`. `isOwn`: the input may be kept. */
  #work(input: Buffer, start: number, end: number, isOwn: boolean): boolean {
    const engine = this.#engine!;
    let offset = start;
    for (;;) {
      const size = this.#run(engine, Z_SYNC_FLUSH, input, offset, end, 0);
      offset = end - engine.inputLeft;
      const isEnded = engine.inputLeft > 0 && engine.roomLeft > 0;
      if (!isEnded && engine.roomLeft > 0) {
        if (this.#isFinal) {
          this.#checkEnd(engine, size);
          this.#finish(size);
        } else {
          this.#handOver(scratch, 0, size);
        }
        return true;
      }
      if (isEnded) {
        // RFC 7692 section 7.2.3.4: a block may be the last of its DEFLATE stream. What follows begins a new one.
        engine.reset();
      }
      this.#handOver(scratch, 0, size);
      if (this.#resting || this.#owner.mustWait) {
        this.#rest = isOwn ? input.subarray(offset, end) : copyOf(input, offset, end);
        return false;
      }
    }
  }

  /** Runs the engine into the scratch from `used` on; returns how much of that is used then. */
  #run(engine: Engine, flush: number, input: Buffer, start: number, end: number, used: number): number {
    try {
      engine.run(flush, input, start, end, scratch, used);
    } catch (error) {
      throw invalid((error as Error).message, error);
    }
    return scratchSize - engine.roomLeft;
  }

  /** Whether the payload ends where a message may end: then exactly the tail fits, and nothing comes out of it. */
  #checkEnd(engine: Engine, size: number): void {
    const sizeWithTail = this.#run(engine, Z_BLOCK, tailAndMore, 0, tailAndMore.length, size);
    if (sizeWithTail === size && engine.inputLeft === 1) return;
    if (engine.inputLeft < tailAndMore.length) throw truncated();
    // The payload ended with the last block of a DEFLATE stream, and without the empty one behind it.
    engine.reset();
  }

  /** Works in the thread pool. */
  #inflateLater(input: Buffer): void {
    const engine = this.#engine!;
    this.#job = new Job(engine, Z_SYNC_FLUSH, input, {
      onOutput: (bytes) => this.#onOutput(bytes),
      onDone: (consumed) => {
        this.#job = undefined;
        if (consumed < input.length) {
          engine.reset();
          const rest = input.subarray(consumed);
          // There may be thousands of streams, and a job is a way to go for each.
          if (engine.isSync) this.#beReady(rest);
          else this.#inflateLater(rest);
        } else if (this.#isFinal && !engine.isSync) {
          this.#checkEndLater(engine);
        } else {
          this.#beReady(nothing);
        }
      },
      onError: (error) => this.#fail(invalid(error.message, error)),
    });
  }

  #onOutput(bytes: Buffer): void {
    try {
      this.#handOver(bytes, 0, bytes.length);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    if (this.#resting || this.#owner.mustWait) this.#job?.pause();
  }

  /** As `#checkEnd`, in the thread pool. */
  #checkEndLater(engine: Engine): void {
    this.#job = new Job(engine, Z_SYNC_FLUSH, tailAndBlocks, {
      onOutput: () => this.#fail(truncated()),
      onDone: (consumed) => {
        this.#job = undefined;
        // The DEFLATE stream may end in front of the tail, or with it, as its empty block can be the last one.
        const isEnded = consumed === 0 || consumed === tailSize;
        if (!isEnded && consumed < tailAndBlocks.length) {
          this.#fail(truncated());
          return;
        }
        if (isEnded) engine.reset();
        this.#beReady(nothing);
      },
      onError: (error) => this.#fail(invalid(error.message, error)),
    });
  }

  #beReady(rest: Buffer): void {
    this.#rest = rest;
    if (!this.#resting) this.#owner.onInflaterReady();
  }

  #fail(error: Error): void {
    this.close();
    this.#owner.onInflaterFailed(error);
  }

  #handOver(bytes: Buffer, start: number, end: number): void {
    if (start === end) return;
    this.#count(end - start);
    this.#sink.onInflated(bytes, start, end, false);
  }

  /** Hands over the last bytes of a message, from the scratch. */
  #finish(size: number): void {
    this.#count(size);
    if (this.#lender !== undefined) {
      this.#lender.release(this.#engine!);
      this.#engine = undefined;
    }
    this.#sink.onInflated(scratch, 0, size, true);
  }

  #count(bytes: number): void {
    this.#output += bytes;
    if (this.#output < outputBetweenRests || this.#resting) return;
    this.#output = 0;
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      if (this.isPending) this.#owner.onInflaterReady();
    });
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.subarray(start, end));
}

function invalid(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError(
    'ANTS_INVALID_DEFLATE',
    CloseCode.InvalidFramePayloadData,
    `a compressed message is not valid DEFLATE data: ${what}`,
    { cause },
  );
}

function truncated(): ProtocolError {
  return invalid('it ends in the middle of a block (RFC 7692 section 7.2.1)');
}
