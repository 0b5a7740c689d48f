import process from 'node:process';
import { answerLines, cpuMicroseconds } from '../support/answer-lines.js';

/**
 * What a measured server does with messages: send them back; count them, and answer a text message with the counts; the same,
 * read with `for await`; send each to all.
 */
export type Task = 'echo' | 'count' | 'await' | 'broadcast';

/** The task that this process was started for. */
export const task = process.argv[2] as Task;

/** Binary messages that came; the answer to a text message tells, and the load generator compares. */
export class Count {
  #messages = 0;
  #bytes = 0;

  add(size: number): void {
    this.#messages++;
    this.#bytes += size;
  }

  toString(): string {
    return `${this.#messages} ${this.#bytes}`;
  }
}

/** Tells whoever started this process what it wants to know of a server. */
export function beMeasured(port: number, runtime = `Node ${process.versions.node}`): void {
  answerLines({
    port: () => port,
    runtime: () => runtime,
    cpu: cpuMicroseconds,
    memory: () => {
      collectGarbage();
      return process.memoryUsage.rss();
    },
  });
}

function collectGarbage(): void {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(isSync: boolean): void } };
  gc?.();
  Bun?.gc(true);
}
