// An echo server for wss:, with a certificate and its key from two files.
//
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \
//     -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem
//   npm run build && node build/examples/tls.js cert.pem key.pem [port]
//
// The client has to trust such a certificate:
//
//   NODE_EXTRA_CA_CERTS=cert.pem node build/examples/ants-client.js wss://localhost:8443/
import { readFile } from 'node:fs/promises';
import { serve } from 'ants-ws';

const [certPath, keyPath, port = process.env['PORT'] ?? '8443'] = process.argv.slice(2);
if (certPath === undefined || keyPath === undefined) {
  throw new Error('usage: node build/examples/tls.js cert.pem key.pem [port]');
}

const tls = { cert: await readFile(certPath), key: await readFile(keyPath) };
const server = await serve({ port: Number(port), host: 'localhost', tls }, async (conn) => {
  for await (const message of conn) await conn.send(message);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await server.close();
    console.log('stopped');
  });
}

console.log(`listening on ${server.url}`);
