import type { AgreedExtension, Extension, ExtensionElement } from './extensions.js';
import { answerExtensions, parseExtensions, serialiseExtensions } from './extensions.js';
import { headerValues, type RawHeaders } from './headers.js';
import type { OriginCheck } from './origin.js';
import { originMessage } from './origin.js';
import { accept, type Checked, quote, refuse } from './refusal.js';
import type { SubprotocolChoice } from './subprotocols.js';
import { parseTokenList } from './tokens.js';

/**
 * The server's part of the opening handshake that HTTP/1.1 (RFC 6455 section 4.2) and HTTP/2 (RFC 8441) have in common:
 * version, origin, subprotocol and extensions.
 */

/** The one version of the protocol that is spoken here. */
export const protocolVersion = '13';

/** What a server is willing to agree to; made by `compileOrigins` and `compileSubprotocols`. */
export interface ServerRules<Request> {
  readonly checkOrigin: OriginCheck<Request>;
  readonly chooseSubprotocol: SubprotocolChoice<Request>;
  /** In the server's order of preference. */
  readonly extensions: readonly Extension[];
}

/** What both ends have agreed on. */
export interface Agreement {
  readonly subprotocol: string | undefined;
  readonly extensions: readonly AgreedExtension[];
}

/**
 * Checks the common part of a request and makes the server's choices.
 *
 * @param authority the host and port that the request was sent to
 * @throws what the functions of `rules` throw
 */
export function negotiate<Request>(
  headers: RawHeaders,
  authority: string,
  request: Request,
  rules: ServerRules<Request>,
): Checked<Agreement> {
  const refusal = checkVersion(headers) ?? checkOrigin(headers, authority, request, rules);
  if (refusal !== undefined) return refusal;

  const subprotocols = parseOffers(headers);
  if (subprotocols === undefined) {
    return refuse(400, 'Sec-WebSocket-Protocol must be a list of different names (RFC 6455 section 4.1).');
  }
  const extensions = parseExtensionOffers(headers);
  if (extensions === undefined) {
    return refuse(400, 'Sec-WebSocket-Extensions is malformed (RFC 6455 section 9.1).');
  }
  return accept({
    subprotocol: subprotocols.length > 0 ? rules.chooseSubprotocol(subprotocols, request) : undefined,
    extensions: answerExtensions(extensions, rules.extensions),
  });
}

/** The value of the header that tells which extensions are agreed on; empty without any. */
export function extensionsHeader({ extensions }: Agreement): string {
  return serialiseExtensions(extensions.map(({ extension, params }) => ({ name: extension.name, params })));
}

/** The headers that tell the client what was agreed on. */
export function agreementHeaders(agreement: Agreement): string[] {
  const { subprotocol, extensions } = agreement;
  const headers: string[] = [];
  if (subprotocol !== undefined) headers.push('Sec-WebSocket-Protocol', subprotocol);
  if (extensions.length > 0) headers.push('Sec-WebSocket-Extensions', extensionsHeader(agreement));
  return headers;
}

function checkVersion(headers: RawHeaders) {
  const versions = headerValues(headers, 'Sec-WebSocket-Version');
  // By string: `013`, `+13` and `13.0` are other versions (RFC 6455 section 4.1).
  if (versions.length === 1 && versions[0] === protocolVersion) return undefined;
  const sent = versions.length === 0 ? 'none' : versions.map((version) => quote(version)).join(' and ');
  return refuse(
    426,
    `This server speaks version 13 of WebSocket; Sec-WebSocket-Version was ${sent} (RFC 6455 section 4.4).`,
    ['Sec-WebSocket-Version', protocolVersion],
  );
}

function checkOrigin<Request>(
  headers: RawHeaders,
  authority: string,
  request: Request,
  rules: ServerRules<Request>,
) {
  const origins = headerValues(headers, 'Origin');
  if (origins.length === 0) return undefined;
  const origin = origins[0]!;
  if (origins.length > 1)
    return refuse(400, 'There must not be more than one Origin header (RFC 6454 section 7).');
  if (rules.checkOrigin(origin, authority, request)) return undefined;
  return refuse(403, originMessage(origin, authority));
}

/** The offered subprotocols: unique tokens, none when there is no header; undefined when they are malformed. */
function parseOffers(headers: RawHeaders): string[] | undefined {
  const values = headerValues(headers, 'Sec-WebSocket-Protocol');
  if (values.length === 0) return [];
  const offered = parseTokenList(values);
  return offered !== undefined && new Set(offered).size === offered.length ? offered : undefined;
}

function parseExtensionOffers(headers: RawHeaders): ExtensionElement[] | undefined {
  const values = headerValues(headers, 'Sec-WebSocket-Extensions');
  return values.length === 0 ? [] : parseExtensions(values);
}
