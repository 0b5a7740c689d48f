// Stops on SIGTERM without losing a message: whatever `send` has taken arrives at every client that reads.
//
//   npm run build && node build/examples/graceful-stop.js [port]
//
// Watch it:   node build/examples/ants-client.js ws://localhost:8080/
// Stop it:    kill -TERM <the number that it prints>
import { setTimeout as pause } from 'node:timers/promises';
import { type Connection, serve } from 'ants-ws';

/** Sends ticks as fast as the client reads, and answers every message in its own time. */
async function work(conn: Connection): Promise<void> {
  const ticking = tick(conn);
  await conn.consume(
    async (message) => {
      await pause(20); // a look into a database, perhaps
      await conn.send(`answer ${message}`);
    },
    { concurrency: 8 },
  );
  await ticking;
}

async function tick(conn: Connection): Promise<void> {
  for (let n = 0; conn.state === 'open'; n++) {
    await conn.send(`tick ${n}`.padEnd(100));
    // What was sent is on its way; there is no need to remember it.
    if (n % 100 === 99) await pause(1);
  }
}

const server = await serve(
  { host: 'localhost', port: Number(process.argv[2] ?? process.env['PORT'] ?? 8080) },
  work,
);
console.log(`listening on ${server.url} as process ${process.pid}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    const { clean, cut } = await server.close({ timeout: 10_000 });
    console.log(`sent ${server.stats.messagesSent} messages; ${clean} clients left in order, ${cut} did not`);
    // Nothing is left to do, so the process ends by itself.
  });
}
