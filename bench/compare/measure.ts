import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../support/program.js';
import { benchProgram, type Peer } from './peers.js';
import type { Pinning } from './pinning.js';
import type { ClientScenario, ServerScenario } from './scenarios.js';

/** How thoroughly. */
export interface Effort {
  readonly rounds: number;
  /** What a round of one peer should take, in seconds; 0 for as few messages as show that it works. */
  readonly seconds: number;
  /** How long each peer runs before, in seconds. */
  readonly warmUp: number;
  readonly pinning: Pinning;
}

/** Per peer one number for each round: microseconds of CPU per message, or bytes per connection. */
export type Samples = Record<string, number[]>;

/** Who is ready to run, and how many messages its rounds have. */
interface Runner {
  readonly name: string;
  readonly program: Program;
  /** Resolves to the number of messages that there really were. */
  readonly run: (messages: number) => Promise<number>;
  messages: number;
}

/** Called with the name of what is measured at the moment, and the runtime it told of. */
export type Progress = (name: string, runtime: string) => void;

/** One row of the table of servers. */
export async function measureServers(
  scenario: ServerScenario,
  peers: readonly Peer[],
  effort: Effort,
  progress: Progress,
): Promise<Samples> {
  if (scenario.load.kind === 'idle') {
    return measureMemory(scenario, scenario.load.connections, peers, effort, progress);
  }
  const measure = (peers: readonly Peer[], effort: Effort) =>
    measureRunningServers(scenario, peers, effort, progress);
  return scenario.isFresh === true ? measureAfresh(peers, effort, measure) : measure(peers, effort);
}

/** Each round with processes of its own, and another peer first. */
async function measureAfresh(
  peers: readonly Peer[],
  effort: Effort,
  measure: (peers: readonly Peer[], effort: Effort) => Promise<Samples>,
): Promise<Samples> {
  const all: Samples = Object.fromEntries(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < effort.rounds; round++) {
    const first = round % Math.max(1, peers.length);
    const samples = await measure([...peers.slice(first), ...peers.slice(0, first)], {
      ...effort,
      rounds: 1,
    });
    for (const [name, values] of Object.entries(samples)) all[name]!.push(...values);
  }
  return all;
}

async function measureRunningServers(
  scenario: ServerScenario,
  peers: readonly Peer[],
  effort: Effort,
  progress: Progress,
): Promise<Samples> {
  const loadName = { scenario: scenario.name };
  const load = new Program('load generator', [
    ...effort.pinning.load,
    process.execPath,
    benchProgram('load/on-servers'),
  ]);
  const started: Program[] = [load];
  try {
    const runners: Runner[] = [];
    for (const peer of peers) {
      const { name } = peer;
      const program = new Program(
        name,
        [...effort.pinning.measured, ...peer.command, scenario.task],
        peer.env,
      );
      started.push(program);
      const port = await program.ask<number>('port');
      progress(name, await program.ask<string>('runtime'));
      await load.ask('open', { name, port, scenario, isRaw: peer.isRaw === true });
      const run = (messages: number) =>
        load.ask<number>('run', { ...loadName, name, messages }).catch(blame(name));
      runners.push({ name, program, run, messages: 1 });
    }
    return await measureRounds(runners, effort);
  } finally {
    for (const program of started) await program.stop();
  }
}

/** The load generator knows ports, not names. */
function blame(name: string): (error: Error) => never {
  return (error) => {
    throw new Error(`${name}: ${error.message}`);
  };
}

/** One row of the table of clients. */
export async function measureClients(
  scenario: ClientScenario,
  peers: readonly Peer[],
  effort: Effort,
  progress: Progress,
): Promise<Samples> {
  const measure = (peers: readonly Peer[], effort: Effort) =>
    measureRunningClients(scenario, peers, effort, progress);
  return scenario.isFresh === true ? measureAfresh(peers, effort, measure) : measure(peers, effort);
}

