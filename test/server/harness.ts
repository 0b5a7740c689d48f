import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Connection } from '#src/connection/connection.js';
import type { UpgraderOptions } from '#src/server/options.js';
import { Upgrader } from '#src/server/upgrader.js';
import type { RequestVector } from '../handshake/vectors.js';
import { formatRequest, RawClient } from './raw-client.js';

/** What an `upgrade` event brings. */
export interface UpgradeEvent {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

/** An HTTP server on a free port, with the clients that connect to it; all of it goes with `stop`. */
export class Harness {
  readonly http: Server = createServer();
  readonly #clients: RawClient[] = [];
  readonly #sockets: Socket[] = [];
  readonly #owned: Promise<Connection<unknown>>[] = [];

  static async start(): Promise<Harness> {
    const harness = new Harness();
    harness.http.on('connection', (socket) => harness.#sockets.push(socket));
    harness.http.listen(0, '127.0.0.1');
    await once(harness.http, 'listening');
    return harness;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect({ port: this.port, host: '127.0.0.1' });
    this.#clients.push(client);
    return client;
  }

  /** Connects, writes `bytes`, and waits for the `upgrade` event that they make. */
  async request(
    bytes: string | Buffer | Partial<Omit<RequestVector, 'result'>> = {},
  ): Promise<UpgradeEvent & { client: RawClient }> {
    const isWhole = typeof bytes === 'string' || Buffer.isBuffer(bytes);
    const event = new Promise<UpgradeEvent>((resolve) => {
      this.http.once('upgrade', (request, socket, head) =>
        resolve({ request, socket: socket as Socket, head }),
      );
    });
    const client = await this.connect();
    client.write(isWhole ? bytes : formatRequest(bytes));
    return { client, ...(await event) };
  }

  /** Sends one request to an Upgrader, or to one with these options. */
  async upgrade<Data = undefined>(
    upgrader: Upgrader<Data> | UpgraderOptions<Data>,
    changes?: Partial<Omit<RequestVector, 'result'>>,
  ): Promise<UpgradeEvent & { client: RawClient; upgraded: Promise<Connection<Data>> }> {
    const taker = upgrader instanceof Upgrader ? upgrader : new Upgrader<Data>(upgrader);
    let upgraded!: Promise<Connection<Data>>;
    this.http.once('upgrade', (request, socket, head) => {
      upgraded = this.own(taker.upgrade(request, socket, head));
    });
    const event = await this.request(changes);
    return { ...event, upgraded };
  }

  /** Waits in `stop` for the end of this connection, if it comes to be one. */
  own<Data>(upgraded: Promise<Connection<Data>>): Promise<Connection<Data>> {
    this.#owned.push(upgraded as Promise<Connection<unknown>>);
    // Each test looks at it in its own time.
    upgraded.catch(() => {});
    return upgraded;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    for (const socket of this.#sockets) socket.destroy();
    this.http.close();
    await once(this.http, 'close');
    for (const upgraded of this.#owned) {
      const connection = await upgraded.catch(() => undefined);
      await connection?.closed;
    }
  }
}

/** What a promise rejects with; it must not resolve. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it resolved');
}

/** Waits until a socket is gone, in whatever way. */
export async function untilClosed(socket: Socket): Promise<void> {
  // Not events.once: it would reject with the socket's error.
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}
