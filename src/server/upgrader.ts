import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Connection } from '../connection/connection.js';
import { isHandshakeTraced, traceHandshake } from '../connection/diagnostics.js';
import { transportOf, type Wrappable } from '../connection/duplex-transport.js';
import { checkOptionNames } from '../connection/option-names.js';
import { HandshakeRequest } from '../connection/request.js';
import { type ServerStats, StatsSum } from '../connection/stats.js';
import { findDeflate } from '../deflate/extension.js';
import { extensionsHeader } from '../handshake/negotiate.js';
import { type AcceptedUpgrade, acceptHeaders, checkUpgrade } from '../handshake/server.js';
import { Roster } from '../protocol/roster.js';
import { Admission, type Place } from './admission.js';
import { type Authorized, decide, type Interrupt } from './authorize.js';
import { type BroadcastData, type BroadcastOptions, broadcast } from './broadcast.js';
import { type CloseAllOptions, type CloseCounts, checkCloseAll, closeAll } from './close-all.js';
import { ConnectionSet } from './connection-set.js';
import { DirectRequest } from './direct-request.js';
import { closing, Failure, faulty, gone, pipelined, refused } from './failure.js';
import { type Eventually, makeListener, type UpgradeHandler, type UpgradeListener } from './listener.js';
import {
  compileOptions,
  mergeOptions,
  type UpgraderOptions,
  type UpgradeSettings,
  upgraderTaker,
} from './options.js';
import { hasUnanswered, watchRequests } from './pipelining.js';
import { formatHead, ignoreErrors, respond, stopIgnoringErrors } from './response.js';
import { makeServerTransport } from './shared-reads.js';

/**
 * Upgrades requests of an HTTP server to WebSocket connections. One object with its options serves any number of requests,
 * paths and servers.
 */
