import { http } from '../connection/node-modules.js';
import { HandshakeError, TimeoutError } from '../errors.js';
import type { ResponseHead } from '../handshake/client.js';
import { toHeaders } from '../handshake/headers.js';
import { quote } from '../handshake/refusal.js';
import type { MalformedResponse } from '../handshake/response-head.js';

/**
 * The error for a connection that could not be made, broke, or does not speak HTTP.
 *
 * @param where a host and port or a path
 * @param isSecure whether TLS was spoken
 */
export function failed(where: string, cause: NodeJS.ErrnoException, isSecure: boolean): HandshakeError {
  const { code = '' } = cause;
  // The codes of Node's HTTP parser, which agents are read with.
  if (code === 'HPE_HEADER_OVERFLOW') return tooLarge(where, cause);
  if (code.startsWith('HPE_')) {
    const { rawPacket } = cause as { rawPacket?: Uint8Array };
    return notHttp(where, code, !isSecure && isTlsAlert(rawPacket), cause);
  }
  return new HandshakeError(
    'ANTS_CONNECT_FAILED',
    `cannot connect to ${where}: ${describe(cause, isSecure)}`,
    { cause },
  );
}

/**
 * The error for a response that is no HTTP.
 *
 * @param beginning the first bytes of the response
 */
export function malformed(
  where: string,
  cause: MalformedResponse,
  beginning: Uint8Array,
  isSecure: boolean,
): HandshakeError {
  if (cause.isTooLarge) return tooLarge(where, cause);
  return notHttp(where, cause.message, !isSecure && isTlsAlert(beginning), cause);
}

function tooLarge(where: string, cause: Error): HandshakeError {
  const message = `the headers of the response from ${where} are too large; see the option maxHeaderSize`;
  return new HandshakeError('ANTS_HANDSHAKE_INVALID', message, { cause });
}

function notHttp(where: string, why: string, isTls: boolean, cause: Error): HandshakeError {
  const hint = isTls ? '; it is TLS: is it wss:?' : '';
  const message = `the response from ${where} is not HTTP/1.1 (${why})${hint}`;
  return new HandshakeError('ANTS_HANDSHAKE_INVALID', message, { cause });
}

/** What a TLS server may answer to a plain request: an alert (RFC 8446 section 5.1). */
function isTlsAlert(bytes: Uint8Array | undefined): boolean {
  return bytes?.[0] === 21 && bytes[1] === 3;
}

/** The most characters of a refusal's text that the message shows; the error has all of it as `body`. */
const longestRefusal = 300;

/** The error for a response that is not 101. */
export function refused(where: string, { status, rawHeaders }: ResponseHead, body: string): HandshakeError {
  const reason = http.STATUS_CODES[status] ?? 'unknown status';
  const [line = ''] = body.trimStart().split('\n', 1);
  const said = line === '' ? '' : `: ${quote(line.trimEnd(), longestRefusal)}`;
  return new HandshakeError(
    'ANTS_HANDSHAKE_REFUSED',
    `${where} refused the opening handshake with ${status} (${reason})${said}`,
    { response: { status, headers: toHeaders(rawHeaders), body } },
  );
}

/** The error for a handshake that took longer than `ms` milliseconds. */
export function tooSlow(where: string, ms: number): TimeoutError {
  return new TimeoutError(
    'ANTS_HANDSHAKE_TIMEOUT',
    `${where} did not complete the opening handshake within ${ms} ms; see the option handshakeTimeout`,
  );
}

const trust = 'trust it with the option tls: { ca }';
const clock = "the server needs a new certificate, unless this machine's clock is wrong";

/** What to do about a certificate, by the code of the error. */
const certificateAdvice: ReadonlyMap<string, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', trust],
  ['SELF_SIGNED_CERT_IN_CHAIN', trust],
  ['UNABLE_TO_GET_ISSUER_CERT', trust],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', trust],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', trust],
  ['CERT_HAS_EXPIRED', clock],
  ['CERT_NOT_YET_VALID', clock],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'dial a name that the certificate has, or say which one with the option tls: { servername }',
  ],
]);

/** What OpenSSL says of bytes that are no TLS. */
const notTls: ReadonlySet<string> = new Set([
  'wrong version number',
  'packet length too long',
  'http request',
]);

/** What an error says. It is never empty, as the message is when several addresses were tried. */
function describe(error: NodeJS.ErrnoException, isSecure: boolean): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((one) => describe(one as NodeJS.ErrnoException, isSecure)).join('; ');
  }
  const said = error.message || error.code || error.name;
  const advice = certificateAdvice.get(error.code ?? '');
  if (advice !== undefined) return `${said}; ${advice}`;
  if (error.code === 'ECONNRESET') {
    return `it was closed before a response came (${said}${isSecure ? '' : '; is it wss:?'})`;
  }
  // A line of OpenSSL's error queue, such as "…:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:…".
  const [, reason] = /:SSL routines:[^:]*:([^:]+)/.exec(said) ?? [];
  if (reason === undefined) return said;
  if (reason.endsWith('certificate required')) {
    return 'the server wants a certificate of the client; see the option tls: { cert, key }';
  }
  return notTls.has(reason) ? 'the server does not speak TLS; is it ws:?' : `TLS failed (${reason})`;
}
