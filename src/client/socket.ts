import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { tls } from '../connection/node-modules.js';
import type { Address } from './address.js';
import type { DialSettings } from './options.js';

/**
 * Connects a socket; it is ready on `connect`, or `secureConnect` with TLS. Which address of a name is taken, and when another one is
 * tried, is as in `net.connect`.
 */
export function connect(address: Address, settings: DialSettings<unknown>, onread: OnReadOpts): Socket {
  const { hostname, port, isSecure } = address;
  const to = settings.socketPath === undefined ? { host: hostname, port } : { path: settings.socketPath };
  // The peer's end must not cut off what is still to be sent.
  const options = { ...to, onread, noDelay: true, allowHalfOpen: true };
  return isSecure ? tls().connect({ ...tlsOptions(address, settings), ...options }) : connectPlain(options);
}

/** The user's options of TLS, and what a WebSocket over HTTP/1.1 adds to them. */
export function tlsOptions({ hostname }: Address, { tls }: DialSettings<unknown>): TlsOptions {
  // An IP address is no server name (RFC 6066 section 3).
  const servername = isIP(hostname) === 0 ? hostname : '';
  // A server that prefers HTTP/2 must not choose it (RFC 7301).
  return { servername, ...tls, ALPNProtocols: ['http/1.1'] };
}
