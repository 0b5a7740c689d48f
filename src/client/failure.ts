import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { HandshakeError, TimeoutError } from '../errors.js';
import { toHeaders } from '../handshake/headers.js';
import { quote } from '../handshake/refusal.js';

/** The error for a connection that could not be made, broke, or does not speak HTTP; `where` is a host and port or a path. */
export function failed(where: string, cause: NodeJS.ErrnoException): HandshakeError {
  const { code = '' } = cause;
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = `the headers of the response from ${where} are too large; see the option maxHeaderSize`;
    return new HandshakeError('ANTS_HANDSHAKE_INVALID', message, { cause });
  }
  // The codes of Node's HTTP parser.
  if (code.startsWith('HPE_')) {
    const message = `the response from ${where} is not HTTP/1.1 (${code})`;
    return new HandshakeError('ANTS_HANDSHAKE_INVALID', message, { cause });
  }
  return new HandshakeError('ANTS_CONNECT_FAILED', `cannot connect to ${where}: ${describe(cause)}`, {
    cause,
  });
}

/** The most characters of a refusal's text that the message shows; the error has all of it as `body`. */
const longestRefusal = 300;

/** The error for a response that is not 101. */
export function refused(where: string, response: IncomingMessage, body: string): HandshakeError {
  const { statusCode: status = 0, rawHeaders } = response;
  const reason = STATUS_CODES[status] ?? 'unknown status';
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

/** What an error says. It is never empty, as the message is when several addresses were tried. */
function describe(error: NodeJS.ErrnoException): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((one) => describe(one as NodeJS.ErrnoException)).join('; ');
  }
  const said = error.message || error.code || error.name;
  return error.code === 'ECONNRESET' ? `it was closed before a response came (${said})` : said;
}
