import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Connection } from '../connection/connection.js';
import type { ServerStats } from '../connection/stats.js';
import { AntsError } from '../errors.js';
import { Roster } from '../protocol/roster.js';
import type { BroadcastData, BroadcastOptions } from './broadcast.js';
import { type CloseAllOptions, type CloseCounts, checkCloseAll } from './close-all.js';
import { formatAuthority } from './listen.js';
import type { UpgradeListener } from './listener.js';
import type { Upgrader } from './upgrader.js';

/** What a {@link Server} is made from. */
export interface ServerInit<Data> {
  readonly http: HttpServer;
  /** Whether the HTTP server was made for this purpose, and is closed with it. */
  readonly isOwn: boolean;
  readonly upgrader: Upgrader<Data>;
  readonly listener: UpgradeListener;
  readonly isSecure: boolean;
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A WebSocket server, made by `serve`. */
export class Server<Data = unknown> {
  readonly #init: ServerInit<Data>;
  /** Of the own HTTP server, those that have not brought an upgrade. */
  readonly #sockets = new Roster<Socket>();
  readonly #onAbort = (): void => void this.close();
  readonly #onListening = (): void => {
    this.#place = this.#init.http.address();
  };
  /** Where the HTTP server listens, or did last. */
  #place: AddressInfo | string | null;
  #closed: Promise<CloseCounts> | undefined;

  constructor(init: ServerInit<Data>) {
    this.#init = init;
    this.#place = init.http.address();
    init.http.on('listening', this.#onListening);
    init.signal?.addEventListener('abort', this.#onAbort);
    if (init.isOwn) this.#watchSockets(init.http, init.listener);
    else init.http.on('upgrade', init.listener);
  }

  /**
   * The URL to connect to, such as `ws://localhost:8080/chat`. For a server that listens on all addresses, or on a unix
   * socket, the host is `localhost`. It stays what it was when the server is closed.
   *
   * @throws AntsError `ANTS_NOT_LISTENING` as long as an HTTP server that was handed in has not listened: there is no port
   * yet
   */
  get url(): string {
    if (this.#place === null) {
      throw new AntsError(
        'ANTS_NOT_LISTENING',
        `there is no url before the HTTP server listens; call its listen() and wait for its event 'listening'`,
      );
    }
    const { isSecure, host, path = '/' } = this.#init;
    const name =
      host === undefined || host === '0.0.0.0' || host === '::' || host === '' ? 'localhost' : host;
    return `${isSecure ? 'wss' : 'ws'}://${formatAuthority(name, this.port)}${path}`;
  }

  /**
   * The port, also when it was chosen by the system. It stays what it was when the server is closed. Undefined for a unix
   * socket, and before the server listens.
   */
  get port(): number | undefined {
    return typeof this.#place === 'string' ? undefined : this.#place?.port;
  }

  /** Where the server listens now: an address with its port, or the path of a unix socket; null when it does not. */
  address(): AddressInfo | string | null {
    return this.#init.http.address();
  }

  /** The connections that have not ended. */
  get connections(): ReadonlySet<Connection<Data>> {
    return this.#init.upgrader.connections;
  }

  /** What the connections have done so far, those that ended included, and what waits; added up when asked for. */
  get stats(): ServerStats {
    return this.#init.upgrader.stats;
  }

  /** Sends one message to all open connections; see {@link Upgrader.broadcast}. */
  broadcast(data: BroadcastData, options?: BroadcastOptions<Data>): number {
    return this.#init.upgrader.broadcast(data, options);
  }

  /**
   * Accepts no more connections and closes those that there are, by default with 1001. Who reads in a loop may first answer the
   * messages that are here, for half of the time. The promise resolves when all have ended and the port is free. An HTTP server
   * that was handed in goes on.
   *
   * @throws TypeError when the code or the reason cannot be sent, the time is none, or an option is unknown; then nothing is closed
   */
  close(options: CloseAllOptions = {}): Promise<CloseCounts> {
    try {
      checkCloseAll(options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#closed ??= this.#close(options);
    return this.#closed;
  }

  /** Closes the server, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Notes which sockets are still in the hands of the HTTP server. */
  #watchSockets(http: HttpServer, listener: UpgradeListener): void {
    const sockets = this.#sockets;
    // One function for all of them.
    const onClose = function (this: Socket): void {
      sockets.delete(this);
    };
    http.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', onClose);
    });
    http.on('upgrade', function (this: HttpServer, request, socket, head) {
      // Whoever waits for `authorize`, is refused or connected is seen off by others.
      if (sockets.delete(socket as Socket)) socket.off('close', onClose);
      listener.call(this, request, socket, head);
    });
  }

  async #close(options: CloseAllOptions): Promise<CloseCounts> {
    const { http, isOwn, upgrader, listener, signal } = this.#init;
    signal?.removeEventListener('abort', this.#onAbort);
    if (!isOwn) {
      http.off('upgrade', listener).off('listening', this.#onListening);
      return upgrader.close(options);
    }
    const freed = new Promise<void>((resolve) => http.close(() => resolve()));
    const counts = await upgrader.close(options);
    // Half requests. Refused clients are given their time to read why.
    for (const socket of this.#sockets) if (!socket.writableEnded) socket.destroy();
    await freed;
    return counts;
  }
}
