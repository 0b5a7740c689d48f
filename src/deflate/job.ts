import { Roster } from '../protocol/roster.js';
import type { Engine, JobSink } from './engine.js';

/** Jobs of this process in Node's thread pool at a time. It has four threads by default, and files and DNS need one as well. */
const mostJobs = 3;

let running = 0;
/** In the order of their coming. */
const waiting = new Roster<Job>();

/** Work of one engine in the thread pool, begun when there is a place. */
export class Job {
  readonly #engine: Engine;
  readonly #flush: number;
  readonly #input: Uint8Array;
  readonly #sink: JobSink;
  #state: 'waiting' | 'running' | 'paused' | 'over' = 'waiting';
  #hasBegun = false;

  /** @param input Must not change until the job is over. */
  constructor(engine: Engine, flush: number, input: Uint8Array, sink: JobSink) {
    this.#engine = engine;
    this.#flush = flush;
    this.#input = input;
    this.#sink = sink;
    waiting.add(this);
    startJobs();
  }

  /** Nothing more is heard of it. The engine is of no more use, but to be closed. */
  cancel(): void {
    this.#end();
  }

  /** Holds back its output, and soon its work; its place goes to the next, as nobody knows how long that lasts. */
  pause(): void {
    this.#engine.pause();
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    running--;
    startJobs();
  }

  /** Undoes `pause`, once there is a place. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'waiting';
    waiting.add(this);
    startJobs();
  }

  /** Its turn has come. */
  start(): void {
    this.#state = 'running';
    if (this.#hasBegun) {
      this.#engine.resume();
      return;
    }
    this.#hasBegun = true;
    const sink = this.#sink;
    this.#engine.start(this.#flush, this.#input, {
      onOutput: (bytes) => {
        if (this.#state !== 'over') sink.onOutput(bytes);
      },
      onDone: (consumed) => {
        if (this.#end()) sink.onDone(consumed);
      },
      onError: (error) => {
        if (this.#end()) sink.onError(error);
      },
    });
  }

  /** Whether it was not over before. */
  #end(): boolean {
    const state = this.#state;
    if (state === 'over') return false;
    this.#state = 'over';
    if (state === 'waiting') waiting.delete(this);
    else if (state === 'running') running--;
    startJobs();
    return true;
  }
}

function startJobs(): void {
  for (const job of waiting) {
    if (running === mostJobs) return;
    waiting.delete(job);
    running++;
    job.start();
  }
}
