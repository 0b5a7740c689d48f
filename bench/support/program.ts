import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/** A process of any JavaScript runtime that answers questions, one JSON line each: see `answer-lines.ts`. One question at a time. */
export class Program {
  readonly #name: string;
  readonly #child: ChildProcess;
  #waiting: ((answer: Answer) => void) | undefined;
  /** Rejects when the process has ended, for whoever waits for another one that needs it. */
  readonly ended: Promise<never>;

  /** Starts `command`, with `env` added to the environment. */
  constructor(name: string, command: readonly string[], env: Record<string, string> = {}) {
    this.#name = name;
    const [file, ...args] = command;
    this.#child = spawn(file!, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#answer(JSON.parse(line)));
    this.#child.on('error', ({ message }) => this.#answer({ error: message }));
    this.ended = new Promise((_, reject) => {
      // Not 'exit': what it said last may still be on the way.
      this.#child.on('close', (code, signal) => {
        const error = `ended with ${signal ?? code}`;
        this.#answer({ error });
        reject(new Error(`${name} ${error}`));
      });
    });
    this.ended.catch(() => {});
  }

  /** Asks the process, and waits for its answer. */
  async ask<Value>(question: string, argument?: unknown): Promise<Value> {
    const { promise, resolve } = withResolver<Answer>();
    this.#waiting = resolve;
    this.#child.stdin!.write(`${JSON.stringify({ question, argument })}\n`);
    const { value, error } = await promise;
    if (error !== undefined) throw new Error(`${this.#name}, asked to ${question}: ${error}`);
    return value as Value;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #answer(answer: Answer): void {
    this.#waiting?.(answer);
    this.#waiting = undefined;
  }
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((res) => {
    resolve = res;
  });
  return { promise, resolve };
}
