// What `npm start` runs: the echo server, and a client that talks to it.
//
//   npm start
//
// It prints a URL to try from another terminal or from a browser. When port 8080 is taken, it takes a free one. Ctrl-C stops
// both ends in order.
import { AntsError, type Connection, dial, type Server, serve } from 'ants-ws';

async function echo(conn: Connection): Promise<void> {
  conn.on('close', ({ code, reason }) =>
    console.log(`server: closed with ${code} ${JSON.stringify(reason)}`),
  );
  for await (const message of conn) await conn.send(message);
}

function listen(port: number): Promise<Server> {
  // An echo has nothing to protect, so pages of every origin may try it.
  return serve({ port, host: 'localhost', path: '/ants', origins: '*' }, echo);
}

async function listenSomewhere(port: number): Promise<Server> {
  try {
    return await listen(port);
  } catch (error) {
    if (!(error instanceof AntsError) || error.code !== 'ANTS_LISTEN_FAILED') throw error;
    console.log(`port ${port} is taken, so here is a free one`);
    return listen(0);
  }
}

const server = await listenSomewhere(Number(process.argv[2] ?? process.env['PORT'] ?? 8080));
const conn = await dial(server.url);
let count = 0;
const hello = () => conn.send(`hello ${++count}`);
const timer = setInterval(hello, 1000);
hello();

async function stop(): Promise<void> {
  if (conn.state !== 'open') return; // Under npm a Ctrl-C comes twice: from the terminal, and passed on by npm.
  await conn.close(1000, 'bye');
  await server.close();
  console.log('stopped');
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, stop);
}

console.log(`listening on ${server.url}`);
console.log(`  from another terminal:  node build/examples/ants-client.js ${server.url}`);
console.log(`  from a browser:         new WebSocket('${server.url}')`);
console.log('Ctrl-C stops it.');

for await (const message of conn) {
  console.log(`client: received ${message}`);
}
clearInterval(timer);
