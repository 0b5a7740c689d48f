// One port for HTTP routes, for WebSockets on /ants, and for the upgrades of somebody else on /clock.
//
//   npm run build && node build/examples/http-server.js [port]
//
// See the page:       curl http://localhost:8080/
// Talk to the echo:   node build/examples/ants-client.js ws://localhost:8080/ants
// Ask the clock:      curl --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: clock' http://localhost:8080/clock
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Upgrader } from 'ants-ws';

const server = createServer((request, response) => {
  if (request.url === '/')
    response.end(`Hello over HTTP. ${upgrader.connections.size} WebSockets are open.\n`);
  else response.writeHead(404).end('There is no such page.\n');
});

// Ours: /ants. Requests for other paths are left to the listeners below.
const upgrader = new Upgrader();
server.on(
  'upgrade',
  upgrader.handler('/ants', async (conn) => {
    for await (const message of conn) await conn.send(message);
  }),
);

// Somebody else's, such as a development server that reloads pages. It speaks a protocol of its own.
server.on('upgrade', (request, socket) => {
  if (request.url !== '/clock') return;
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: clock\r\n\r\n${new Date().toISOString()}\n`,
  );
});

// Nobody's. With only the listeners of upgraders there would be a 404 by itself; with others among them, only we know.
server.on('upgrade', (request, socket) => {
  const path = request.url?.split('?', 1)[0];
  if (path === '/ants' || path === '/clock') return;
  socket.on('error', () => {});
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
});

server.listen(Number(process.argv[2] ?? process.env['PORT'] ?? 8080), 'localhost');
await once(server, 'listening');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    server.close(); // no new connections
    await upgrader.close(); // 1001 to everyone who is there
    console.log('stopped');
  });
}

const address = server.address();
console.log(`listening on http://localhost:${typeof address === 'object' ? address?.port : ''}/`);
