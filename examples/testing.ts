// How to test code that uses connections, without a network and without waiting.
//
//   npm run build && node --test build/examples/testing.js
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from 'ants-ws';
import { connectedPair, seededChunks, TestClock } from 'ants-ws/testing';

/** What is tested: a handler, as `serve` takes it. It adds up numbers until the client says that there are no more. */
async function add(conn: Connection): Promise<void> {
  let sum = 0;
  for await (const message of conn) {
    if (message === '=') await conn.send(String(sum));
    else sum += Number(message);
  }
}

test('the sum is right, however the bytes are cut', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { client, server } = connectedPair({ chunks: seededChunks(seed) });
    server.run(add);
    for (const message of ['1', '2', '39', '=']) client.send(message);
    assert.equal(await client.receive(), '42', `seed ${seed}`);
    await client.close();
  }
});

test('a client on a slow network waits for its sum', async () => {
  const clock = new TestClock();
  const { client, server } = connectedPair({ clock, delay: 250 });
  server.run(add);
  client.send('7');
  client.send('=');
  const sum = client.receive();
  await clock.advance(500);
  assert.equal(await sum, '7');
});

test('a client that has vanished is given up within three minutes', async () => {
  const clock = new TestClock();
  const { server, toServer, toClient } = connectedPair({ clock });
  server.run(add);
  for (const line of [toServer, toClient]) line.stall();
  await clock.advance(180_000);
  const { code, error } = await server.closed;
  assert.equal(code, 1006);
  assert.match(String(error?.cause), /writeTimeout/); // not even a ping left
});

test('a client that goes in the middle of things ends the handler', async () => {
  const { client, server, cut } = connectedPair();
  const handled = add(server);
  await client.send('1');
  cut();
  await assert.rejects(handled, { code: 'ANTS_CLOSED', closeCode: 1006 });
});
