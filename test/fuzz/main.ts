// Fuzzing for as long as one likes:
//
//   npm run fuzz [-- --seconds 60 --seed 1]
//
// Half of the time with each way to use zlib. The first case that fails is made as small as it gets and printed as hex, ready to become a
// row of test/vectors; the same seed finds it again.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { sharedReadsPipe, socketPipe } from '../support/pipes.js';
import { frameCase } from './frame-case.js';
import { requestCase, responseCase } from './head-case.js';
import { runFrames } from './run-frames.js';
import { runRequest, runResponse } from './run-heads.js';
import { watchStrays } from './strays.js';
import { countWork } from './work.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    zlib: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);

/** What is fuzzed, and how many cases of it make a round: about as much time for each. */
const targets = [
  { name: 'frames', count: 200, property: fc.asyncProperty(frameCase, (input) => runFrames(input)) },
  {
    name: 'frames over sockets',
    count: 50,
    property: fc.asyncProperty(frameCase, (input) => runFrames(input, socketPipe)),
  },
  {
    name: 'frames by shared reads',
    count: 50,
    property: fc.asyncProperty(frameCase, (input) => runFrames(input, sharedReadsPipe)),
  },
  { name: 'requests', count: 50, property: fc.asyncProperty(requestCase, runRequest) },
  {
    name: 'responses',
    count: 250,
    property: fc.asyncProperty(responseCase, async (input) => runResponse(input)),
  },
];

async function fuzz(zlib: string): Promise<void> {
  watchStrays();
  countWork();
  const end = performance.now() + seconds * 1_000;
  const counts = new Map<string, number>();
  for (let round = 0; performance.now() < end; round++) {
    for (const { name, count, property } of targets) {
      const details = await fc.check(property as fc.IAsyncProperty<[{ bytes: Buffer }]>, {
        seed: seed + round,
        numRuns: count,
        interruptAfterTimeLimit: Math.max(1, end - performance.now()),
      });
      counts.set(name, (counts.get(name) ?? 0) + details.numRuns);
      if (!details.failed || details.counterexample === null) continue;
      console.log(fc.defaultReportMessage(details));
      console.log(details.errorInstance);
      console.log(`\nbytes: ${details.counterexample[0].bytes.toString('hex')}`);
      console.log(`again: ANTSWS_ZLIB=${zlib} npm run fuzz -- --seed ${seed + round}`);
      process.exit(1);
    }
  }
  const list = [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
  console.log(`zlib ${zlib}, seed ${seed}: ${list}: ok`);
  process.exit(0);
}

if (values.zlib !== undefined) await fuzz(values.zlib);
else {
  const settings = ['fast', 'public'];
  for (const zlib of settings) {
    const { status } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), '--seconds', `${seconds / 2}`, '--seed', `${seed}`, '--zlib', zlib],
      { stdio: 'inherit', env: { ...process.env, ANTSWS_ZLIB: zlib } },
    );
    if (status !== 0) process.exit(status ?? 1);
  }
}
