// One HTTP server with the demo's page on /, what the page talks to on /demo, what it watches on /watch, and an echo on /ants.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Connection, Upgrader } from 'ants-ws';
import { Feed } from './feed.js';
import { servePage } from './files.js';
import { Room } from './room.js';

export interface Demo {
  /** Where the page is. */
  readonly url: string;
  /** Where the echo is. */
  readonly echoUrl: string;
  close(): Promise<void>;
}

/** Starts the demo on this machine only. Rejects with the system's error when it cannot listen. */
export async function startDemo(port: number): Promise<Demo> {
  const limits = { maxConnections: 50, maxMessageSize: 4096, compression: { threshold: 64 } };
  const watchers = new Upgrader(limits);
  const guests = new Upgrader(limits);
  // An echo has nothing to protect, so pages of every origin may try it.
  const echoes = new Upgrader({ maxConnections: 50, origins: '*' });
  const feed = new Feed(watchers);
  const room = new Room(guests, feed);

  const http = createServer(servePage);
  http.maxConnections = 400;
  http.on(
    'upgrade',
    watchers.handler('/watch', (conn) => conn.ignoreMessages()),
  );
  http.on(
    'upgrade',
    guests.handler('/demo', (conn) => room.serve(conn)),
  );
  http.on(
    'upgrade',
    echoes.handler('/ants', async (conn: Connection) => {
      feed.add(conn);
      for await (const message of conn) await conn.send(message);
    }),
  );
  http.listen(port, 'localhost');
  try {
    await once(http, 'listening');
  } catch (error) {
    feed.stop();
    throw error;
  }
  const host = `localhost:${(http.address() as AddressInfo).port}`;
  return {
    url: `http://${host}/`,
    echoUrl: `ws://${host}/ants`,
    async close() {
      const closed = once(http, 'close');
      http.close(); // no new connections
      await Promise.all([guests.close(), echoes.close()]);
      feed.stop();
      await watchers.close();
      http.closeAllConnections(); // of browsers that keep one open for the next request
      await closed;
    },
  };
}
