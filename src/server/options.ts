import type { IncomingMessage } from 'node:http';
import type { Connection } from '../connection/connection.js';
import type { OptionTaker } from '../connection/option-names.js';
import {
  type ConnectionOptions,
  checkNumber,
  connectionDefaults,
  resolveConnectionOptions,
} from '../connection/options.js';
import type { PrepareOptions } from '../connection/prepared-message.js';
import { printError, reportError } from '../connection/report-error.js';
import { compressionExtensions } from '../deflate/extension.js';
import { type Compression, resolveCompression } from '../deflate/options.js';
import { type HeadersInput, listHeaders, type RawHeaders } from '../handshake/headers.js';
import type { ServerRules } from '../handshake/negotiate.js';
import { compileOrigins, type Origins } from '../handshake/origin.js';
import { checkResponseHeaders } from '../handshake/server.js';
import { compileSubprotocols, type Subprotocols } from '../handshake/subprotocols.js';
import { type AdmissionLimits, type AdmissionOptions, resolveLimits } from './admission.js';
import { compileTrust, type FindAddress, type TrustProxy } from './client-address.js';

/** What {@link Authorize} gets beside the request. */
export interface AuthorizeContext {
  /** Aborted when the answer is not wanted any more: the client went away, the deadline passed, the server closes. */
  readonly signal: AbortSignal;
  /** The address of the client, by its socket or by `trustProxy`; undefined at a unix socket. */
  readonly clientAddress: string | undefined;
}

/**
 * Decides on a request before it is answered: a web `Response` refuses it and is sent, anything else accepts it and
 * becomes the connection's `data`, `undefined` and `null` as well. What it throws is answered with 500 and goes to
 * `onError`; so is exactly `false`, which looks like a refusal and is none.
 */
export type Authorize<Data> = (
  request: IncomingMessage,
  context: AuthorizeContext,
) => Response | Data | Promise<Response | Data>;

/** How requests are upgraded. Sizes are bytes, times are milliseconds; `Infinity` switches a limit or deadline off. */
export interface UpgraderOptions<Data = undefined>
  extends Omit<ConnectionOptions, 'onError'>,
    AdmissionOptions {
  /**
   * The subprotocols that are spoken, of which the first that the client offers is taken; or a function that chooses one
   * of `offered`. Default: none.
   */
  subprotocols?: Subprotocols<IncomingMessage> | undefined;
  /** The origins that may connect beside the own one, `'*'` for all, or a function that decides. Default: the own one. */
  origins?: Origins<IncomingMessage> | undefined;
  /** Decides on a request, perhaps after looking something up. Default: every request is accepted. */
  authorize?: Authorize<Data> | undefined;
  /** More headers for the 101 response, or a function that makes them. Default: none. */
  headers?: HeadersInput | ((request: IncomingMessage) => HeadersInput) | undefined;
  /**
   * Whether messages are compressed when the client offers permessage-deflate (RFC 7692), and how; of a list, the first that an
   * offer fits. Default: `false`.
   */
  compression?: Compression | undefined;
  /** Which proxies tell the address of a client. Default: none; it is the address of the socket. */
  trustProxy?: TrustProxy | undefined;
  /**
   * Whether plain sockets of TCP and unix sockets are read into one block of memory for all connections, which costs a good part less
   * for small messages. It uses a part of Node that is not documented, and only after that was tried out in this process; the
   * environment variable `ANTSWS_READS=documented` switches it off as well. Such a socket has no 'data' events. Default: `true`.
   */
  sharedReads?: boolean | undefined;
  /** How long the opening handshake may take, `authorize` included. Default: 10,000. */
  handshakeTimeout?: number | undefined;
  /**
   * Where errors of your code go: what a handler, a listener, `authorize` or another function of these options throws.
   * There is no connection yet when the opening handshake fails. Default: printed to standard error.
   */
  onError?: ((error: unknown, connection?: Connection<unknown>) => void) | undefined;
}

