// Runs under the runtime that is looked at, both ends in one process, and prints a line of JSON for each check: its name, and what
// went wrong if something did.
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Connection, dial, HandshakeError, type Server, serve, Upgrader } from 'ants-ws';
import { connectedPair } from 'ants-ws/testing';
import { tls } from '../fixtures/tls.js';

const host = '127.0.0.1';

async function echo(conn: Connection): Promise<void> {
  for await (const message of conn) await conn.send(message);
}

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a.slice(0, 200)} instead of ${b.slice(0, 200)}`);
}

/** Sends what there is to send, and closes in order. */
async function talk(conn: Connection): Promise<void> {
  const bytes = Buffer.alloc(300_000, 'ants');
  for (const message of ['hello', '', 'x'.repeat(70_000), 'Ameisen: 🐜 蟻']) {
    await conn.send(message);
    same(await conn.receive(), message);
  }
  await conn.send(bytes);
  if (!bytes.equals((await conn.receive()) as Buffer)) throw new Error('other bytes');
  const { code, wasClean } = await conn.close(4000, 'done');
  same({ code, wasClean }, { code: 4000, wasClean: true });
}

async function withServer(server: Server, use: (server: Server) => Promise<void>): Promise<void> {
  try {
    await use(server);
  } finally {
    await server.close({ timeout: 1000 });
  }
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((res) => {
    resolve = res;
  });
  return { promise, resolve };
}

const checks: Record<string, () => Promise<void>> = {
  'messages, and a close in order': async () =>
    withServer(await serve({ host }, echo), async ({ url }) => talk(await dial(url))),

  'TLS (`wss:`)': async () =>
    withServer(await serve({ host, tls }, echo), async ({ url }) =>
      talk(await dial(url, { tls: { ca: tls.cert } })),
    ),

  compression: async () =>
    withServer(await serve({ host, compression: true }, echo), async ({ url }) => {
      const conn = await dial(url, { compression: true });
      same(conn.extensions.startsWith('permessage-deflate'), true);
      await talk(conn);
      if (conn.stats.bytesSent > 50_000) throw new Error(`${conn.stats.bytesSent} bytes were sent`);
    }),

  pings: async () =>
    withServer(await serve({ host }, echo), async ({ url }) => {
      const conn = await dial(url);
      if (!((await conn.ping('hi')) > 0)) throw new Error('no time');
      await conn.close();
    }),

  streams: async () =>
    withServer(
      await serve({ host }, async (conn) => {
        const stream = await conn.receiveStream({ maxSize: 8_000_000 });
        await conn.sendStream(stream);
        await conn.closed;
      }),
      async ({ url }) => {
        const conn = await dial(url);
        const sent = conn.sendStream(Array.from({ length: 60 }, () => Buffer.alloc(100_000, 'ants')));
        let size = 0;
        for await (const chunk of await conn.receiveStream({ maxSize: 8_000_000 })) size += chunk.length;
        await sent;
        same(size, 6_000_000);
        await conn.close();
      },
    ),

  backpressure: async () => {
    const { promise: came, resolve: come } = withResolvers<Connection>();
    await withServer(await serve({ host }, come), async ({ url }) => {
      const conn = await dial(url);
      const peer = await came;
      conn.pause();
      const message = Buffer.alloc(8192);
      let isDone = false;
      const sending = (async () => {
        for (let i = 0; i < 4000; i++) {
          await peer.send(message);
          if (peer.bufferedAmount > 200_000) throw new Error(`${peer.bufferedAmount} bytes are buffered`);
        }
        isDone = true;
      })();
      await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, 500))]);
      same(isDone, false);
      conn.resume();
      for (let i = 0; i < 4000; i++) await conn.receive();
      await sending;
      await conn.close();
    });
  },

  'a refused handshake, with its body': async () =>
    withServer(
      await serve({ host, authorize: () => new Response('who are you?', { status: 401 }) }, echo),
      async ({ url }) => {
        const error = await dial(url).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (!(error instanceof HandshakeError)) throw new Error(`${error}`);
        same([error.status, error.body], [401, 'who are you?']);
      },
    ),

  'an HTTP server that is there': async () => {
    const upgrader = new Upgrader();
    const http = createServer((_request, response) => response.end('over HTTP'));
    http.on('upgrade', upgrader.handler('/ants', echo));
    http.listen(0, host);
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    await talk(await dial(`ws://${host}:${port}/ants`));
    const get = request({ host, port, agent: false }).end();
    const [response] = await once(get, 'response');
    let body = '';
    for await (const chunk of response) body += chunk;
    same(body, 'over HTTP');
    http.close();
    await upgrader.close();
  },

  'a server that stops': async () => {
    const server = await serve({ host }, echo);
    const conns = [await dial(server.url), await dial(server.url)];
    await server.close();
    for (const conn of conns) same((await conn.closed).code, 1001);
  },

  'peers that vanish': async () =>
    withServer(
      await serve({ host }, (conn) => void setTimeout(() => conn.terminate(), 20)),
      async ({ url }) => {
        const conn = await dial(url);
        same((await conn.closed).code, 1006);
      },
    ),

  '`ants-ws/testing`': async () => {
    const { client, server } = connectedPair();
    await client.send('in memory');
    same(await server.receive(), 'in memory');
    await client.close();
  },
};

for (const [name, run] of Object.entries(checks)) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('not done after 4 s')), 4_000);
  });
  const problem = await Promise.race([run(), late]).then(
    () => undefined,
    (error: unknown) => `${error}`,
  );
  clearTimeout(timer);
  console.log(JSON.stringify({ name, problem }));
}
process.exit();
