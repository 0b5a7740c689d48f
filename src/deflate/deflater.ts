import { constants } from 'node:zlib';
import { Engine } from './engine.js';
import { countContexts, deflateLender, giveContext, type Lender, takeContext } from './engines.js';
import type { DeflateAgreement } from './extension.js';
import { Job } from './job.js';
import { isProven } from './zlib-handle.js';

const { Z_SYNC_FLUSH } = constants;

const scratchSize = 64 * 1024;

/** Output of all compressors that work at once: whoever gets a view of it copies at once. */
const scratch = Buffer.allocUnsafeSlow(scratchSize);

/** What ends the output of each flush and is left out at the end of a message: 00 00 ff ff (RFC 7692 section 7.2.1). */
const tailSize = 4;

/** An empty block without that tail: the whole of an empty message (RFC 7692 section 7.2.3.6). */
const emptyBlock = Buffer.from([0x00]);

/** Deflates the messages of one connection, one after the other (RFC 7692 section 7.2.1). */
export class Deflater {
  /** Messages of fewer bytes are not worth it. */
  readonly threshold: number;
  /** How far back the peer can look. */
  readonly windowBits: number;
  readonly #agreement: DeflateAgreement;
  readonly #lender: Lender;
  /** The engine that keeps the history of this connection; undefined until it is needed. */
  #own: Engine | undefined;
  /** Whether the peer's history differs from that of the engine. */
  #isStale = false;
  /** The engine of the message in progress. */
  #engine: Engine | undefined;
  #job: Job | undefined;
  #isClosed = false;

  constructor(agreement: DeflateAgreement) {
    const { level, memLevel } = agreement.options;
    this.#agreement = agreement;
    this.threshold = agreement.threshold;
    this.windowBits = agreement.outgoing.windowBits;
    this.#lender = deflateLender({ windowBits: this.windowBits, level, memLevel });
  }

  /** Whether `deflate` is there for so many bytes; otherwise `deflateLater` is. */
  isSync(size: number): boolean {
    return size < this.#agreement.options.asyncThreshold && isProven();
  }

  /**
   * Deflates a part of a message at once, `final` with its last one, or all of it. What it returns may be used again by the next call
   * of any deflater.
   */
  deflate(bytes: Uint8Array, final: boolean): Buffer {
    const engine = this.#begin();
    let size = this.#run(engine, bytes);
    if (engine.roomLeft > 0) return this.#end(scratch.subarray(0, size), final);
    const pieces: Buffer[] = [];
    while (engine.roomLeft === 0) {
      pieces.push(Buffer.from(scratch.subarray(0, size)));
      size = this.#run(engine, bytes.subarray(bytes.length - engine.inputLeft));
    }
    pieces.push(scratch.subarray(0, size));
    return this.#end(Buffer.concat(pieces), final);
  }

  /** The same in the thread pool. The bytes must not change meanwhile. One at a time. */
  deflateLater(bytes: Uint8Array, final: boolean): Promise<Buffer> {
    if (this.#isClosed) return Promise.reject(new Error('the connection has ended'));
    const engine = this.#begin();
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      this.#job = new Job(engine, Z_SYNC_FLUSH, bytes, {
        onOutput: (piece) => pieces.push(piece),
        onDone: () => {
          this.#job = undefined;
          resolve(this.#end(Buffer.concat(pieces), final));
        },
        onError: (error) => {
          this.#job = undefined;
          this.#giveEngineBack();
          this.#isStale = true;
          reject(error);
        },
      });
    });
  }

  /** The peer got a compressed message that is not from here: its history is not ours any more. */
  forget(): void {
    this.#isStale = true;
  }

  /** Gives all memory back; a job in progress is heard of no more. */
  close(): void {
    this.#isClosed = true;
    this.#job?.cancel();
    this.#job = undefined;
    this.#giveEngineBack();
    if (this.#own === undefined) return;
    this.#own.close();
    this.#own = undefined;
    giveContext();
  }

  /** The engine for the message in progress, or that begins. */
  #begin(): Engine {
    if (this.#engine !== undefined) return this.#engine;
    this.#engine = this.#ownEngine() ?? this.#lender.lease();
    return this.#engine;
  }

  /** Undefined when there is to be none, or none more: without history of its own a message is understood as well. */
  #ownEngine(): Engine | undefined {
    const { outgoing, options } = this.#agreement;
    if (!outgoing.contextTakeover) return undefined;
    if (this.#own === undefined) {
      if (countContexts() >= options.maxContexts) return undefined;
      const settings = { windowBits: this.windowBits, level: options.level, memLevel: options.memLevel };
      this.#own = Engine.deflate(settings);
      takeContext();
    } else if (this.#isStale) {
      this.#own.reset();
    }
    this.#isStale = false;
    return this.#own;
  }

  /** The message in progress is over. */
  #giveEngineBack(): void {
    const engine = this.#engine;
    this.#engine = undefined;
    if (engine !== undefined && engine !== this.#own) this.#lender.release(engine);
  }

  #run(engine: Engine, bytes: Uint8Array): number {
    engine.run(Z_SYNC_FLUSH, bytes, 0, bytes.length, scratch, 0);
    return scratchSize - engine.roomLeft;
  }

  #end(output: Buffer, final: boolean): Buffer {
    if (!final) return output;
    // The peer's history has a message then that is not in ours.
    if (this.#engine !== this.#own) this.#isStale = true;
    this.#giveEngineBack();
    // A flush with nothing to flush gives nothing.
    return output.length === 0 ? emptyBlock : output.subarray(0, output.length - tailSize);
  }
}
