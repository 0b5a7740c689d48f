import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { HandshakeError } from '../errors.js';
import type { ResponseHead } from '../handshake/client.js';
import { headerValues, toHeaders, withoutHeader } from '../handshake/headers.js';
import { quote } from '../handshake/refusal.js';
import { type Address, parseAddress } from './address.js';
import type { DialSettings } from './options.js';

/** Where a request goes, and with what. */
export interface Destination {
  readonly address: Address;
  readonly settings: DialSettings<unknown>;
}

/** Those that name another place for the same request (RFC 9110 section 15.4). */
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Headers that are for one origin and no other. */
const secretHeaders = ['Authorization', 'Cookie', 'Host', 'Proxy-Authorization'];

/** What of the options of TLS tells who we are, or who the server is. */
const originalTls: readonly (keyof TlsOptions)[] = [
  'cert',
  'key',
  'pfx',
  'passphrase',
  'pskCallback',
  'secureContext',
  'servername',
  'session',
  'socket',
];

/**
 * Where a response sends the request on to; undefined when it does not. What is secret stays behind when that is another origin: the
 * user and password of the URL, credentials and cookies in headers, client certificates.
 *
 * @throws HandshakeError `ANTS_REDIRECT_REFUSED` when it leads to nothing that can be dialled, or away from TLS
 */
export function redirected(
  response: ResponseHead,
  { address, settings }: Destination,
): Destination | undefined {
  const [location, ...more] = headerValues(response.rawHeaders, 'Location');
  if (!redirects.has(response.status) || location === undefined) return undefined;
  const fail = (why: string) =>
    redirectError(
      'ANTS_REDIRECT_REFUSED',
      response,
      `a redirect to ${quote(location)} is not followed: ${why}`,
    );
  if (more.length > 0) throw fail('it has more than one Location header');
  let next: Address;
  try {
    const url = new URL(location, `${address.isSecure ? 'wss' : 'ws'}://${address.host}${address.target}`);
    // A server has no credentials to give.
    url.username = '';
    url.password = '';
    url.hash = '';
    next = parseAddress(url);
  } catch {
    throw fail('it is no URL with the scheme ws:, wss:, http: or https:');
  }
  if (address.isSecure && !next.isSecure) throw fail('it leads from wss: to ws:, which is not encrypted');
  const isSameOrigin =
    next.isSecure === address.isSecure && next.hostname === address.hostname && next.port === address.port;
  if (isSameOrigin) return { address: { ...next, authorization: address.authorization }, settings };
  if (settings.socketPath !== undefined)
    throw fail('it leads to another host than the one at the end of socketPath');
  let { headers, tls } = settings;
  for (const name of secretHeaders) headers = withoutHeader(headers, name);
  if (tls !== undefined) {
    tls = { ...tls };
    for (const name of originalTls) delete tls[name];
  }
  return { address: next, settings: { ...settings, headers, tls } };
}

/** The error for a redirect that is not followed. */
export function redirectError(
  code: 'ANTS_REDIRECT_REFUSED' | 'ANTS_TOO_MANY_REDIRECTS',
  { status, rawHeaders }: ResponseHead,
  message: string,
  options?: ErrorOptions,
): HandshakeError {
  return new HandshakeError(code, message, {
    ...options,
    response: { status, headers: toHeaders(rawHeaders), body: '' },
  });
}

/** The error for one redirect more than `most`. */
export function tooManyRedirects(response: ResponseHead, most: number): HandshakeError {
  const message = `the server redirects more than ${most} times, which is the option maxRedirects`;
  return redirectError('ANTS_TOO_MANY_REDIRECTS', response, message);
}
