// Mixed load for a long time: connections that come and go, chat, large messages, streams, compression, broadcasts, slow readers and
// terminations. Clients and server are in two processes. Nothing may go wrong, and memory must not grow once all is warm.
//
//   npm run soak [-- --minutes 15 --json soak.json --svg soak.svg]
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from 'ants-ws';
import { linearRegression } from 'simple-statistics';
import { type Notes, repeat, sessions } from './soak/sessions.js';
import { chatMessages } from './support/chat.js';
import { drawCurves } from './support/curves.js';
import { mebibytes, numberArgument, quantile } from './support/numbers.js';
import { answer, Part } from './support/processes.js';

const [, , part, ...rest] = process.argv;

/** Bytes that are in use. */
async function memory(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc!();
    await sleep(5);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function serveSoak(): Promise<void> {
  const errors: string[] = [];
  const flood = Buffer.alloc(64 * 1024, 'ants');
  const news = chatMessages(300, 32).map(String);
  const server = await serve(
    {
      host: '127.0.0.1',
      compression: true,
      heartbeatInterval: 2_000,
      onError: (error) => errors.push(String(error)),
    },
    async (conn) => {
      const { url } = conn.request;
      if (url === '/news') {
        conn.ignoreMessages();
        await conn.closed;
      } else if (url === '/close') await conn.close(4000, 'your turn');
      else if (url === '/stream') await conn.sendStream(await conn.receiveStream());
      else if (url === '/flood') for (;;) await conn.send(flood);
      else for await (const message of conn) await conn.send(message);
      if (url === '/stream') await conn.closed;
    },
  );
  let next = 0;
  setInterval(() => {
    const message = news[next++ % news.length]!;
    server.broadcast(message, { filter: ({ request }) => request.url === '/news' });
  }, 20);
  answer({
    url: () => server.url,
    look: async () => ({ bytes: await memory(), open: server.connections.size, errors: errors.splice(0) }),
  });
}

function runClients(url: string): void {
  const notes: Notes = { latencies: [], errors: [], sessions: 0, messages: 0 };
  let isOver = false;
  const running = sessions.flatMap((session) =>
    Array.from({ length: session.count }, () => repeat(url, session, notes, () => isOver)),
  );
  answer({
    look: async () => ({
      bytes: await memory(),
      sessions: notes.sessions,
      messages: notes.messages,
      p99: quantile(notes.latencies.splice(0), 0.99),
      errors: notes.errors.splice(0),
    }),
    leave: async () => {
      isOver = true;
      await Promise.all(running);
    },
  });
}

interface Look {
  readonly bytes: number;
  readonly errors: readonly string[];
  readonly open: number;
  readonly sessions: number;
  readonly messages: number;
  readonly p99: number;
}

/** The value behind `--name`. */
function fileArgument(name: string): string | undefined {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? undefined : process.argv[index + 1];
}

/** What the values grow by from the first to the last, as a straight line has it. */
function growthOf(values: readonly number[]): number {
  return linearRegression(values.map((value, i) => [i, value])).m * (values.length - 1);
}

/** What a straight line through the memory after the warm-up, a third of the time, may rise by. */
const mostGrowth = 8 * 1024 * 1024;
const samples = 60;

async function soak(): Promise<void> {
  const minutes = numberArgument('minutes', 15);
  const server = new Part(import.meta.url, 'server');
  const clients = new Part(import.meta.url, 'clients', await server.ask<string>('url'));
  const looks: { server: Look; clients: Look }[] = [];
  const errors: string[] = [];
  for (let i = 0; i < samples; i++) {
    await sleep((minutes * 60_000) / samples);
    const look = { server: await server.ask<Look>('look'), clients: await clients.ask<Look>('look') };
    looks.push(look);
    errors.push(...look.server.errors, ...look.clients.errors);
  }
  await clients.ask('leave');
  const last = await clients.ask<Look>('look');
  // The last frames may still be on their way.
  let open = Infinity;
  for (let i = 0; i < 50 && open > 0; i++) {
    await sleep(100);
    const look = await server.ask<Look>('look');
    open = look.open;
    errors.push(...look.errors);
  }
  errors.push(...last.errors);
  clients.stop();
  server.stop();

  const warm = looks.slice(Math.floor(samples / 3));
  const growth = {
    server: growthOf(warm.map((look) => look.server.bytes)),
    clients: growthOf(warm.map((look) => look.clients.bytes)),
  };
  const latencies = warm.map(({ clients: { p99 } }) => p99).filter((p99) => Number.isFinite(p99));
  const result = {
    minutes,
    node: process.version,
    sessions: last.sessions,
    messages: last.messages,
    errors,
    left: open,
    growth,
    p99: { median: quantile(latencies, 0.5), worst: quantile(latencies, 1) },
    samples: looks.map((look) => ({
      server: look.server.bytes,
      clients: look.clients.bytes,
      p99: look.clients.p99,
    })),
  };
  const ok =
    errors.length === 0 &&
    open === 0 &&
    Math.max(growth.server, growth.clients) < mostGrowth &&
    last.sessions > 0 &&
    latencies.length > 0;
  const json = fileArgument('json');
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, undefined, 2)}\n`);
  const svg = fileArgument('svg');
  if (svg !== undefined) {
    const inMebibytes = (values: readonly number[]) => values.map((value) => value / 1024 / 1024);
    const curves = [
      { name: 'server', values: inMebibytes(looks.map((look) => look.server.bytes)) },
      { name: 'clients', values: inMebibytes(looks.map((look) => look.clients.bytes)) },
      { name: 'p99, ms', values: looks.map((look) => look.clients.p99 || 0) },
    ];
    writeFileSync(svg, drawCurves(`Mixed load for ${minutes} minutes`, 'time', 'MiB', curves));
  }
  console.log(
    `${last.sessions} sessions, ${last.messages} messages, ${errors.length} errors, ${open} left open`,
  );
  for (const error of new Set(errors)) console.log(`  ${error}`);
  console.log(
    `p99 of a chat message and its answer: median ${result.p99.median.toFixed(1)} ms, worst ${result.p99.worst.toFixed(1)} ms`,
  );
  console.log(
    `memory grew by ${mebibytes(growth.server)} (server), ${mebibytes(growth.clients)} (clients)  (< 8 MiB)`,
  );
  console.log(ok ? 'ok' : 'MISSED');
  process.exit(ok ? 0 : 1);
}

if (part === 'server') await serveSoak();
else if (part === 'clients') runClients(rest[0]!);
else await soak();
