import { HandshakeError } from '../errors.js';
import { acceptValue } from './accept-value.js';
import {
  checkExtensions,
  type Extension,
  offerExtensions,
  parseExtensions,
  serialiseExtensions,
} from './extensions.js';
import {
  checkNotReserved,
  hasHeader,
  headerValues,
  type RawHeaders,
  toHeaders,
  withoutHeader,
} from './headers.js';
import { encodeKey } from './key.js';
import { type Agreement, protocolVersion } from './negotiate.js';
import { quote } from './refusal.js';
import { equalsIgnoringCase, listIncludes, splitList } from './tokens.js';

/** The client's opening handshake (RFC 6455 section 4.1); what is of HTTP/1.1 alone stands apart from the rest. */

/** What a client offers over any version of HTTP. */
export interface ClientOffer {
  /** Unique tokens, the preferred one first. */
  readonly subprotocols: readonly string[];
  /** In the client's order of preference. */
  readonly extensions: readonly Extension[];
}

/** What an HTTP/1.1 request to open a WebSocket is made of. */
export interface OpeningRequest extends ClientOffer {
  /** The `Host` header, unless `headers` has one. */
  readonly host: string;
  /** 16 random bytes, new for each request. */
  readonly nonce: Uint8Array;
  /** The `Origin` header; it outweighs one in `headers`. */
  readonly origin: string | undefined;
  /** The user's headers, already checked. */
  readonly headers: RawHeaders;
}

/** What is looked at of a response. */
export interface ResponseHead {
  readonly status: number;
  readonly rawHeaders: RawHeaders;
}

/** The names of headers that a request has from the handshake, or must not have since it has no body. */
const reserved: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Sees to it that the headers that the user adds to a request are not the handshake's own. `Host`, `Origin` and
 * `Authorization` may be among them.
 *
 * @throws TypeError when one is
 */
export function checkRequestHeaders(headers: RawHeaders): void {
  checkNotReserved(headers, reserved);
}

/** The headers of the request, over HTTP/1.1. */
export function requestHeaders(request: OpeningRequest): string[] {
  const { host, nonce, origin, headers } = request;
  const own = hasHeader(headers, 'Host') ? [] : ['Host', host];
  own.push('Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Key', encodeKey(nonce));
  own.push(...offerHeaders(request));
  if (origin === undefined) return [...own, ...headers];
  return [...own, 'Origin', origin, ...withoutHeader(headers, 'Origin')];
}

/** The request as it travels over HTTP/1.1, in Latin-1. What it is made of is checked already. */
export function requestText(target: string, headers: RawHeaders): string {
  let text = `GET ${target} HTTP/1.1\r\n`;
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${text}\r\n`;
}

/** The headers of the request that do not depend on the version of HTTP. */
export function offerHeaders({ subprotocols, extensions }: ClientOffer): string[] {
  const headers = ['Sec-WebSocket-Version', protocolVersion];
  if (subprotocols.length > 0) headers.push('Sec-WebSocket-Protocol', subprotocols.join(', '));
  const elements = offerExtensions(extensions);
  if (elements.length > 0) headers.push('Sec-WebSocket-Extensions', serialiseExtensions(elements));
  return headers;
}

/**
 * Checks the response to a request over HTTP/1.1.
 *
 * @throws HandshakeError `ANTS_HANDSHAKE_REFUSED` when the status is not 101, `ANTS_HANDSHAKE_INVALID` when the response
 * breaks RFC 6455 section 4.1
 */
export function checkResponse(response: ResponseHead, request: OpeningRequest): Agreement {
  const { status, rawHeaders } = response;
  if (status !== 101) {
    throw new HandshakeError('ANTS_HANDSHAKE_REFUSED', `the server answered ${status} instead of 101`, {
      response: describe(response),
    });
  }
  const upgrade = splitList(headerValues(rawHeaders, 'Upgrade'));
  if (upgrade.length !== 1 || !equalsIgnoringCase(upgrade[0]!, 'websocket')) {
    throw invalid(response, 'lacks "Upgrade: websocket"');
  }
  if (!listIncludes(headerValues(rawHeaders, 'Connection'), 'upgrade')) {
    throw invalid(response, 'lacks "Connection: Upgrade"');
  }
  const accepts = headerValues(rawHeaders, 'Sec-WebSocket-Accept');
  if (accepts.length !== 1) {
    throw invalid(response, `has ${accepts.length} Sec-WebSocket-Accept headers instead of one`);
  }
  if (accepts[0] !== acceptValue(encodeKey(request.nonce))) {
    throw invalid(response, 'has a Sec-WebSocket-Accept that does not fit the key; it may come from a cache');
  }
  return checkAgreement(response, request);
}

/**
 * Checks the part of a response that does not depend on the version of HTTP. A server that chose none of the offered
 * subprotocols is accepted: the connection then has none.
 *
 * @throws HandshakeError `ANTS_HANDSHAKE_INVALID`
 */
export function checkAgreement(response: ResponseHead, offer: ClientOffer): Agreement {
  const [subprotocol, ...more] = headerValues(response.rawHeaders, 'Sec-WebSocket-Protocol');
  if (more.length > 0) throw invalid(response, 'has more than one Sec-WebSocket-Protocol header');
  if (subprotocol !== undefined && !offer.subprotocols.includes(subprotocol)) {
    throw invalid(response, `chose the subprotocol ${quote(subprotocol)}, which was not offered`);
  }
  const values = headerValues(response.rawHeaders, 'Sec-WebSocket-Extensions');
  const answered = values.length === 0 ? [] : parseExtensions(values);
  if (answered === undefined) throw invalid(response, 'has a malformed Sec-WebSocket-Extensions header');
  const offered = offer.extensions.filter((extension) => extension.offers().length > 0);
  const extensions = checkExtensions(answered, offered);
  if (typeof extensions === 'string') throw invalid(response, `names ${extensions}`);
  return { subprotocol, extensions };
}

function invalid(response: ResponseHead, problem: string): HandshakeError {
  return new HandshakeError(
    'ANTS_HANDSHAKE_INVALID',
    `the server's ${response.status} response ${problem} (RFC 6455 section 4.1)`,
    { response: describe(response) },
  );
}

function describe({ status, rawHeaders }: ResponseHead) {
  return { status, headers: toHeaders(rawHeaders), body: '' };
}
