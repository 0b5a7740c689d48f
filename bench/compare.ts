// Compares servers and clients: CPU per message, in interleaved rounds.
//
//   npm run bench [-- --only 'echo|handshake' --peers 'ants|ws' --rounds 7 --seconds 1 --warm-up 3 --json results.json --node path --smoke]
//
// `--only` selects scenarios and `--peers` what is measured, both by regular expressions that names must match in part;
// `--node` is the Node that the measured programs run on; `--seconds` the length of a round of one of them, `--warm-up` the
// time that each has before. `--smoke` sends a few messages only, to see that all of it works.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measureClients, measureServers } from './compare/measure.js';
import { clientPeers, serverPeers, versionOf } from './compare/peers.js';
import { findPinning } from './compare/pinning.js';
import { type Results, type Row, tablesOf } from './compare/results.js';
import { clientScenarios, inSmall, serverScenarios } from './compare/scenarios.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    peers: { type: 'string', default: '' },
    rounds: { type: 'string' },
    seconds: { type: 'string', default: '1' },
    'warm-up': { type: 'string', default: '3' },
    json: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    smoke: { type: 'boolean', default: false },
  },
});
const { smoke } = values;
const rounds = numberIn('rounds', values.rounds ?? (smoke ? '1' : '7'));
const effort = {
  rounds,
  seconds: smoke ? 0 : numberIn('seconds', values.seconds),
  warmUp: numberIn('warm-up', values['warm-up']),
  pinning: findPinning(),
};
const named = (pattern: string) => {
  const expression = new RegExp(pattern);
  return ({ name }: { name: string }) => expression.test(name);
};
const isSelected = named(values.only);
const isPeer = named(values.peers);

const versions: Record<string, string> = { 'ants-ws': versionOf(), bufferutil: versionOf('bufferutil') };
const servers = serverPeers(values.node).filter(isPeer);
const clients = clientPeers(values.node).filter(isPeer);
for (const { package: name } of [...servers, ...clients])
  if (name !== undefined) versions[name] = versionOf(name);
const say = (text: string) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);
const rows: Row[] = [];

for (const scenario of serverScenarios.filter(isSelected)) {
  const { name, title } = scenario;
  const peers = servers.filter(({ isRaw }) => !(isRaw && scenario.notRaw));
  const samples = await measureServers(
    smoke ? inSmall(scenario) : scenario,
    peers,
    effort,
    (peer, runtime) => {
      note(runtime);
      say(`${title}: ${peer}`);
    },
  );
  add({ kind: 'server', name, title, unit: name === 'idle' ? 'bytes' : 'µs', samples });
}
for (const scenario of clientScenarios.filter(isSelected)) {
  const { name, title } = scenario;
  const samples = await measureClients(scenario, clients, effort, (peer, runtime) => {
    note(runtime);
    say(`${title}: ${peer}`);
  });
  add({ kind: 'client', name, title, unit: 'µs', samples });
}
say('');

const results = resultsSoFar();
const shown = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
if (smoke) {
  for (const { kind, title, samples } of rows)
    console.log(`${kind}, ${title}: ${Object.keys(samples).join(', ')}`);
  console.log('everything was answered as it should be');
} else
  console.log(
    `${results.machine}; ${shown.join(', ')}; ${rounds} rounds, median [10 %–90 %]\n\n${tablesOf(results)}`,
  );

/** Takes a row, and writes what there is so far: it takes long to come by. */
function add(row: Row): void {
  rows.push(row);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify(resultsSoFar(), undefined, 2)}\n`);
}

function resultsSoFar(): Results {
  const { only, peers, seconds, 'warm-up': warmUp } = values;
  const args = Object.entries({ only, peers, rounds, seconds, 'warm-up': warmUp }).filter(
    ([, value]) => value !== '',
  );
  return {
    date: new Date().toISOString().slice(0, 10),
    command: ['npm run bench --', ...args.map(([name, value]) => `--${name} ${value}`)].join(' '),
    machine: `${cpus().length} × ${cpus()[0]!.model.trim()}, ${process.platform} ${process.arch}`,
    rounds,
    versions,
    rows,
  };
}

function numberIn(name: string, text: string): number {
  const value = Number(text);
  const isUsable = name === 'rounds' ? Number.isInteger(value) && value >= 1 : value >= 0 && value < Infinity;
  if (isUsable && text !== '') return value;
  throw new TypeError(`--${name} can't be ${text === '' ? 'empty' : text}`);
}

/** Remembers a runtime, such as `Node 24.1.0`. */
function note(runtime: string): void {
  const [name, version] = runtime.split(' ') as [string, string];
  versions[name] = version;
}
