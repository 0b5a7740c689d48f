import { acceptValue } from './accept-value.js';
import { checkNotReserved, hasHeader, headerValues, type RawHeaders } from './headers.js';
import { isHost } from './host.js';
import { isKey } from './key.js';
import { type Agreement, agreementHeaders, negotiate, type ServerRules } from './negotiate.js';
import { accept, type Checked, quote, refuse } from './refusal.js';
import { parseTarget, type Target } from './target.js';
import { listIncludes } from './tokens.js';

/** The server's opening handshake over HTTP/1.1 (RFC 6455 section 4.2). */

/** What is looked at of a request; `IncomingMessage` of node:http is one. */
export interface RequestHead {
  readonly method?: string | undefined;
  /** The request target. */
  readonly url?: string | undefined;
  /** Such as `1.1`. */
  readonly httpVersion: string;
  readonly rawHeaders: RawHeaders;
}

/** A request that may be answered with 101. */
export interface AcceptedUpgrade extends Agreement {
  /** The client's `Sec-WebSocket-Key`. */
  readonly key: string;
}

/** The headers that ask for, or tell of, a change to WebSocket (RFC 9110 section 7.8). */
export const upgradeHeaders: RawHeaders = ['Upgrade', 'websocket', 'Connection', 'Upgrade'];

/**
 * Checks a request to open a WebSocket.
 *
 * @throws what the functions of `rules` throw
 */
export function checkUpgrade<Request extends RequestHead>(
  request: Request,
  rules: ServerRules<Request>,
): Checked<AcceptedUpgrade> {
  const refusal = checkRequestLine(request) ?? checkFraming(request);
  if (refusal !== undefined) return refusal;
  const target = parseTarget(request.url ?? '');
  if (target === undefined)
    return refuse(400, `The request target ${quote(request.url ?? '')} is malformed.`);
  const authority = findAuthority(request, target);
  if (authority === undefined) {
    return refuse(400, 'There must be exactly one Host header, well-formed (RFC 9112 section 3.2).');
  }
  const unsuited = checkUpgradeHeaders(request) ?? checkKey(request);
  if (unsuited !== undefined) return unsuited;

  const negotiated = negotiate(request.rawHeaders, authority, request, rules);
  if (!negotiated.ok) {
    // RFC 9110 section 15.5.22: a 426 names the protocol that is needed.
    return negotiated.refusal.status === 426 ? withUpgrade(negotiated.refusal) : negotiated;
  }
  const { subprotocol, extensions } = negotiated.value;
  const key = headerValues(request.rawHeaders, 'Sec-WebSocket-Key')[0]!;
  return accept({ key, subprotocol, extensions });
}

/** The names of headers that a 101 response has from the handshake, or must not have (RFC 9110 section 8.6). */
const reserved: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Sees to it that the headers that the user adds to a 101 response are not the handshake's own.
 *
 * @throws TypeError when one is
 */
export function checkResponseHeaders(headers: RawHeaders): void {
  checkNotReserved(headers, reserved);
}

/** The headers of the 101 response; `extra` are the user's, already checked. */
export function acceptHeaders(accepted: AcceptedUpgrade, extra: RawHeaders): string[] {
  return [
    ...upgradeHeaders,
    'Sec-WebSocket-Accept',
    acceptValue(accepted.key),
    ...agreementHeaders(accepted),
    ...extra,
  ];
}

function checkRequestLine({ method, httpVersion }: RequestHead) {
  if (method !== 'GET') {
    return refuse(405, 'A WebSocket is opened with GET (RFC 6455 section 4.1).', ['Allow', 'GET']);
  }
  // HTTP/1.0 knows no Upgrade (RFC 9110 section 7.8); a later major version does not come this way.
  if (!/^1\.[1-9]$/.test(httpVersion)) {
    return refuse(400, `A WebSocket is opened with HTTP/1.1; this request is HTTP/${quote(httpVersion)}.`);
  }
  return undefined;
}

/** What a body would hold, the connection would take for frames. */
function checkFraming({ rawHeaders }: RequestHead) {
  const hasBody =
    hasHeader(rawHeaders, 'Transfer-Encoding') ||
    headerValues(rawHeaders, 'Content-Length').some((length) => length !== '0');
  return hasBody ? refuse(400, 'A request that opens a WebSocket has no body.') : undefined;
}

/** The host and port that the request was sent to; an absolute-form target outweighs Host (RFC 9112 section 3.2.2). */
function findAuthority({ rawHeaders }: RequestHead, target: Target): string | undefined {
  const hosts = headerValues(rawHeaders, 'Host');
  if (hosts.length !== 1 || !isHost(hosts[0]!)) return undefined;
  return target.authority ?? hosts[0]!;
}

function checkUpgradeHeaders({ rawHeaders }: RequestHead) {
  if (!listIncludes(headerValues(rawHeaders, 'Upgrade'), 'websocket')) {
    return withUpgrade(
      refuse(426, 'Only WebSocket is spoken here: send "Upgrade: websocket" (RFC 6455 section 4.1).').refusal,
    );
  }
  if (!listIncludes(headerValues(rawHeaders, 'Connection'), 'upgrade')) {
    return refuse(
      400,
      'The header "Connection: Upgrade" is missing (RFC 6455 section 4.1). ' +
        'A proxy in between must pass on Connection and Upgrade.',
    );
  }
  return undefined;
}

function checkKey({ rawHeaders }: RequestHead) {
  const keys = headerValues(rawHeaders, 'Sec-WebSocket-Key');
  if (keys.length === 1 && isKey(keys[0]!)) return undefined;
  return refuse(
    400,
    'There must be exactly one Sec-WebSocket-Key, the base64 of 16 bytes (RFC 6455 section 4.1).',
  );
}

function withUpgrade({ status, message, headers }: { status: number; message: string; headers: RawHeaders }) {
  return refuse(status, message, [...upgradeHeaders, ...headers]);
}