export class Upgrader<Data = undefined> {
  readonly #options: UpgraderOptions<Data>;
  readonly #settings: UpgradeSettings<Data>;
  readonly #connections = new ConnectionSet<Connection<Data>>();
  readonly #undecided = new Roster<Interrupt>();
  /** Requests that wait for their answer; these never reject. */
  readonly #answering = new Roster<Promise<unknown>>();
  readonly #sum = new StatsSum();
  readonly #admission = new Admission<Connection<Data>>((connection, place) => {
    this.#connections.delete(connection);
    this.#sum.add(connection.stats);
    place.leave();
  });
  #isClosed = false;

  /** @throws TypeError when an option cannot be used */
  constructor(options: UpgraderOptions<Data> = {}) {
    checkOptionNames(upgraderTaker, options);
    watchRequests();
    this.#options = { ...options };
    this.#settings = compileOptions(options);
  }

  /** The connections that were made here and have not ended. */
  get connections(): ReadonlySet<Connection<Data>> {
    return this.#connections;
  }

  /** What the connections that were made here have done so far, added up when asked for. */
  get stats(): ServerStats {
    return this.#sum.with(this.#connections);
  }

  /**
   * Sends one message to all open connections that were made here; it is encoded once, and compressed once for each size of window
   * that they have agreed on. Returns how many they are. What becomes of it where the peer is slow says `whenSlow`, before anything
   * is compressed.
   *
   * @throws TypeError when `data` is neither string nor bytes nor prepared, or an option has a value that it can't have
   * @throws what `filter` throws; those before have it then
   */
  broadcast(data: BroadcastData, options: BroadcastOptions<Data> = {}): number {
    return broadcast(this.#connections, data, options, this.#settings.prepare);
  }

  /**
   * Answers a request with 101 and makes a connection of it, or refuses it. The first three arguments are those of the
   * `upgrade` event of a server. When the promise rejects, the client was answered if it was still there, and the socket
   * is taken care of.
   *
   * @param overrides options that differ for this request
   * @throws HandshakeError `ANTS_HANDSHAKE_REFUSED` when the request was refused, `ANTS_CONNECT_FAILED` when the client
   * went away meanwhile
   * @throws TimeoutError `ANTS_HANDSHAKE_TIMEOUT` when `authorize` did not decide in time
   * @throws TypeError when an option cannot be used, or when the socket was handed over before
   * @throws what functions of the options throw
   */
  async upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    overrides?: UpgraderOptions<Data>,
  ): Promise<Connection<Data>> {
    const result = await this.#open(request, socket, head, overrides);
    if (result instanceof Failure) throw result.error;
    return result;
  }

  /**
   * A listener for the `upgrade` event of a server: `server.on('upgrade', upgrader.handler('/chat', serveChat))`.
   * Requests for other paths are left to the other listeners, and answered with 404 when none is left.
   *
   * @param path the path to serve, without a query; every path when it is left out
   * @param handler serves one connection; when it is async, the connection is closed as it settles
   * @throws TypeError when `path` is not a path
   */
  handler(handler: UpgradeHandler<Data>): UpgradeListener;
  handler(path: string | undefined, handler: UpgradeHandler<Data>): UpgradeListener;
  handler(...args: [UpgradeHandler<Data>] | [string | undefined, UpgradeHandler<Data>]): UpgradeListener {
    const [path, handler] = args.length === 1 ? [undefined, args[0]] : args;
    return makeListener(
      path,
      handler,
      (request, socket, head) => this.#open(request, socket, head),
      this.#settings.onError,
    );
  }

  /**
   * Closes all connections; refuses the requests that are still undecided, and all later ones, with 503. Who reads in a loop may
   * first answer the messages that are here, for half of the time. The promise resolves when every connection has ended.
   *
   * @throws TypeError when the code or the reason cannot be sent, the time is none, or an option is unknown; then nothing is closed
   */
  async close(options: CloseAllOptions = {}): Promise<CloseCounts> {
    // Before anything happens, and also when there is no connection.
    const plan = checkCloseAll(options);
    this.#isClosed = true;
    const refused = this.#undecided.size;
    for (const interrupt of this.#undecided) interrupt(closing());
    const [counts] = await Promise.all([closeAll(this.#connections, plan), ...this.#answering]);
    return { ...counts, refused };
  }

  /** Closes all connections, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Opens a connection, at once when nothing has to be waited for. Never throws or rejects. */
  #open(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    overrides?: UpgraderOptions<Data>,
  ): Eventually<Connection<Data> | Failure> {
    const answer = () => attempt(() => this.#answer(request, socket, head, overrides));
    if (isHandshakeTraced()) {
      ignoreErrors(socket);
      return this.#track(traced(request, answer));
    }
    const result = answer();
    // A reset that nobody listens for would end the process. No stream tells of its errors before this turn has ended; a connection
    // listens itself.
    if (!(result instanceof Connection)) ignoreErrors(socket);
    return result;
  }

  #answer(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    overrides: UpgraderOptions<Data> | undefined,
  ): Eventually<Connection<Data> | Failure> {
    // Two of them would write into each other's connection. Not kept in a WeakSet, which costs each collection time.
    const marked = socket as Wrappable;
    if (marked[transportOf] !== undefined) {
      return new Failure(new TypeError('this socket was handed to an Upgrader before'), undefined, true);
    }
    marked[transportOf] = null;
    const result = attempt(() => this.#attempt(request, socket, head, overrides));
    if (!(result instanceof Promise)) return this.#settle(request, socket, result);
    return this.#track(result.then((settled) => this.#settle(request, socket, settled)));
  }

  /** What refuses a request is told to its client. */
  #settle(
    { method }: IncomingMessage,
    socket: Duplex,
    result: Connection<Data> | Failure,
  ): Connection<Data> | Failure {
    if (result instanceof Failure) {
      this.#sum.refused++;
      if (result.response === undefined) socket.destroy();
      else respond(socket, result.response, method);
    }
    return result;
  }

  #track<T>(answering: Promise<T>): Promise<T> {
    this.#answering.add(answering);
    void answering.then(() => this.#answering.delete(answering));
    return answering;
  }

  #attempt(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    overrides: UpgraderOptions<Data> | undefined,
  ): Eventually<Connection<Data> | Failure> {
    const settings = overrides === undefined ? this.#settings : this.#override(overrides);
    if (hasLeft(socket)) return gone(socket.errored);
    // An answer to this request would come before that to the earlier one.
    if (hasUnanswered(socket)) return pipelined();
    if (this.#isClosed) return closing();
    const checked = checkUpgrade(request, settings.rules);
    if (!checked.ok) return refused(checked.refusal);

    const address = settings.needsAddress
      ? settings.findAddress((socket as Partial<Socket>).remoteAddress, request.rawHeaders)
      : undefined;
    const place = this.#admission.enter(address, settings.limits);
    if (place instanceof Failure) return place;
    const accept = (authorized: Authorized<Data> | Failure) => {
      const result = attempt(() =>
        this.#accept(request, address, socket, settings, checked.value, place, authorized),
      );
      place.decided();
      if (result instanceof Failure) place.leave();
      return result;
    };
    const { authorize, handshakeTimeout } = settings;
    // Without authorize there is no Data to be had: its type is undefined.
    if (authorize === undefined) return accept({ data: undefined as Data, head });
    const decision = decide(authorize, request, address, socket, head, handshakeTimeout, this.#undecided);
    return decision.catch(faulty).then(accept);
  }

  #accept(
    request: IncomingMessage,
    address: string | undefined,
    socket: Duplex,
    settings: UpgradeSettings<Data>,
    accepted: AcceptedUpgrade,
    place: Place<Connection<Data>>,
    authorized: Authorized<Data> | Failure,
  ): Connection<Data> | Failure {
    if (authorized instanceof Failure) return authorized;
    const headers = acceptHeaders(accepted, settings.makeHeaders(request));
    if (hasLeft(socket)) return gone(socket.errored);
    if (this.#isClosed) return closing();

    socket.write(formatHead(101, headers), 'latin1');
    const transport = makeServerTransport(socket, settings.sharedReads);
    stopIgnoringErrors(socket);
    const connection = new Connection<Data>({
      role: 'server',
      transport,
      head: authorized.head,
      subprotocol: accepted.subprotocol,
      extensions: extensionsHeader(accepted),
      deflate: findDeflate('server', accepted.extensions),
      request: settings.needsAddress
        ? new HandshakeRequest(request.url ?? '', request.rawHeaders, address)
        : new DirectRequest(request.url ?? '', request.rawHeaders, transport),
      data: authorized.data,
      options: settings.connection,
      onEnd: place.onEnd,
    });
    this.#connections.add(connection);
    this.#sum.opened++;
    return connection;
  }

  #override(overrides: UpgraderOptions<Data>): UpgradeSettings<Data> {
    checkOptionNames({ ...upgraderTaker, name: 'upgrade' }, overrides);
    return compileOptions(mergeOptions(this.#options, overrides));
  }
}

/** Throwing and rejecting are failures as well. */
function attempt<T>(work: () => Eventually<T | Failure>): Eventually<T | Failure> {
  try {
    const result = work();
    return result instanceof Promise ? result.catch(faulty) : result;
  } catch (error) {
    return faulty(error);
  }
}

/** As `answer`; whoever traces opening handshakes hears of it. */
async function traced<Data>(
  request: IncomingMessage,
  answer: () => Eventually<Connection<Data> | Failure>,
): Promise<Connection<Data> | Failure> {
  let failure: Failure | undefined;
  const run = async (): Promise<Connection<Data>> => {
    const result = await answer();
    if (result instanceof Connection) return result;
    failure = result;
    throw result.error;
  };
  try {
    return await traceHandshake('server', () => request.url ?? '', run);
  } catch (error) {
    return failure ?? faulty(error);
  }
}

/** Whether nobody is there to be answered: a client that ended its side waits for no connection. */
function hasLeft(socket: Duplex): boolean {
  return socket.destroyed || socket.readableEnded || !socket.writable;
}

/**
 * Upgrades one request: {@link Upgrader.upgrade} of an Upgrader that is used once.
 *
 * @throws as {@link Upgrader.upgrade}
 */
export async function upgrade<Data = undefined>(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options?: UpgraderOptions<Data>,
): Promise<Connection<Data>> {
  return new Upgrader<Data>().upgrade(request, socket, head, options);
}