/** Options that were checked, in the form in which they are used. */
export interface UpgradeSettings<Data> {
  readonly rules: ServerRules<IncomingMessage>;
  /** How messages for many connections are compressed. */
  readonly prepare: PrepareOptions;
  readonly authorize: Authorize<Data> | undefined;
  readonly makeHeaders: (request: IncomingMessage) => RawHeaders;
  readonly handshakeTimeout: number;
  readonly sharedReads: boolean;
  readonly limits: AdmissionLimits;
  readonly findAddress: FindAddress;
  /** Whether the address of a client is wanted before there is a connection. */
  readonly needsAddress: boolean;
  readonly connection: ConnectionOptions;
  readonly onError: (error: unknown) => void;
}

/** The names of {@link UpgraderOptions}; the type checker holds them to it. */
export const upgraderOptionNames = {
  ...connectionDefaults.server,
  subprotocols: true,
  origins: true,
  authorize: true,
  maxConnections: true,
  maxConnectionsPerAddress: true,
  maxHandshakes: true,
  retryAfter: true,
  trustProxy: true,
  headers: true,
  compression: true,
  handshakeTimeout: true,
  sharedReads: true,
} satisfies Record<keyof UpgraderOptions, unknown>;

/** An Upgrader, for messages about its options. */
export const upgraderTaker: OptionTaker = {
  name: 'Upgrader',
  example: "{ origins: ['https://example.com'] }",
  known: upgraderOptionNames,
};

/** Those of `options` that an Upgrader has. */
export function pickUpgraderOptions<Data>(options: UpgraderOptions<Data>): UpgraderOptions<Data> {
  const known = Object.entries(options).filter(([name]) => Object.hasOwn(upgraderOptionNames, name));
  return Object.fromEntries(known);
}

/** The default of `handshakeTimeout`, in milliseconds. */
export const defaultHandshakeTimeout = 10_000;

/**
 * Checks options.
 *
 * @throws TypeError when one cannot be used
 */
export function compileOptions<Data>(options: UpgraderOptions<Data>): UpgradeSettings<Data> {
  const { authorize, handshakeTimeout = defaultHandshakeTimeout, sharedReads = true } = options;
  checkNumber('handshakeTimeout', handshakeTimeout, 1);
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw new TypeError('authorize must be a function');
  }
  if (typeof sharedReads !== 'boolean') throw new TypeError('sharedReads must be true or false');
  const connection = resolveConnectionOptions('server', options);
  const limits = resolveLimits(options);
  const [compression] = resolveCompression(options.compression);
  return {
    rules: {
      checkOrigin: compileOrigins(options.origins),
      chooseSubprotocol: compileSubprotocols(options.subprotocols),
      extensions: compressionExtensions(options.compression),
    },
    prepare: {
      level: compression?.level,
      memLevel: compression?.memLevel,
      threshold: compression?.threshold,
    },
    authorize,
    makeHeaders: compileHeaders(options.headers),
    handshakeTimeout,
    sharedReads,
    limits,
    findAddress: compileTrust(options.trustProxy),
    needsAddress:
      options.trustProxy !== undefined ||
      authorize !== undefined ||
      limits.maxConnectionsPerAddress !== Infinity,
    connection,
    onError: errorSink(options),
  };
}

/** Where errors of the user's code go when there is no connection. */
export function errorSink({
  onError = printError,
}: Pick<UpgraderOptions<never>, 'onError'>): (error: unknown) => void {
  return (error) => void reportError(error, () => onError(error));
}

function compileHeaders(headers: UpgraderOptions['headers']): (request: IncomingMessage) => RawHeaders {
  if (headers === undefined) return () => [];
  if (typeof headers === 'function') return (request) => listResponseHeaders(headers(request));
  const list = listResponseHeaders(headers);
  return () => list;
}

function listResponseHeaders(input: HeadersInput): string[] {
  const list = listHeaders(input);
  checkResponseHeaders(list);
  return list;
}

/** `defaults` with the values of `overrides` that are given. */
export function mergeOptions<Options extends object>(
  defaults: Options,
  overrides: Partial<Options>,
): Options {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}
