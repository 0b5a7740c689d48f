import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Connection, dial, serve } from 'ants-ws';
import { expect } from 'chai';
import fc from 'fast-check';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { runs } from '../properties/settings.js';
import { ChunkingProxy } from '../support/chunking-proxy.js';

type Content = string | Buffer;

/** One end of a connection of either library: what it sends and, in order, what it gets. */
interface End {
  send(message: Content): void;
  next(): Promise<Content>;
  close(): void;
}

const ours = (conn: Connection): End => ({
  send: (message) => void conn.send(message),
  next: () => conn.receive(),
  close: () => void conn.close(),
});

function theirs(socket: WebSocket): End {
  const messages: Content[] = [];
  let arrived = () => {};
  socket.on('error', () => {});
  socket.on('message', (data: RawData, isBinary: boolean) => {
    messages.push(isBinary ? (data as Buffer) : String(data));
    arrived();
  });
  return {
    send: (message) => socket.send(message),
    next: async () => {
      while (messages.length === 0) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
      return messages.shift()!;
    },
    close: () => socket.close(),
  };
}

/** Starts a server, hands it over with its port, and takes it back. */
type Library = (
  compression: boolean,
  use: (port: number, accepted: Promise<End>) => Promise<void>,
) => Promise<void>;

const servers: Record<string, Library> = {
  'ants-ws': async (compression, use) => {
    let resolve!: (end: End) => void;
    const promise = new Promise<End>((res) => {
      resolve = res;
    });
    const server = await serve({ host: '127.0.0.1', compression, fragmentSize: 1_000 }, (conn) => {
      resolve(ours(conn));
      return conn.closed;
    });
    await use(server.port!, promise);
    await server.close();
  },
  ws: async (compression, use) => {
    let resolve!: (end: End) => void;
    const promise = new Promise<End>((res) => {
      resolve = res;
    });
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: compression });
    server.on('connection', (socket) => resolve(theirs(socket)));
    await once(server, 'listening');
    await use((server.address() as AddressInfo).port, promise);
    for (const client of server.clients) client.terminate();
    await new Promise((done) => server.close(done));
  },
};

const clients: Record<string, (url: string, compression: boolean) => Promise<End>> = {
  'ants-ws': async (url, compression) => ours(await dial(url, { compression, fragmentSize: 700 })),
  ws: async (url, compression) => {
    const socket = new WebSocket(url, { perMessageDeflate: compression });
    const end = theirs(socket);
    await once(socket, 'open');
    return end;
  },
};

const message: fc.Arbitrary<Content> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(0, 125, 126, 1_001, 5_000).map((size) => 'ants \u00e9'.repeat(size).slice(0, size)),
  fc.constantFrom(65_535, 65_536, 70_000).map((size) => Buffer.alloc(size, 'ants')),
);

const conversation = fc.record({
  asked: fc.array(message, { maxLength: 8 }),
  answered: fc.array(message, { maxLength: 8 }),
  seed: fc.nat(),
});

async function takeAll(end: End, count: number): Promise<Content[]> {
  const taken: Content[] = [];
  while (taken.length < count) taken.push(await end.next());
  return taken;
}

describe('traffic both ways through a network that cuts and delays it at random', () => {
  for (const server of ['ants-ws', 'ws']) {
    for (const client of server === 'ws' ? ['ants-ws'] : ['ants-ws', 'ws']) {
      for (const compression of [false, true]) {
        const how = compression ? 'compressed' : 'not compressed';
        it(`${client} to a server of ${server}, ${how}: all of it comes as it was sent`, async () => {
          const property = fc.asyncProperty(conversation, async ({ asked, answered, seed }) => {
            const all = [...asked, ...answered];
            const largest = all.some(({ length }) => length > 2_000) ? 3_000 : 40;
            await servers[server]!(compression, async (port, accepted) => {
              const proxy = await ChunkingProxy.start(port, seed, largest);
              const near = await clients[client]!(proxy.url, compression);
              const far = await accepted;
              for (const content of asked) near.send(content);
              for (const content of answered) far.send(content);
              expect(await takeAll(far, asked.length)).to.deep.equal(asked);
              expect(await takeAll(near, answered.length)).to.deep.equal(answered);
              near.close();
              await proxy.stop();
            });
          });
          await fc.assert(property, runs(12));
        }).timeout(60_000);
      }
    }
  }
});
