// What a user writes, compiled against the packed declarations, and run.
import { CloseError, type Connection, dial, type Message, serve } from 'ants-ws';
import { connectedPair, type PairOptions, TestClock } from 'ants-ws/testing';

const server = await serve({ port: 0, host: '127.0.0.1', path: '/ants' }, async (conn: Connection) => {
  for await (const message of conn) await conn.send(message);
});

const conn = await dial(server.url);
let ends = 0;
conn.on('close', ({ code, wasClean }) => {
  if (code === 1000 && wasClean) ends++;
});
await conn.send('hello');
await conn.send(new Uint8Array([1, 2, 3]));
const text: Message = await conn.receive();
const binary: Message = await conn.receive();
if (text !== 'hello' || !Buffer.isBuffer(binary) || binary.length !== 3) throw new Error('wrong echo');
await conn.close(1000, 'done');
try {
  await conn.receive();
  throw new Error('receive() should have failed');
} catch (error) {
  if (!(error instanceof CloseError)) throw error;
  const closeCode: number = error.closeCode;
  if (closeCode !== 1000) throw error;
}
await server.close();
if (ends !== 1) throw new Error(`${ends} close events`);

const options: PairOptions = { clock: new TestClock(), chunks: [1, 2] };
const pair = connectedPair(options);
await pair.client.send('in memory');
if ((await pair.server.receive()) !== 'in memory') throw new Error('wrong message');
pair.cut();
if ((await pair.client.closed).code !== 1006) throw new Error('not cut');
console.log('compiled, and echoed');

// @ts-expect-error There is no such event.
conn.on('error', () => {});
// @ts-expect-error A message is a string or bytes.
const wrong: () => Promise<void> = () => conn.send(1);
void wrong;
