import process from 'node:process';
import { createInterface } from 'node:readline';

interface Question {
  readonly question: string;
  readonly argument?: unknown;
}

/** Answers the questions of a `Program`: lines of JSON on the standard streams, which every JavaScript runtime has. */
export function answerLines(answers: Record<string, (argument: never) => unknown>): void {
  const tell = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    const { question, argument } = JSON.parse(line) as Question;
    try {
      tell({ value: (await answers[question]!(argument as never)) ?? null });
    } catch (error) {
      tell({ error: String(error) });
    }
  });
  // Whoever started this has gone.
  lines.on('close', () => process.exit());
}

/** Microseconds of CPU that this process used so far, in all of its threads. */
export function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
