// WebSockets beside an Express application, on the same port: what is posted to /news goes to everyone on /news.
//
//   npm run build && node build/examples/express.js [port]
//
// Listen:  node build/examples/ants-client.js ws://localhost:8080/news
// Tell:    curl -H 'Content-Type: text/plain' -d 'It rains.' http://localhost:8080/news
import { once } from 'node:events';
import { Upgrader } from 'ants-ws';
import express from 'express';

const upgrader = new Upgrader();
const app = express();

app.post('/news', express.text(), (request, response) => {
  for (const conn of upgrader.connections) conn.send(String(request.body));
  response.json({ readers: upgrader.connections.size });
});

const server = app.listen(Number(process.argv[2] ?? process.env['PORT'] ?? 8080), 'localhost');
server.on(
  'upgrade',
  upgrader.handler('/news', (conn) => {
    // These connections only send. Without this line, messages of the clients would wait for somebody to read them.
    conn.ignoreMessages();
  }),
);

await once(server, 'listening');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    server.close();
    await upgrader.close();
    console.log('stopped');
  });
}

const address = server.address();
console.log(`listening on http://localhost:${typeof address === 'object' ? address?.port : ''}/news`);
