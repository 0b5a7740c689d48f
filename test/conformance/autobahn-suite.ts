import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Role } from 'ants-ws';
import { agent } from './autobahn-options.js';
import { problemsOf, readReport, sayReport } from './autobahn-report.js';

/** A way to run `wstest`, the program of the Autobahn|Testsuite. */
export interface Suite {
  /** The program, and its first arguments; `port` is that of its server. */
  command(port: number): readonly [file: string, ...args: string[]];
  /** The folder of specifications and reports, as it sees it. */
  readonly folder: string;
  /** Where it listens itself. */
  readonly ownHost: string;
  /** Where our server has to listen, and under which name it finds it. */
  readonly ourHost: readonly [listening: string, found: string];
}

/** A run of the suite. */
export interface SuiteRun {
  /** Where specifications and reports go. */
  readonly folder: string;
  /** Which cases, such as `1.*`. */
  readonly cases: readonly string[];
  readonly roles: readonly Role[];
  readonly print: (line: string) => void;
}

const image = 'crossbario/autobahn-testsuite';

/** A `wstest` on this machine. */
export function localSuite(command: readonly [file: string, ...args: string[]], folder: string): Suite {
  return { command: () => command, folder, ownHost: '127.0.0.1', ourHost: ['127.0.0.1', '127.0.0.1'] };
}

/** The one in a container. It reaches this machine from outside, so our server listens on all addresses. */
export function dockerSuite(folder: string): Suite {
  const inside = '/autobahn';
  const user = process.getuid === undefined ? [] : ['--user', `${process.getuid()}:${process.getgid!()}`];
  return {
    command: (port) => [
      ...(['docker', 'run', '--rm', '--init', ...user] as const),
      ...['--volume', `${folder}:${inside}`, '--publish', `127.0.0.1:${port}:${port}`],
      ...['--add-host', 'host.docker.internal:host-gateway', image, 'wstest'],
    ],
    folder: inside,
    ownHost: '0.0.0.0',
    ourHost: ['0.0.0.0', 'host.docker.internal'],
  };
}

/** What this machine has: a `wstest` of its own first. */
export function findSuite(folder: string): Suite | undefined {
  if (runs('wstest', '--help')) return localSuite(['wstest'], folder);
  return runs('docker', 'info') ? dockerSuite(folder) : undefined;
}

function runs(file: string, argument: string): boolean {
  return spawnSync(file, [argument], { stdio: 'ignore' }).status === 0;
}

/** Runs the cases in each role and prints the reports. Whether all is OK. */
export async function runSuite(suite: Suite, run: SuiteRun): Promise<boolean> {
  let isFine = true;
  for (const role of run.roles) {
    rmSync(join(run.folder, role), { recursive: true, force: true });
    mkdirSync(join(run.folder, role), { recursive: true });
    await (role === 'server' ? testServer(suite, run) : testClient(suite, run));
    const verdicts = readReport(readFileSync(join(run.folder, role, 'index.json'), 'utf8'), agent);
    for (const line of sayReport(`as a ${role}`, verdicts)) run.print(line);
    if (problemsOf(verdicts).length > 0) isFine = false;
  }
  run.print(`reports: ${run.roles.map((role) => join(run.folder, role, 'index.html')).join(', ')}`);
  return isFine;
}

/** Autobahn's fuzzingclient against our server. */
async function testServer(suite: Suite, run: SuiteRun): Promise<void> {
  const [listening, found] = suite.ourHost;
  const server = startProgram('autobahn-server', ['--port', '0', '--host', listening]);
  try {
    const [line] = (await Promise.race([
      once(createInterface(server.stdout!), 'line'),
      endOf(server).then((code) => {
        throw new Error(`our server ended with ${code}`);
      }),
    ])) as [string];
    const port = Number(new URL(line.replace('listening on ', '')).port);
    const servers = [{ agent, url: `ws://${found}:${port}` }];
    const fuzzing = startWstest(suite, run, 'fuzzingclient', await freePort(), { servers }, 'server');
    const code = await endOf(fuzzing);
    if (code !== 0) throw new Error(`wstest ended with ${code}, see ${logOf(run.folder, 'fuzzingclient')}`);
  } finally {
    await stop(server);
  }
}

/** Our client against Autobahn's fuzzingserver. */
async function testClient(suite: Suite, run: SuiteRun): Promise<void> {
  const port = await freePort();
  const url = `ws://${suite.ownHost}:${port}`;
  const fuzzing = startWstest(suite, run, 'fuzzingserver', port, { url }, 'client');
  const client = startProgram('autobahn-client', ['--url', `ws://127.0.0.1:${port}`]);
  client.stdout!.resume();
  try {
    const code = await Promise.race([
      endOf(client),
      endOf(fuzzing).then((early) => {
        throw new Error(`wstest ended with ${early}, see ${logOf(run.folder, 'fuzzingserver')}`);
      }),
    ]);
    if (code !== 0) throw new Error(`our client ended with ${code}`);
  } finally {
    await stop(client);
    await stop(fuzzing);
  }
}

function startWstest(
  suite: Suite,
  { folder, cases }: SuiteRun,
  mode: string,
  port: number,
  more: object,
  role: Role,
): ChildProcess {
  const spec = {
    ...more,
    outdir: `${suite.folder}/${role}`,
    cases,
    'exclude-cases': [],
    'exclude-agent-cases': {},
  };
  writeFileSync(join(folder, `${mode}.json`), JSON.stringify(spec, undefined, 2));
  const [file, ...args] = suite.command(port);
  // Its page with the reports, on port 8080 by default, is not needed.
  const options = ['--mode', mode, '--spec', `${suite.folder}/${mode}.json`, '--webport', '0'];
  const log = openSync(logOf(folder, mode), 'w');
  const child = spawn(file, [...args, ...options], { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

/** What wstest prints: a line for each case, and its own errors. */
function logOf(folder: string, mode: string): string {
  return join(folder, `${mode}.log`);
}

/** One of our two programs, in a process of its own. */
function startProgram(name: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? child.signalCode!;
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill();
  await endOf(child);
}

/** A port that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
