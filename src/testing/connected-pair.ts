import type { Clock } from '../connection/clock.js';
import { Connection } from '../connection/connection.js';
import { checkOptionNames } from '../connection/option-names.js';
import type { ConnectionOptions, Role } from '../connection/options.js';
import { HandshakeRequest } from '../connection/request.js';
import type { ChunkSizes, Delay } from './chunking.js';
import type { Line } from './line.js';
import { MemoryTransport } from './memory-transport.js';

/** How a pair is made. */
export interface PairOptions<ServerData = undefined, ClientData = undefined> {
  /** The options of the client's end. Default: those of every client. */
  client?: ConnectionOptions | undefined;
  /** The options of the server's end. Default: those of every server. */
  server?: ConnectionOptions | undefined;
  /** The `data` of the client's end. */
  clientData?: ClientData | undefined;
  /** The `data` of the server's end: what `authorize` would have returned. */
  serverData?: ServerData | undefined;
  /** The subprotocol that both have agreed on. Default: none. */
  subprotocol?: string | undefined;
  /** The target of the request that opened the connection. Default: `/`. */
  url?: string | undefined;
  /** The headers of that request, names and values alternating. Default: none. */
  rawHeaders?: readonly string[] | undefined;
  /** The sizes that bytes are cut into, both ways. Default: as they are written. */
  chunks?: ChunkSizes | undefined;
  /** Milliseconds that bytes are on their way, both ways. Default: 0. */
  delay?: Delay | undefined;
  /** What measures the times of both ends, and the delay; a `TestClock`, for example. Default: the clock of the process. */
  clock?: Clock | undefined;
}

const optionNames = {
  client: true,
  server: true,
  clientData: true,
  serverData: true,
  subprotocol: true,
  url: true,
  rawHeaders: true,
  chunks: true,
  delay: true,
  clock: true,
} satisfies Record<keyof PairOptions, true>;

/** Two connections that talk to each other in memory, and the lines between them. */
export interface ConnectedPair<ServerData = undefined, ClientData = undefined> {
  readonly client: Connection<ClientData>;
  readonly server: Connection<ServerData>;
  readonly clientTransport: MemoryTransport;
  readonly serverTransport: MemoryTransport;
  /** What the client writes. */
  readonly toServer: Line;
  /** What the server writes. */
  readonly toClient: Line;
  /** Cuts the connection: both ends see `error`, by default ECONNRESET. */
  cut(error?: Error): void;
}

/**
 * Connects a client and a server in memory, as after an opening handshake. All of WebSocket is real, down to the bytes; only the
 * network is not.
 *
 * @throws TypeError when an option cannot be used
 */
export function connectedPair<ServerData = undefined, ClientData = undefined>(
  options: PairOptions<ServerData, ClientData> = {},
): ConnectedPair<ServerData, ClientData> {
  checkOptionNames({ name: 'connectedPair', example: '{ chunks: 1 }', known: optionNames }, options);
  const { chunks, delay, clock, subprotocol, url = '/', rawHeaders = [] } = options;
  const line = { chunks, delay, clock };
  const [clientTransport, serverTransport] = MemoryTransport.pair(line, line);
  const connect = <Data>(role: Role, transport: MemoryTransport, data: Data, own: ConnectionOptions = {}) =>
    new Connection<Data>({
      role,
      transport,
      subprotocol,
      request: new HandshakeRequest(url, rawHeaders),
      data,
      options: own,
      clock,
    });
  return {
    // The types of data are undefined when there is none.
    client: connect('client', clientTransport, options.clientData as ClientData, options.client),
    server: connect('server', serverTransport, options.serverData as ServerData, options.server),
    clientTransport,
    serverTransport,
    toServer: clientTransport.outgoing,
    toClient: serverTransport.outgoing,
    cut: (error) => clientTransport.cut(error),
  };
}
