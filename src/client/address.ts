import { showValue } from '../protocol/show-value.js';

/** Where a URL leads, and what of it goes into the request. */
export interface Address {
  readonly isSecure: boolean;
  /** Host name or IP address, IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The `Host` header: with the port unless it is the default. */
  readonly host: string;
  /** The request target: path and query. */
  readonly target: string;
  /** The `Authorization` header for the user and the password of the URL, if it has any (RFC 7617). */
  readonly authorization: string | undefined;
}

/** Host and port for messages. */
export function formatAuthority({ hostname, port }: Address): string {
  return hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Schemes, and whether they mean TLS. */
const schemes = new Map([
  ['ws:', false],
  ['http:', false],
  ['wss:', true],
  ['https:', true],
]);

/**
 * Takes the URL of a WebSocket server apart. `http:` and `https:` stand for `ws:` and `wss:`.
 *
 * @throws TypeError when it cannot be parsed, has another scheme or a fragment (RFC 6455 section 3)
 */
export function parseAddress(input: string | URL): Address {
  const url = parseUrl(input);
  const isSecure = schemes.get(url.protocol);
  if (isSecure === undefined) {
    throw new TypeError(
      `the URL has the scheme ${url.protocol} where ws:, wss:, http: or https: is needed${suggest(input)}`,
    );
  }
  if (url.href.includes('#')) {
    throw new TypeError('the URL of a WebSocket has no fragment; write # as %23 where it is meant');
  }
  return {
    isSecure,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    host: url.host,
    target: url.pathname + url.search,
    authorization: authorizationOf(url),
  };
}

/** A host with a port, which `new URL` takes for a scheme and a path. Nothing behind it is shown: it may be a secret. */
const authority = /^(?:\[[\da-f:.]+\]|[\w.-]+):\d+(?=[/?]|$)/i;

function suggest(input: string | URL): string {
  const [found] = authority.exec(String(input)) ?? [];
  return found === undefined ? '' : `; did you mean ws://${found}?`;
}

function parseUrl(input: string | URL): URL {
  // A URL of another realm is one as well.
  if (typeof input !== 'string' && typeof (input as URL | undefined | null)?.href !== 'string') {
    throw new TypeError(
      `a URL such as ws://localhost:8080/path is needed; what was given is ${showValue(input)}`,
    );
  }
  try {
    return new URL(input);
  } catch {
    // Not the cause, and nothing before an @: both could show a password.
    const shown = String(input).replace(/^.*@/s, '…@');
    throw new TypeError(
      `${JSON.stringify(shown)} is not a URL such as ws://localhost:8080/path${suggest(input)}`,
    );
  }
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(credentials).toString('base64')}`;
  } catch {
    throw new TypeError('the user or the password in the URL is not percent-encoded UTF-8');
  }
}