async function measureRunningClients(
  { size, isEcho, inFlight }: ClientScenario,
  peers: readonly Peer[],
  effort: Effort,
  progress: Progress,
): Promise<Samples> {
  const load = new Program('load generator', [
    ...effort.pinning.load,
    process.execPath,
    benchProgram('load/for-clients'),
  ]);
  const started: Program[] = [load];
  try {
    const port = await load.ask<number>('port');
    const runners: Runner[] = [];
    for (const { name, command, env } of peers) {
      const program = new Program(name, [...effort.pinning.measured, ...command], env);
      started.push(program);
      progress(name, await program.ask<string>('runtime'));
      await program.ask('connect', { port, size, isEcho, inFlight });
      const run = (messages: number) => Promise.race([program.ask<number>('run', messages), load.ended]);
      runners.push({ name, program, run, messages: 1 });
    }
    return await measureRounds(runners, effort);
  } finally {
    for (const program of started) await program.stop();
  }
}

/** All peers in each round, each time another one first. Nobody rests for long: the load knows no heartbeat, and would call it wrong. */
async function measureRounds(runners: readonly Runner[], effort: Effort): Promise<Samples> {
  const { rounds } = effort;
  await warmUp(runners, effort);
  const samples: Samples = Object.fromEntries(runners.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < runners.length; i++) {
      const { name, program, run, messages } = runners[(round + i) % runners.length]!;
      const before = await program.ask<number>('cpu');
      const count = await run(messages);
      const after = await program.ask<number>('cpu');
      samples[name]!.push((after - before) / count);
    }
  }
  return samples;
}

/**
 * Lets everything be compiled, and finds out how many messages a round of `seconds` has. V8 goes on compiling for seconds, in threads
 * that count, and how much there is to compile says nothing of what a message costs a server that runs for days.
 */
async function warmUp(runners: readonly Runner[], { seconds, warmUp: wanted }: Effort): Promise<void> {
  for (const runner of runners) await findRound(runner, seconds);
  for (let warm = seconds; warm < wanted && seconds > 0; warm += seconds)
    for (const runner of runners) await tryRound(runner, runner.messages, seconds);
}

/** Finds a first number of messages, by more and more of them. */
async function findRound(runner: Runner, seconds: number): Promise<void> {
  let messages = 10;
  while ((await tryRound(runner, messages, seconds)) < seconds / 2)
    messages = Math.max(messages * 2, Math.min(messages * 10, runner.messages));
  if (seconds === 0) runner.messages = 10;
}

/** Returns how many seconds it took, and takes the number of messages from that. */
async function tryRound(runner: Runner, messages: number, seconds: number): Promise<number> {
  const start = performance.now();
  const count = await runner.run(messages);
  const elapsed = (performance.now() - start) / 1000;
  runner.messages = Math.ceil((count / elapsed) * seconds);
  return elapsed;
}

/** Resident bytes per connection: a fresh process each time, as memory that was given back may stay resident. */
async function measureMemory(
  scenario: ServerScenario,
  connections: number,
  peers: readonly Peer[],
  { rounds, seconds, pinning }: Effort,
  progress: Progress,
): Promise<Samples> {
  const samples: Samples = Object.fromEntries(peers.map(({ name }) => [name, []]));
  const rest = seconds === 0 ? 0 : 1000;
  // They differ by little, and take long.
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    for (const { name, command, env, isRaw } of peers) {
      const program = new Program(name, [...pinning.measured, ...command, scenario.task], env);
      const load = new Program('load generator', [
        ...pinning.load,
        process.execPath,
        benchProgram('load/on-servers'),
      ]);
      try {
        const port = await program.ask<number>('port');
        progress(name, await program.ask<string>('runtime'));
        const memory = async () => {
          await sleep(rest);
          await program.ask('memory');
          await sleep(rest);
          return program.ask<number>('memory');
        };
        await load.ask('open', { name, port, scenario, isRaw: isRaw === true });
        // The first ones bring the code in.
        await load.ask('run', { name, messages: Math.ceil(connections / 10) });
        const before = await memory();
        await load.ask('run', { name, messages: connections });
        samples[name]!.push(((await memory()) - before) / connections);
      } finally {
        // First who would take the other's end for a failure.
        await load.stop();
        await program.stop();
      }
    }
  }
  return samples;
}
