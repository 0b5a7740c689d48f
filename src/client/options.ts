import type { Agent } from 'node:http';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { checkOptionNames, checkSignal } from '../connection/option-names.js';
import {
  type ConnectionOptions,
  checkNumber,
  connectionDefaults,
  resolveConnectionOptions,
} from '../connection/options.js';
import { compressionExtensions } from '../deflate/extension.js';
import type { Compression } from '../deflate/options.js';
import { checkRequestHeaders } from '../handshake/client.js';
import type { Extension } from '../handshake/extensions.js';
import { checkHeader, type HeadersInput, listHeaders, type RawHeaders } from '../handshake/headers.js';
import { checkSubprotocols } from '../handshake/subprotocols.js';
import { showValue } from '../protocol/show-value.js';

/** How to dial. Sizes are bytes, times are milliseconds; `Infinity` switches a limit or deadline off. */
export interface DialOptions<Data = undefined> extends ConnectionOptions {
  /** More headers for the request; those of the handshake itself cannot be set, but `Host` can. Default: none. */
  headers?: HeadersInput | undefined;
  /** The subprotocols to offer, the preferred one first. Default: none. */
  subprotocols?: readonly string[] | undefined;
  /**
   * Whether to offer permessage-deflate (RFC 7692), and how; of a list, the preferred way first. Messages are compressed when the server
   * agrees. Default: `false`.
   */
  compression?: Compression | undefined;
  /** The `Origin` header. Default: none, as this is not a page in a browser. */
  origin?: string | undefined;
  /** Options of TLS, such as `ca`, `cert`, `key` or `servername`. */
  tls?: TlsOptions | undefined;
  /** Makes the TCP or TLS connection. Default: one that is made for this handshake. */
  agent?: Agent | undefined;
  /** Connects to this unix socket, or Windows pipe, instead of the URL's host and port. */
  socketPath?: string | undefined;
  /** How long it may take until the connection is open. Default: 10,000. */
  handshakeTimeout?: number | undefined;
  /** How much of the body of a refusal is read. Default: 64 KiB. */
  maxResponseBody?: number | undefined;
  /**
   * How many redirects are followed. Across origins, credentials and cookies are left behind; none is followed from `wss:` to `ws:`.
   * Default: 0.
   */
  maxRedirects?: number | undefined;
  /** The largest head of a response that is read. Default: 16 KiB. */
  maxHeaderSize?: number | undefined;
  /** Gives up when it is aborted before the connection is open; later it has no effect. */
  signal?: AbortSignal | undefined;
  /** What the connection carries as `data`. Default: undefined. */
  data?: Data | undefined;
}

/** The names of {@link DialOptions}; the type checker holds them to it. */
export const dialOptionNames = {
  ...connectionDefaults.client,
  headers: true,
  subprotocols: true,
  compression: true,
  origin: true,
  tls: true,
  agent: true,
  socketPath: true,
  handshakeTimeout: true,
  maxResponseBody: true,
  maxRedirects: true,
  maxHeaderSize: true,
  signal: true,
  data: true,
} satisfies Record<keyof DialOptions, unknown>;

/**
 * Sees to it that `options` are an object with names that there are.
 *
 * @param name of what takes them
 * @throws TypeError when they are not
 */
export function checkDialOptions(name: 'dial' | 'Dialer', options: unknown): void {
  // A list or a string: what the browser's WebSocket takes there.
  checkOptionNames({ name, example: "{ subprotocols: ['chat'] }", known: dialOptionNames }, options);
}

/** Options that were checked, in the form in which they are used. */
export interface DialSettings<Data> {
  readonly headers: RawHeaders;
  readonly subprotocols: readonly string[];
  readonly extensions: readonly Extension[];
  readonly origin: string | undefined;
  readonly tls: TlsOptions | undefined;
  readonly agent: Agent | undefined;
  readonly socketPath: string | undefined;
  readonly handshakeTimeout: number;
  readonly maxResponseBody: number;
  readonly maxRedirects: number;
  readonly maxHeaderSize: number;
  readonly signal: AbortSignal | undefined;
  readonly data: Data;
  readonly connection: ConnectionOptions;
}

/**
 * Checks options.
 *
 * @throws TypeError when one cannot be used
 */
export function compileOptions<Data>(options: DialOptions<Data>): DialSettings<Data> {
  const { subprotocols = [], origin, handshakeTimeout = 10_000, maxResponseBody = 65_536 } = options;
  const { maxHeaderSize = 16_384, maxRedirects = 0 } = options;
  checkSubprotocols(subprotocols);
  checkNumber('handshakeTimeout', handshakeTimeout, 1);
  checkNumber('maxResponseBody', maxResponseBody, 0);
  checkNumber('maxHeaderSize', maxHeaderSize, 1);
  checkNumber('maxRedirects', maxRedirects, 0);
  checkSignal(options.signal);
  if (options.tls !== undefined && (typeof options.tls !== 'object' || options.tls === null)) {
    throw new TypeError(`tls must be an object, such as { ca }; it is ${showValue(options.tls)}`);
  }
  if (origin !== undefined) checkHeader('Origin', origin);
  const headers = listHeaders(options.headers ?? []);
  checkRequestHeaders(headers);
  return {
    headers,
    subprotocols,
    extensions: compressionExtensions(options.compression),
    origin,
    tls: options.tls,
    agent: options.agent,
    socketPath: options.socketPath,
    handshakeTimeout,
    maxResponseBody,
    maxRedirects,
    maxHeaderSize,
    signal: options.signal,
    // Whoever names a type for data gives data.
    data: options.data as Data,
    connection: resolveConnectionOptions('client', options),
  };
}

/** `defaults` with the values of `overrides` that are given. */
export function mergeOptions<Data>(
  defaults: DialOptions<Data>,
  overrides: DialOptions<Data> | undefined,
): DialOptions<Data> {
  const given = Object.entries(overrides ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}
