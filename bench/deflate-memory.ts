// What compression costs in memory.
//
//   npm run bench:deflate-memory [-- --connections 1000 --messages 200000]
//
// First, bytes of a connection that has sent and received, for each size of window. Then resident memory while many connections take
// turns with compressed messages, beside ws; with --svg FILE the curves are drawn.
import { writeFileSync } from 'node:fs';
import { type Connection, dial, serve } from 'ants-ws';
import { WebSocketServer } from 'ws';
import { chatMessages } from './support/chat.js';
import { drawCurves } from './support/curves.js';
import { mebibytes, numberArgument, quantile } from './support/numbers.js';
import { answer, Part } from './support/processes.js';

const count = numberArgument('connections', 1_000);
const total = numberArgument('messages', 200_000);
const samples = 40;
/** Resident memory may grow by this share between the second quarter and the last one. */
const mostGrowth = 0.05;

const memory = () => {
  globalThis.gc!();
  return process.memoryUsage.rss();
};

/** An echo of compressed messages. */
async function serveAnts(windowBits: string): Promise<void> {
  const bits = Number(windowBits);
  const compression =
    bits === 0
      ? { contextTakeover: false, peerContextTakeover: false, threshold: 0 }
      : { windowBits: bits, peerWindowBits: bits, maxContexts: Infinity };
  const server = await serve(
    { host: '127.0.0.1', compression: windowBits === '-' ? false : compression },
    async (conn) => {
      for await (const message of conn) await conn.send(message);
    },
  );
  answer({ url: () => server.url, memory, idle: () => process.memoryUsage.rss() });
}

async function serveWs(): Promise<void> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 64 } });
  server.on('connection', (client) => {
    client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  answer({
    url: () => `ws://127.0.0.1:${port}`,
    memory,
    idle: () => process.memoryUsage.rss(),
  });
}

async function dialMany(url: string, number: number): Promise<Connection<unknown>[]> {
  const connections: Connection<unknown>[] = [];
  while (connections.length < number) {
    const dials = Array.from({ length: Math.min(50, number - connections.length) }, () =>
      dial(url, { compression: { maxContexts: Infinity } }),
    );
    connections.push(...(await Promise.all(dials)));
  }
  return connections;
}

async function exchange(connection: Connection<unknown>, message: string): Promise<void> {
  await connection.send(message);
  if ((await connection.receive()) !== message) throw new Error('another message came back');
}

/** Bytes that a connection costs a server, beyond one of the other kind. */
async function perConnection(kind: string, number: number): Promise<number> {
  const server = new Part(import.meta.url, 'ants', kind);
  const url = await server.ask<string>('url');
  const [warm] = await dialMany(url, 1);
  for (const message of chatMessages(1024, 200).map(String)) await exchange(warm!, message);
  const before = await server.ask<number>('memory');
  const connections = await dialMany(url, number);
  // More than the largest window, so that all memory of it is in use.
  for (const message of chatMessages(4 * 1024, 10).map(String)) {
    await Promise.all(connections.map((connection) => exchange(connection, message)));
  }
  const after = await server.ask<number>('memory');
  server.stop();
  for (const connection of connections) connection.terminate();
  return (after - before) / number;
}

/** Resident memory of a server, `samples` times while `total` messages go to and fro. */
async function overTime(part: string, ...args: string[]): Promise<number[]> {
  const server = new Part(import.meta.url, part, ...args);
  const connections = await dialMany(await server.ask<string>('url'), count);
  const messages = [...chatMessages(300, 50), ...chatMessages(2_000, 50), ...chatMessages(9_000, 5)].map(
    String,
  );
  const curve: number[] = [];
  let sent = 0;
  for (let sample = 0; sample < samples; sample++) {
    const until = ((sample + 1) * total) / samples;
    while (sent < until) {
      const batch = connections.slice(0, Math.min(connections.length, until - sent));
      await Promise.all(
        batch.map((connection, i) => exchange(connection, messages[(sent + i) % messages.length]!)),
      );
      sent += batch.length;
    }
    curve.push(await server.ask<number>('idle'));
  }
  server.stop();
  for (const connection of connections) connection.terminate();
  return curve;
}

const [, , part, argument] = process.argv;
if (part === 'ants') await serveAnts(argument!);
else if (part === 'ws') await serveWs();
else {
  console.log(
    `Node ${process.versions.node}; bytes that compression adds to a connection which has sent and received`,
  );
  const number = Math.min(count, 300);
  const plain = await perConnection('-', number);
  for (const bits of [15, 14, 13, 12, 11, 10, 9, 8]) {
    const bytes = (await perConnection(String(bits), number)) - plain;
    console.log(`  windows of ${String(bits).padStart(2)} bits: ${Math.round(bytes / 1024)} KiB`);
  }
  const shared = (await perConnection('0', number)) - plain;
  console.log(`  without context takeover: ${(shared / 1024).toFixed(1)} KiB`);

  console.log(`Resident memory of an echo server, ${count} connections, ${total} compressed messages`);
  const curves = { ants: await overTime('ants', '15'), ws: await overTime('ws') };
  let isFlat = true;
  for (const [name, curve] of Object.entries(curves)) {
    const early = quantile(curve.slice(samples / 4, samples / 2), 0.5);
    const late = quantile(curve.slice((samples * 3) / 4), 0.5);
    const growth = late / early - 1;
    if (name === 'ants') isFlat = growth <= mostGrowth;
    console.log(
      `  ${name.padEnd(4)} ${mebibytes(early)} in the second quarter, ${mebibytes(late)} in the last: ${(growth * 100).toFixed(1)} %`,
    );
  }
  console.log(`  flat (at most ${mostGrowth * 100} %): ${isFlat ? 'met' : 'MISSED'}`);
  const svg = process.argv.indexOf('--svg');
  if (svg !== -1) {
    const title = `Resident memory, ${count} connections, ${total} compressed messages`;
    writeFileSync(
      process.argv[svg + 1]!,
      drawCurves(
        title,
        'share of the messages',
        'MiB',
        Object.entries(curves).map(([name, values]) => ({
          name,
          values: values.map((bytes) => bytes / 1024 / 1024),
        })),
      ),
    );
  }
  process.exit(isFlat ? 0 : 1);
}
