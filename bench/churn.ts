// What connections leave behind that vanish, in every state that they can be in: by a reset, by an end of TCP, or in silence. Clients and
// server are in two processes; the deadlines are short. Afterwards the server must be what it was before: descriptors, handles, timers,
// connections in memory.
//
//   npm run bench:churn [-- --connections 10000 --batch 2000]
//
// Needs as many file descriptors as a batch has connections, in each process (`ulimit -n`).
import { createHook } from 'node:async_hooks';
import { readdirSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, serve } from 'ants-ws';
import { mebibytes, numberArgument } from './support/numbers.js';
import { answer, Part } from './support/processes.js';

/** What a process holds. */
interface Holdings {
  readonly descriptors: number;
  /** Those that keep the process alive, by their type. */
  readonly handles: Record<string, number>;
  /** All timers, also those that keep nothing alive. */
  readonly timers: number;
  /** Connections that are open, and connections that are still in memory. */
  readonly open: number;
  readonly remembered: number;
  /** Connections that were opened so far. */
  readonly opened: number;
  readonly bytes: number;
}

/** What some handlers and listeners throw. */
class Oops extends Error {}

async function serveChurn(): Promise<void> {
  const timers = new Set<number>();
  createHook({
    init: (id, type) => type === 'Timeout' && timers.add(id),
    destroy: (id) => timers.delete(id),
  }).enable();
  const seen: WeakRef<Connection<unknown>>[] = [];
  const server = await serve(
    {
      host: '127.0.0.1',
      backlog: 4096,
      handshakeTimeout: 300,
      heartbeatInterval: 300,
      heartbeatTimeout: 300,
      closeTimeout: 300,
      writeTimeout: 600,
      authorize: ({ url }): Promise<undefined> | undefined =>
        url === '/wait' ? new Promise(() => {}) : undefined,
      compression: true,
      onError: (error) => {
        if (!(error instanceof Oops)) throw error;
      },
    },
    (conn) => {
      seen.push(new WeakRef(conn));
      const { url } = conn.request;
      if (url === '/throw') throw new Oops();
      if (url === '/throw-later') {
        conn.on('message', () => {
          throw new Oops();
        });
      } else if (url === '/close') void conn.close(1001);
      else if (url === '/flood') for (let i = 0; i < 64; i++) conn.send(Buffer.alloc(64 * 1024));
      else if (url !== '/unread') conn.on('message', (message) => conn.send(message));
    },
  );
  answer({
    url: () => server.url,
    holdings: async (): Promise<Holdings> => {
      for (let i = 0; i < 3; i++) {
        globalThis.gc!();
        await sleep(5);
      }
      const handles: Record<string, number> = {};
      for (const type of process.getActiveResourcesInfo()) handles[type] = (handles[type] ?? 0) + 1;
      const { heapUsed, external } = process.memoryUsage();
      return {
        descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
        handles,
        timers: timers.size,
        open: server.connections.size,
        remembered: seen.filter((reference) => reference.deref() !== undefined).length,
        opened: seen.length,
        bytes: heapUsed + external,
      };
    },
  });
}

const frames = {
  /** A masked binary frame of 4,096 bytes, and a few of them. */
  cut: Buffer.from('82fe100000000000414141', 'hex'),
  unfinished: Buffer.from('01810000000041', 'hex'),
  text: Buffer.from('81810000000041', 'hex'),
  close: Buffer.from('88820000000003e8', 'hex'),
  /** The first fragment of a compressed message, which ends in the middle of a block; and a whole one, of "Hello". */
  halfCompressed: Buffer.from('418300000000f248cd', 'hex'),
  compressed: Buffer.from('c18700000000f248cdc9c90700', 'hex'),
  pings: Buffer.from('898000000000'.repeat(2_000), 'hex'),
  closes: Buffer.from('88820000000003e8'.repeat(2_000), 'hex'),
  emptyFragments: Buffer.from(`018000000000${'008000000000'.repeat(2_000)}`, 'hex'),
  smallFragments: Buffer.from(`41810000000000${'00810000000000'.repeat(2_000)}`, 'hex'),
};

