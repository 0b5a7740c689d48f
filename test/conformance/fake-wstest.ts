// Stands in for wstest in our tests: the same options, specifications and reports, with a few cases of ours. Asked for the cases "bad" it
// reports one that is NON-STRICT; asked for "crash" it ends at once.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFuzzingServer } from './fuzzing-server.js';
import { playToServer } from './runner.js';
import { sampleCases } from './sample-cases.js';

interface Specification {
  readonly url?: string;
  readonly servers?: readonly { readonly agent: string; readonly url: string }[];
  readonly outdir: string;
  readonly cases: readonly string[];
}

const { values } = parseArgs({
  options: { mode: { type: 'string' }, spec: { type: 'string' }, webport: { type: 'string' } },
});
const spec = JSON.parse(readFileSync(values.spec!, 'utf8')) as Specification;
if (spec.cases.includes('crash')) process.exit(3);

function report(agent: string, results: readonly { outcome: string; expected: string }[]): void {
  const cases: Record<string, object> = {};
  for (const [i, { outcome, expected }] of results.entries()) {
    const behavior = outcome === expected ? 'OK' : 'FAILED';
    const reportfile = `ants_ws_case_1_1_${i + 1}.json`;
    cases[`1.1.${i + 1}`] = {
      behavior,
      behaviorClose: behavior,
      remoteCloseCode: 1000,
      duration: 1,
      reportfile,
    };
  }
  if (spec.cases.includes('bad')) {
    const reportfile = 'ants_ws_case_6_4_1.json';
    cases['6.4.1'] = {
      behavior: 'NON-STRICT',
      behaviorClose: 'OK',
      remoteCloseCode: 1007,
      duration: 1,
      reportfile,
    };
  }
  mkdirSync(spec.outdir, { recursive: true });
  writeFileSync(join(spec.outdir, 'index.json'), JSON.stringify({ [agent]: cases }));
}

if (values.mode === 'fuzzingserver') {
  const port = Number(new URL(spec.url!).port);
  await startFuzzingServer(sampleCases, (results) => report(results[0]!.agent, results), port);
} else {
  for (const { agent, url } of spec.servers!) {
    const results: { outcome: string; expected: string }[] = [];
    for (const one of sampleCases) {
      const script = one.script();
      const outcome = await playToServer(Number(new URL(url).port), one, script);
      results.push({ outcome, expected: [...script.expected, 'FIN'].join(', ') });
    }
    report(agent, results);
  }
}
