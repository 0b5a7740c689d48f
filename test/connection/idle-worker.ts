import { once } from 'node:events';
import { connect } from 'node:net';
import { queryObjects } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import { serve } from 'ants-ws';
import { Inbox } from '#src/connection/inbox.js';
import { heartbeatPayload } from '#src/connection/pings.js';
import { Reader } from '#src/connection/reader.js';
import { SendQueue } from '#src/connection/send-queue.js';
import { Counters } from '#src/connection/stats.js';
import { Opcode } from '#src/protocol/opcode.js';
import { Place } from '#src/server/admission.js';
import { fakeClock } from '../support/clock.js';
import { rawPair, settle } from '../support/connections.js';

// Runs in a worker, whose heap has nothing else: what idle connections have of the objects that only busy ones need. The reader has the
// parser and the assembler, the send queue has the marks and the outbox.

/** How many there are; the garbage is collected first. */
function living(...classes: (new (...args: never) => unknown)[]): number[] {
  return classes.map((one) => Number(queryObjects(one as never)));
}

/** Connections at a server that have not been used. */
async function countUnused(): Promise<number[]> {
  const server = await serve({ host: '127.0.0.1' }, (connection) => connection.on('message', () => {}));
  for (let i = 0; i < 5; i++) {
    const socket = connect(server.port!, '127.0.0.1').unref();
    socket.write(
      'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(socket, 'data');
  }
  await settle();
  const counts = [server.connections.size, ...living(Reader, SendQueue, Inbox, Counters, Place)];
  await server.close({ timeout: 0 });
  return counts;
}

/** Connections that were used, then asked by a heartbeat; and their stats. */
async function countUsed(): Promise<{ busy: number[]; idle: number[]; stats: unknown }[]> {
  const clock = fakeClock();
  const pairs = [rawPair('server'), rawPair('server')];
  for (const { connection } of pairs) connection.on('message', () => {});
  await settle();
  const rounds = [];
  for (let round = 0; round < 2; round++) {
    for (const { connection, peer } of pairs) {
      peer.texts('hello');
      await connection.send('hello');
    }
    await settle();
    const busy = living(Reader);
    // Once it sees that something came, and then that nothing more did.
    await clock.tickAsync(60_000);
    await settle();
    for (const { peer } of pairs) peer.frame(Opcode.Pong, heartbeatPayload);
    await settle();
    const idle = living(Reader);
    rounds.push({ busy, idle, stats: pairs[0]!.connection.stats });
  }
  for (const { connection } of pairs) connection.terminate();
  await settle();
  clock.restore();
  return rounds;
}

const unused = await countUnused();
parentPort?.postMessage({ unused, used: await countUsed() });
