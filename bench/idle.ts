// What ten thousand idle connections cost a server: the heartbeat is on, nothing else happens. The ends are in two processes.
//
//   npm run bench:idle [-- --connections 10000 --interval 30000 --window 90000]
//
// `--interval` is the heartbeat's, and `--window` how long is measured, in milliseconds. With another interval than the default of
// 30 s the result is scaled, as the cost is per beat. Needs that many file descriptors in each process (`ulimit -n`).
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, dial, type ServerStats, serve } from 'ants-ws';
import { mebibytes, numberArgument } from './support/numbers.js';
import { answer, Part } from './support/processes.js';

const count = numberArgument('connections', 10_000);
const interval = numberArgument('interval', 30_000);
const window = numberArgument('window', 90_000);

async function serveIdle(heartbeatInterval: number): Promise<void> {
  const server = await serve({ host: '127.0.0.1', backlog: 4096, heartbeatInterval }, () => {});
  answer({
    url: () => server.url,
    collect: () => globalThis.gc!(),
    cpu: () => process.cpuUsage(),
    memory: () => process.memoryUsage.rss(),
    stats: () => server.stats,
  });
}

const [, , part, argument] = process.argv;
if (part === 'server') await serveIdle(Number(argument));
else {
  const server = new Part(import.meta.url, 'server', `${interval}`);
  const url = await server.ask<string>('url');
  const before = await server.ask<number>('memory');
  const connections: Connection<unknown>[] = [];
  const batch = 100;
  while (connections.length < count) {
    const dials = Array.from({ length: Math.min(batch, count - connections.length) }, () =>
      dial(url, { heartbeatInterval: interval, handshakeTimeout: 60_000 }),
    );
    connections.push(...(await Promise.all(dials)));
  }
  await server.ask('collect');
  const memory = (await server.ask<number>('memory')) - before;
  // What the dialing left behind is collected some seconds later, and is not the heartbeat's; and the first beats meet code that was
  // never run. V8 answers a collection with up to three more within half a minute, to give memory back: they are over then as well.
  await sleep(Math.min(interval, 10_000));
  await server.ask('collect');
  await sleep(Math.max(30_000, interval));
  const first = await server.ask<ServerStats>('stats');
  const start = await server.ask<NodeJS.CpuUsage>('cpu');
  const startedAt = performance.now();
  await sleep(window);
  const end = await server.ask<NodeJS.CpuUsage>('cpu');
  const elapsed = performance.now() - startedAt;
  const last = await server.ask<ServerStats>('stats');
  server.stop();

  const used = (end.user + end.system - start.user - start.system) / 1000;
  const measured = used / elapsed;
  const scaled = (measured * interval) / 30_000;
  const pings = last.pingsSent - first.pingsSent;
  const answered = last.pongsReceived - first.pongsReceived;
  const ok = scaled < 0.01 && last.connections === count && pings > 0;
  console.log(
    `${last.connections} of ${count} idle connections, heartbeat every ${interval} ms, for ${Math.round(elapsed)} ms`,
  );
  console.log(
    `  memory of the server: ${mebibytes(memory)}, ${Math.round(memory / count)} bytes a connection`,
  );
  console.log(
    `  beats: ${pings} pings sent, ${answered} answered, ${last.pingsReceived - first.pingsReceived} received`,
  );
  console.log(
    `  CPU of the server: ${used.toFixed(0)} ms (${((end.system - start.system) / 1000).toFixed(0)} in the kernel), ${(measured * 100).toFixed(2)} % of a core`,
  );
  console.log(
    `  at the default of 30 s: ${(scaled * 100).toFixed(2)} % of a core  (< 1 %) ${ok ? 'ok' : 'MISSED'}`,
  );
  process.exit(ok ? 0 : 1);
}
