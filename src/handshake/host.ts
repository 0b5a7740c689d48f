/** A DNS name has at most 253 characters; with a colon and five digits. It also bounds the cost of `new URL`. */
const longestHost = 259;

/** The characters of `uri-host [":" port]` (RFC 3986 section 3.2.2); no `@`, no slash, no space. */
const hostCharacters = /^[\w\-.~!$&'()*+,;=%:[\]]+$/;

/** The schemes whose default port is known here. */
export type WebScheme = 'http' | 'https';

/** The latest that was well-formed: nearly all clients of a server name the same. */
let latestHost: string | undefined;

/** Whether the value of a `Host` header is well-formed. */
export function isHost(host: string): boolean {
  if (host === latestHost) return true;
  if (host.length > longestHost || !hostCharacters.test(host) || !URL.canParse(`http://${host}/`))
    return false;
  latestHost = host;
  return true;
}

/**
 * The value of a `Host` header in the one form that can be compared: lower case, short IPv6, and without the port when it
 * is the default port of `scheme`. It returns undefined when the value is malformed.
 */
export function canonicalHost(scheme: WebScheme, host: string): string | undefined {
  if (host.length > longestHost || !hostCharacters.test(host)) return undefined;
  try {
    return new URL(`${scheme}://${host}/`).host;
  } catch {
    return undefined;
  }
}
