import { canonicalHost, type WebScheme } from './host.js';
import { quote } from './refusal.js';

/**
 * Which origins may connect. Browsers let any page open a WebSocket to any server, with the user's cookies; the server
 * has to look at the `Origin` header (RFC 6455 section 10.2).
 *
 * - not given: pages from the host and port that the request was sent to
 * - a list such as `['https://app.example.com']`: these as well
 * - `'*'`: every origin
 * - a function: it alone decides, by returning `true`
 *
 * Requests without an `Origin` header do not come from a page and are not looked at.
 */
export type Origins<Request> = readonly string[] | '*' | ((origin: string, request: Request) => boolean);

/** Whether `origin` may connect to `host`, the host and port that the request was sent to. */
export type OriginCheck<Request> = (origin: string, host: string, request: Request) => boolean;

/**
 * Makes the check for the `origins` option.
 *
 * @throws TypeError when the list holds something that is not an origin, such as a bare host name or a URL with a path
 */
export function compileOrigins<Request>(origins: Origins<Request> | undefined): OriginCheck<Request> {
  if (origins === '*') return () => true;
  if (typeof origins === 'function') {
    // Strictly true: a promise from an async function must not let everybody in.
    return (origin, _host, request) => origins(origin, request) === true;
  }
  if (origins === undefined) return isSameOrigin;
  if (!Array.isArray(origins)) throw new TypeError(`origins must be a list, '*' or a function`);
  const listed = new Set((origins as readonly string[]).map(canonicalListed));
  return (origin, host) => isSameOrigin(origin, host) || listed.has(canonicalOrigin(origin) ?? origin);
}

/** Whether a page from `origin` and `host` have the host and the port in common. The `null` origin never has. */
export function isSameOrigin(origin: string, host: string): boolean {
  const parts = splitOrigin(origin);
  if (parts === undefined) return false;
  const canonical = canonicalHost(parts.scheme, parts.host);
  // Behind a proxy that ends TLS we cannot know our own scheme; the scheme of the Origin gives the default port of both.
  return canonical !== undefined && canonical === canonicalHost(parts.scheme, host);
}

/** What a refused page's request is answered with. */
export function originMessage(origin: string, host: string): string {
  return (
    `If pages from ${quote(origin)} may connect, add that to the server's option "origins". ` +
    `Without it, only pages from the same host and port may, which is ${quote(host)} here.`
  );
}

/** An origin in the form that can be compared; undefined when it is not one of http or https. */
function canonicalOrigin(origin: string): string | undefined {
  const parts = splitOrigin(origin);
  if (parts === undefined) return undefined;
  const host = canonicalHost(parts.scheme, parts.host);
  return host === undefined ? undefined : `${parts.scheme}://${host}`;
}

function canonicalListed(origin: string): string {
  const canonical = canonicalOrigin(origin);
  if (canonical !== undefined) return canonical;
  // Pages of other schemes, as of browser extensions, and 'null' are compared as they are.
  const isOther = origin === 'null' || (/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/.test(origin) && !isWeb(origin));
  if (isOther) return origin;
  throw new TypeError(
    `origins: ${JSON.stringify(origin)} is not an origin; write scheme, host and port as in 'https://example.com:8443'`,
  );
}

function isWeb(origin: string): boolean {
  return origin.startsWith('http://') || origin.startsWith('https://');
}

function splitOrigin(origin: string): { scheme: WebScheme; host: string } | undefined {
  const start = origin.slice(0, 8).toLowerCase();
  if (start.startsWith('http://')) return { scheme: 'http', host: origin.slice(7) };
  if (start.startsWith('https://')) return { scheme: 'https', host: origin.slice(8) };
  return undefined;
}
