// The echo server: it sends every message on /ants back, and tells how each connection came and ended.
//
//   npm run build && node build/examples/ants-server.js [port]
//
// The port is the argument, or the variable PORT, or 8080. Talk to it with ants-client.js. Ctrl-C closes every connection
// with 1001 and stops.
import { serve } from 'ants-ws';

const port = Number(process.argv[2] ?? process.env['PORT'] ?? 8080);
let count = 0;

// An echo has nothing to protect, so pages of every origin may try it. Leave `host` out to be reached from other machines.
const server = await serve({ port, host: 'localhost', path: '/ants', origins: '*' }, async (conn) => {
  const ant = `ant ${++count}`;
  console.log(`${ant} came from ${conn.remoteAddress?.address}`);
  conn.on('close', ({ code, reason, error }) => {
    console.log(`${ant} left with ${code} ${JSON.stringify(reason)}${error ? `: ${error.message}` : ''}`);
  });
  for await (const message of conn) {
    await conn.send(message);
  }
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => server.close());
}

console.log(`listening on ${server.url}`);