/** How far a client gets: where it asks, what it sends once it is answered. Without a path, what it sends instead of a request. */
const states: readonly { path?: string; sent?: Buffer | string; waits?: boolean; drips?: boolean }[] = [
  {},
  { sent: 'GET / HTTP/1.1\r\nHost: a\r\n' },
  { path: '/wait', waits: false },
  { path: '/' },
  { path: '/', sent: frames.cut },
  { path: '/', sent: frames.unfinished },
  { path: '/unread', sent: frames.text },
  { path: '/', sent: frames.text },
  { path: '/flood' },
  { path: '/close' },
  { path: '/', sent: frames.close },
  { path: '/', sent: frames.halfCompressed },
  { path: '/', sent: Buffer.concat([frames.compressed, frames.halfCompressed]) },
  { path: '/unread', sent: frames.compressed },
  { path: '/', sent: frames.pings },
  { path: '/', sent: frames.closes },
  { path: '/', sent: frames.emptyFragments },
  { path: '/', sent: frames.smallFragments },
  { path: '/throw' },
  { path: '/throw-later', sent: frames.text },
  { sent: 'GET / HTTP/1.1\r\nHost: a\r\n', drips: true },
];

/** How a client vanishes. In silence it neither reads nor writes nor goes. */
const ways: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.end(),
  (socket) => socket.pause(),
];

async function vanish(port: number, index: number): Promise<Socket> {
  const { path, sent = '', waits = true, drips = false } = states[index % states.length]!;
  const way = ways[Math.floor(index / states.length) % ways.length]!;
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  const happened = (event: string) =>
    new Promise<void>((resolve) => socket.once(event, () => resolve()).once('close', () => resolve()));
  await happened('connect');
  if (drips) {
    // One more header, for as long as there is somebody to read it.
    socket.write(`${sent}X-Drip: `);
    const drip = setInterval(() => socket.write('.'), 100);
    socket.resume().once('close', () => clearInterval(drip));
    return socket;
  }
  if (path === undefined) socket.write(sent);
  else {
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
        'Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
    );
    if (waits) await happened('data');
    socket.write(sent);
  }
  way(socket);
  return socket;
}

function runClients(port: number, batch: number): void {
  let sockets: Socket[] = [];
  let next = 0;
  answer({
    vanish: async () => {
      const coming = Array.from({ length: batch }, () => vanish(port, next++));
      sockets = await Promise.all(coming);
      return sockets.length;
    },
    // Only now do those go that were silent: the server has to have got rid of them by itself.
    leave: () => {
      for (const socket of sockets.splice(0)) socket.destroy();
    },
  });
}

/** Waits until the server holds no more than `before`, or gives up; returns what it holds then. */
async function settle(server: Part, before: Holdings | undefined): Promise<Holdings> {
  let holdings = await server.ask<Holdings>('holdings');
  for (let i = 0; i < 100 && !isBack(holdings, before); i++) {
    await sleep(100);
    holdings = await server.ask<Holdings>('holdings');
  }
  return holdings;
}

function isBack(now: Holdings, before: Holdings | undefined): boolean {
  if (now.open > 0 || now.remembered > 0) return false;
  if (before === undefined) return now.handles['TCPSocketWrap'] === undefined;
  return (
    now.descriptors <= before.descriptors &&
    now.timers <= before.timers &&
    Object.entries(now.handles).every(([type, count]) => count <= (before.handles[type] ?? 0))
  );
}

const [, , part, ...rest] = process.argv;
if (part === 'server') await serveChurn();
else if (part === 'clients') runClients(Number(rest[0]), Number(rest[1]));
else {
  const count = numberArgument('connections', 10_000);
  const batch = Math.min(numberArgument('batch', 2_000), count);
  const server = new Part(import.meta.url, 'server');
  const { port } = new URL(await server.ask<string>('url'));
  const clients = new Part(import.meta.url, 'clients', port, `${batch}`);

  // The first batch brings what stays for good: compiled code, pools of memory.
  let before: Holdings | undefined;
  let now: Holdings | undefined;
  let made = 0;
  for (let round = 0; made < count || round < 2; round++) {
    const there = await clients.ask<number>('vanish');
    if (round > 0) made += there;
    now = await settle(server, before);
    before ??= now;
    await clients.ask('leave');
  }
  server.stop();
  clients.stop();

  const growth = now!.bytes - before!.bytes;
  const ok = isBack(now!, before) && growth < 4 * 1024 * 1024;
  const opened = now!.opened - before!.opened;
  console.log(
    `${made} connections vanished, in ${states.length} states and ${ways.length} ways; ${opened} had been opened`,
  );
  for (const name of ['descriptors', 'timers', 'open', 'remembered'] as const) {
    console.log(`  ${name.padEnd(12)} before ${before![name]}, after ${now![name]}`);
  }
  console.log(
    `  handles      before ${JSON.stringify(before!.handles)}, after ${JSON.stringify(now!.handles)}`,
  );
  console.log(`  memory       grew by ${mebibytes(growth)}  (< 4 MiB)`);
  console.log(ok ? 'all of it is back where it was: ok' : 'MISSED');
  process.exit(ok ? 0 : 1);
}
