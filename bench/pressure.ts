// A peer that asks and never reads, on a plain event echo with default options: what does it cost the server, and what the
// others? When it reads at last, does every reply come, in order?
//
//   npm run bench:pressure [-- --seconds 10 --share 1]
//
// `--seconds` is the length of each measurement, `--share` scales the number of messages. Ends with 1 when a bar is missed.
import { setTimeout as sleep } from 'node:timers/promises';
import { dial, serve } from 'ants-ws';
import { mebibytes, numberArgument, quantile } from './support/numbers.js';
import { answer, Part } from './support/processes.js';

const KiB = 1024;
const MiB = 1024 * KiB;

interface Scenario {
  readonly name: string;
  readonly count: number;
  readonly size: number;
  readonly maxMessageSize: number;
}

const share = numberArgument('share', 1);
const seconds = numberArgument('seconds', 10);
const scenarios: readonly Scenario[] = [
  { name: '1 KiB', count: Math.ceil(200_000 * share), size: KiB, maxMessageSize: MiB },
  { name: '4 MiB', count: Math.ceil(40 * share), size: 4 * MiB, maxMessageSize: 4 * MiB },
];

async function serveEcho(maxMessageSize: number): Promise<void> {
  // With the default of 1 MiB, as with no option at all.
  const server = await serve({ host: '127.0.0.1', maxMessageSize }, (conn) => {
    conn.on('message', (message) => conn.send(message));
  });
  let most = 0;
  const sample = () => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  setInterval(sample, 20);
  answer({
    url: () => server.url,
    /** The most memory since the last call. */
    memory: () => {
      sample();
      const result = most;
      most = 0;
      return result;
    },
    collect: () => globalThis.gc!(),
    buffered: () => server.stats.bufferedAmount,
  });
}

async function standBy(url: string): Promise<void> {
  const conn = await dial(url);
  let times: number[] = [];
  answer({
    ready: () => true,
    /** The round trips since the last call. */
    times: () => {
      const result = times;
      times = [];
      return result;
    },
  });
  while (conn.state === 'open') {
    const start = performance.now();
    await conn.send('hello');
    await conn.receive();
    times.push(performance.now() - start);
    await sleep(1);
  }
}

/** Whether the message with this number is what it should be. */
function isReply(message: unknown, index: number, size: number): boolean {
  return Buffer.isBuffer(message) && message.length === size && message.readUInt32BE(0) === index;
}

async function run({ name, count, size, maxMessageSize }: Scenario): Promise<boolean> {
  const server = new Part(import.meta.url, 'server', `${maxMessageSize}`);
  const url = await server.ask<string>('url');
  const bystander = new Part(import.meta.url, 'bystander', url);
  await bystander.ask('ready');
  const p99 = async () => quantile(await bystander.ask<number[]>('times'), 0.99);

  // Until everything is compiled and its memory has settled.
  await sleep(2000);
  await server.ask('collect');
  await sleep(500);
  await p99();
  await server.ask('memory');
  await sleep(seconds * 1000);
  const p99Before = await p99();
  const memoryBefore = await server.ask<number>('memory');

  const peer = await dial(url, { maxMessageSize, maxBufferedAmount: Infinity });
  peer.pause();
  let sent = 0;
  const flood = async () => {
    for (; sent < count; sent++) {
      const message = Buffer.alloc(size);
      message.writeUInt32BE(sent);
      await peer.send(message);
    }
  };
  const flooded = flood();
  await sleep(seconds * 1000);
  const p99During = await p99();
  const growth = (await server.ask<number>('memory')) - memoryBefore;
  const buffered = await server.ask<number>('buffered');
  const sentAtStandstill = sent;

  let received = 0;
  let wrong = 0;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    peer.on('message', (message) => {
      if (!isReply(message, received++, size)) wrong++;
      if (received === count) resolve();
    });
    peer.on('close', () => resolve());
    peer.resume();
  });
  const drained = performance.now() - start;
  const growthAtEnd = (await server.ask<number>('memory')) - memoryBefore;
  const p99After = await p99();
  if (received === count) await flooded;
  peer.terminate();
  server.stop();
  bystander.stop();

  const bars: [what: string, value: string, bar: string, ok: boolean][] = [
    ['server growth while it does not read', mebibytes(growth), '< 24 MiB', growth < 24 * MiB],
    ['server growth while it reads at last', mebibytes(growthAtEnd), '', true],
    ['buffered for it on the server', mebibytes(buffered), '', true],
    ['messages that it could send meanwhile', `${sentAtStandstill} of ${count}`, '', true],
    ['p99 of a bystander before', `${p99Before.toFixed(3)} ms`, '', true],
    [
      'p99 of a bystander meanwhile',
      `${p99During.toFixed(3)} ms`,
      `<= ${(2 * p99Before).toFixed(3)} ms`,
      p99During <= 2 * p99Before,
    ],
    ['p99 of a bystander while it reads', `${p99After.toFixed(3)} ms`, '', true],
    ['replies, in order', `${received - wrong} of ${count}`, 'all', received === count && wrong === 0],
    ['time to read them', `${(drained / 1000).toFixed(1)} s`, '', true],
  ];
  console.log(`\n${count} x ${name}, asked by a peer that does not read`);
  for (const [what, value, bar, ok] of bars) {
    console.log(
      `  ${what.padEnd(40)} ${value.padStart(18)}  ${bar.padEnd(14)} ${bar === '' ? '' : ok ? 'ok' : 'MISSED'}`,
    );
  }
  return bars.every(([, , , ok]) => ok);
}

const [, , part, argument] = process.argv;
if (part === 'server') await serveEcho(Number(argument));
else if (part === 'bystander') await standBy(argument!);
else {
  const results: boolean[] = [];
  for (const scenario of scenarios) results.push(await run(scenario));
  process.exitCode = results.every(Boolean) ? 0 : 1;
}
