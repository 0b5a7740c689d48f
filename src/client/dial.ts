import { Connection } from '../connection/connection.js';
import type { Replaceable } from '../connection/core.js';
import { traceHandshake } from '../connection/diagnostics.js';
import { HandshakeRequest } from '../connection/request.js';
import { findDeflate } from '../deflate/extension.js';
import { extensionsHeader } from '../handshake/negotiate.js';
import { type Address, parseAddress } from './address.js';
import { open } from './open.js';
import {
  checkDialOptions,
  compileOptions,
  type DialOptions,
  type DialSettings,
  mergeOptions,
} from './options.js';

/** Dials with the same defaults any number of times. */
export class Dialer<Data = undefined> {
  readonly #defaults: DialOptions<Data>;

  /** @throws TypeError when an option cannot be used */
  constructor(defaults: DialOptions<Data> = {}) {
    checkDialOptions('Dialer', defaults);
    compileOptions(defaults);
    this.#defaults = { ...defaults };
  }

  /**
   * Connects to a WebSocket server; the promise resolves when the connection is open.
   *
   * @param url `ws:`, `wss:`, `http:` or `https:`; a user and password in it become basic authorization
   * @param overrides options that differ this time
   * @throws TypeError when the URL or an option cannot be used
   * @throws HandshakeError `ANTS_CONNECT_FAILED`, `ANTS_HANDSHAKE_REFUSED`, `ANTS_HANDSHAKE_INVALID`,
   * `ANTS_REDIRECT_REFUSED` or `ANTS_TOO_MANY_REDIRECTS`
   * @throws TimeoutError `ANTS_HANDSHAKE_TIMEOUT`
   * @throws the reason of the signal when that is aborted
   */
  async dial(url: string | URL, overrides?: DialOptions<Data>): Promise<Connection<Data>> {
    if (overrides !== undefined) checkDialOptions('dial', overrides);
    return dialWith(url, mergeOptions(this.#defaults, overrides));
  }
}

/** As `dial`, with options whose names are checked. */
export async function dialWith<Data>(
  url: string | URL,
  options: DialOptions<Data>,
  replaceable?: Replaceable,
): Promise<Connection<Data>> {
  const address = parseAddress(url);
  const settings = compileOptions(options);
  return traceHandshake(
    'client',
    () => withoutPassword(url),
    () => openConnection(address, settings, replaceable),
  );
}

async function openConnection<Data>(
  address: Address,
  settings: DialSettings<Data>,
  replaceable: Replaceable | undefined,
): Promise<Connection<Data>> {
  const { transport, head, agreement, target, rawHeaders } = await open(address, settings);
  return new Connection<Data>({
    role: 'client',
    transport,
    head,
    subprotocol: agreement.subprotocol,
    extensions: extensionsHeader(agreement),
    deflate: findDeflate('client', agreement.extensions),
    request: new HandshakeRequest(target, rawHeaders),
    data: settings.data,
    options: settings.connection,
    replaceable,
  });
}

/**
 * Connects to a WebSocket server; the promise resolves when the connection is open.
 *
 * @throws as {@link Dialer.dial}
 */
export async function dial<Data = undefined>(
  url: string | URL,
  options?: DialOptions<Data>,
): Promise<Connection<Data>> {
  return new Dialer<Data>().dial(url, options);
}

/** For traces and the like, which end up in logs. */
export function withoutPassword(url: string | URL): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  return shown.href;
}
