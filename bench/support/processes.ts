import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of a benchmark, which answers questions. */
export class Part {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  /** Starts this very file again, as `part`; what is measured shares nothing with what measures. */
  constructor(url: string, part: string, ...args: string[]) {
    this.#child = fork(fileURLToPath(url), [part, ...args], { execArgv: ['--expose-gc'] });
    this.#ended = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`a part of the benchmark ended with ${code}`);
    });
    // It is heard of by the next question.
    this.#ended.catch(() => {});
  }

  /** Asks the process, and waits for its answer; one question at a time. */
  async ask<Answer>(question: string): Promise<Answer> {
    // Not by events.once, which would add a listener for errors each time.
    const answered = new Promise((resolve) => this.#child.once('message', resolve));
    this.#child.send(question);
    const answer = await Promise.race([answered, this.#ended]);
    return answer as Answer;
  }

  stop(): void {
    this.#child.kill();
  }
}

/** Answers the questions of the process that started this one. */
export function answer(answers: Record<string, () => unknown>): void {
  process.on('message', async (question: string) => {
    process.send!((await answers[question]!()) ?? null);
  });
  process.on('disconnect', () => process.exit());
}
