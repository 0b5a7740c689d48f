import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** An example that runs as a process of its own, and what it prints. */
export class Program {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  /** Called with each line, and with undefined when no more come. */
  readonly #listeners = new Set<(line: string | undefined) => void>();
  readonly #exited: Promise<Exit>;
  #ended = false;

  /** Starts `build/examples/<name>.js`. */
  constructor(name: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const path = fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url));
    this.#process = spawn(process.execPath, [path, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#exited = once(this.#process, 'close').then(([code, signal]) => {
      this.#ended = true;
      for (const listener of this.#listeners) listener(undefined);
      return { code, signal };
    });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface(stream).on('line', (line) => {
        this.#lines.push(line);
        for (const listener of this.#listeners) listener(line);
      });
    }
  }

  /** All that was printed, to either stream. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** Resolves when the process has ended and all of its output was read. */
  get exited(): Promise<Exit> {
    return this.#exited;
  }

  /** The first line, of those printed and those to come, that matches. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    const known = this.#lines.map((line) => pattern.exec(line)).find((match) => match !== null);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const listener = (line: string | undefined): void => {
        const match = line === undefined ? null : pattern.exec(line);
        if (match !== null) resolve(match);
        else if (line === undefined)
          reject(new Error(`ended without ${pattern}; it printed:\n${this.output}`));
        else return;
        this.#listeners.delete(listener);
      };
      this.#listeners.add(listener);
      if (this.#ended) listener(undefined);
    });
  }

  /** The URL in the line that a server prints when it listens. */
  async url(): Promise<string> {
    const [, url] = await this.line(/^listening on (\S+)$/);
    return url!;
  }

  /** Presses Ctrl-C, and waits for the end. */
  interrupt(): Promise<Exit> {
    this.signal('SIGINT');
    return this.#exited;
  }

  /** Sends the process a signal. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Ends what a failed test left behind. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }
}

const running: Program[] = [];

/** Starts an example; {@link killAll} sees to it that it ends with the test. */
export function start(name: string, args: readonly string[] = [], environment?: NodeJS.ProcessEnv): Program {
  const program = new Program(name, args, environment);
  running.push(program);
  return program;
}

/** For `afterEach`. */
export async function killAll(): Promise<void> {
  await Promise.all(running.splice(0).map((program) => program.kill()));
}

/** The end that Ctrl-C should have. */
export const inOrder: Exit = { code: 0, signal: null };
