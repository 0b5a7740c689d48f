// A client that comes back whenever it can, with a fresh token each time.
//
//   npm run build && node build/examples/stay-connected.js [url]
//
// Try it: start, stop and start build/examples/ants-server.js meanwhile. Ctrl-C ends it.
import { type ReconnectAttempt, reconnect } from 'ants-ws';

const url = process.argv[2] ?? 'ws://localhost:8080/ants';

/** In your program: a request to whoever gives out tokens. What it throws is a failed attempt. */
async function fetchToken(attempt: number): Promise<string> {
  return `token-${attempt}`;
}

function tell({ attempt, error, delay }: ReconnectAttempt): void {
  if (error === undefined) console.log(`connected, attempt ${attempt}`);
  else
    console.log(
      `attempt ${attempt}: ${error instanceof Error ? error.message : error}; again in ${delay} ms`,
    );
}

const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => controller.abort());
}

const connections = reconnect(
  async ({ attempt }) => ({ url, headers: { Authorization: `Bearer ${await fetchToken(attempt)}` } }),
  { minDelay: 100, maxDelay: 5_000, onAttempt: tell, signal: controller.signal },
);
try {
  for await (const conn of connections) {
    // What the server has to know anew on each connection.
    void conn.send('hello');
    for await (const message of conn) console.log(`received ${message}`);
    console.log(`lost it: ${(await conn.closed).code}`);
  }
} catch (error) {
  if (!controller.signal.aborted) throw error;
  console.log('stopped');
}
