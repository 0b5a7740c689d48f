// What esbuild makes one file of. It runs where no ants-ws is installed.
import { dial, serve } from 'ants-ws';
import { connectedPair } from 'ants-ws/testing';

const server = await serve({ host: '127.0.0.1', compression: true }, async (conn) => {
  for await (const message of conn) await conn.send(message);
});
const conn = await dial(server.url, { compression: true });
await conn.send('bundled '.repeat(1000));
if ((await conn.receive()) !== 'bundled '.repeat(1000)) throw new Error('wrong echo');
await conn.close();
await server.close();

const { client, server: other } = connectedPair();
await client.send('in memory');
if ((await other.receive()) !== 'in memory') throw new Error('wrong message');
console.log('bundled, and echoed');
