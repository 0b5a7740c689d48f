import type { Server as HttpServer } from 'node:http';
import type { Server as SecureServer, ServerOptions as TlsOptions } from 'node:https';
import type { ListenOptions } from 'node:net';
import { http as nodeHttp, tls as nodeTls } from '../connection/node-modules.js';
import { checkOptionNames, checkSignal } from '../connection/option-names.js';
import { checkNumber } from '../connection/options.js';
import { showValue } from '../protocol/show-value.js';
import { makeHttpServer } from './http-server.js';
import { listen } from './listen.js';
import type { UpgradeHandler } from './listener.js';
import {
  defaultHandshakeTimeout,
  errorSink,
  pickUpgraderOptions,
  type UpgraderOptions,
  upgraderOptionNames,
} from './options.js';
import { Server } from './server.js';
import { proveSharedReads } from './shared-reads.js';
import { Upgrader } from './upgrader.js';

/** Where and how to serve. */
export interface ServeOptions<Data = undefined> extends UpgraderOptions<Data> {
  /** The TCP port. Default: 0, any that is free; `server.port` tells which. */
  port?: number | undefined;
  /** The address or the host name to listen on. Default: all addresses of the machine. */
  host?: string | undefined;
  /** The path to serve, without a query; requests for others are refused with 404. Default: every path. */
  path?: string | undefined;
  /** Listens on this unix socket, or Windows pipe, instead of a port. */
  socketPath?: string | undefined;
  /**
   * Serves the upgrades of this HTTP server instead of making one. Its port, limits and life stay its own; `close` only
   * closes the WebSocket connections.
   */
  server?: HttpServer | SecureServer | undefined;
  /** Certificate, key and other options of TLS, for `wss:`. Default: none, `ws:`. */
  tls?: TlsOptions | undefined;
  /** How many connections the system may hold back for us. Default: 511, as in Node. */
  backlog?: number | undefined;
  /** The largest head of a request that is read, in bytes. Default: 16 KiB, as in Node. */
  maxHeaderSize?: number | undefined;
  /** Closes the server as `server.close()` does. Before it listens, `serve` rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** The names of {@link ServeOptions}; the type checker holds them to it. */
const serveOptionNames = {
  port: true,
  host: true,
  path: true,
  socketPath: true,
  server: true,
  tls: true,
  backlog: true,
  maxHeaderSize: true,
  signal: true,
  ...upgraderOptionNames,
} satisfies Record<keyof ServeOptions, unknown>;

/** The options that say where; the type of `data` does not matter to them. */
type Place = Omit<ServeOptions, 'authorize'>;

/**
 * Serves WebSocket connections: on an HTTP server of its own, which answers all other requests with 426, or on one that is
 * there.
 *
 * @param handler serves one connection; when it is async, the connection is closed as it settles
 * @throws TypeError when options cannot be used, alone or together
 * @throws AntsError `ANTS_LISTEN_FAILED` when the server cannot listen; the system's error is the `cause`
 */
export async function serve<Data = undefined>(
  options: ServeOptions<Data>,
  handler: UpgradeHandler<Data>,
): Promise<Server<Data>> {
  checkOptionNames({ name: 'serve', example: '{ port: 8080 }', known: serveOptionNames }, options);
  checkTogether(options);
  checkSignal(options.signal);
  const { signal, path, host, server: given, tls } = options;
  signal?.throwIfAborted();
  const upgrader = new Upgrader<Data>(pickUpgraderOptions(options));
  const listener = upgrader.handler(path, handler);
  const parts = { upgrader, listener, path, signal };
  if (given !== undefined) {
    checkServer(given);
    const isSecure = isTlsServer(given);
    if (!isSecure && options.sharedReads !== false) void proveSharedReads();
    return new Server({ ...parts, http: given, isOwn: false, isSecure, host: undefined });
  }

  const { handshakeTimeout = defaultHandshakeTimeout, maxHeaderSize = nodeHttp.maxHeaderSize } = options;
  checkNumber('maxHeaderSize', maxHeaderSize, 1);
  if (tls !== undefined) checkTls(tls);
  // Before the first connection, which would be read the other way for all of its life.
  else if (options.sharedReads !== false) await proveSharedReads();
  const http = makeHttpServer({ tls, handshakeTimeout, maxHeaderSize });
  const { maxConnections = Infinity, maxHandshakes = Infinity } = options;
  // Who has not sent a request yet can be told nothing; it is in the handshake all the same.
  http.maxConnections = maxConnections + maxHandshakes;
  await listen(http, listenOptions(options));
  // Only now, so that nothing stays on the signal when it cannot listen; no connection comes before this turn has ended.
  const server = new Server({ ...parts, http, isOwn: true, isSecure: tls !== undefined, host });
  // Such as a lack of file descriptors for new connections: no reason to end the process.
  http.on('error', errorSink(options));
  if (signal?.aborted === true) {
    await server.close();
    throw signal.reason;
  }
  return server;
}

function listenOptions({ port = 0, host, socketPath, backlog }: Place): ListenOptions {
  const place: ListenOptions = socketPath === undefined ? { port } : { path: socketPath };
  if (host !== undefined) place.host = host;
  if (backlog !== undefined) place.backlog = backlog;
  return place;
}

/** Options that only a server of our own can have. */
const ownOptions = ['port', 'host', 'socketPath', 'tls', 'backlog', 'maxHeaderSize'] as const;

function checkTogether(options: Place): void {
  const { server, socketPath, port, host } = options;
  const useless = server !== undefined && ownOptions.find((name) => options[name] !== undefined);
  if (useless) throw new TypeError(`${useless} cannot be given with server, which has its own`);
  if (socketPath !== undefined && (port !== undefined || host !== undefined)) {
    throw new TypeError('port and host cannot be given with socketPath');
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw new TypeError(`port must be a whole number from 0 to 65535; it is ${showValue(port)}`);
  }
}

/** Before a request handler, such as an Express app, is taken for the server under it. */
function checkServer(server: unknown): void {
  const has = (name: string) => typeof (server as Record<string, unknown> | null)?.[name] === 'function';
  if (typeof server === 'object' && has('on') && has('listenerCount') && has('address')) return;
  throw new TypeError(
    `server must be an http.Server; with Express that is what app.listen() returns; it is ${showValue(server)}`,
  );
}

function isTlsServer(server: object): boolean {
  // A plain one is known without loading TLS.
  return !(server instanceof nodeHttp.Server) && server instanceof nodeTls().Server;
}

/** What a TLS server can show its clients. Without any of these it listens, and no handshake succeeds. */
const credentials = ['cert', 'pfx', 'SNICallback', 'pskCallback'] as const;

function checkTls(tls: TlsOptions): void {
  const isObject = typeof tls === 'object' && tls !== null;
  if (isObject && credentials.some((name) => tls[name] !== undefined)) return;
  throw new TypeError(
    `tls must be an object with cert and key, or with pfx, SNICallback or pskCallback; it is ${showValue(tls)}` +
      (isObject ? ' with none of them' : ''),
  );
}
