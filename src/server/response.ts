import type { Duplex } from 'node:stream';
import { clearDeadline, setDeadline } from '../connection/deadline.js';
import { http } from '../connection/node-modules.js';
import { headerValues, type RawHeaders, withoutHeader } from '../handshake/headers.js';

/** A response after which the connection is closed. */
export interface FinalResponse {
  readonly status: number;
  /** Those that frame the message are left to {@link respond}. */
  readonly headers: RawHeaders;
  readonly body: Buffer;
}

/** How long a refused client may take to read its response and to go, in milliseconds. */
const lingerTime = 2_000;

/** Set by {@link respond} alone: they frame the message, or tell when it was made. */
const framing = ['Connection', 'Content-Length', 'Transfer-Encoding', 'Date'];

/** A response with a text for a person to read. */
export function textResponse(status: number, text: string, headers: RawHeaders = []): FinalResponse {
  return {
    status,
    headers: [...headers, 'Content-Type', 'text/plain; charset=utf-8'],
    body: Buffer.from(`${text}\n`),
  };
}

/** The first part of an HTTP/1.1 response, with the empty line, in Latin-1. The headers are known to be free of CR and LF. */
export function formatHead(status: number, headers: RawHeaders): string {
  let head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${head}\r\n`;
}

/**
 * Answers with `response` and sees the socket off: it is ended at once, what the client still sends is dropped, and it is
 * destroyed when the client has gone or has had its time.
 *
 * @param method of the request; the response to HEAD has no body (RFC 9110 section 9.3.2)
 */
export function respond(socket: Duplex, response: FinalResponse, method?: string): void {
  ignoreErrors(socket);
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const head = Buffer.from(formatHead(response.status, finalHeaders(response)), 'latin1');
  socket.end(method === 'HEAD' ? head : Buffer.concat([head, response.body]));

  // A socket that is destroyed with unread input is reset by TCP, and the response may get lost on its way.
  socket.resume();
  const deadline = setDeadline(lingerTime, () => socket.destroy());
  socket.once('close', () => clearDeadline(deadline));
}

function finalHeaders({ status, headers, body }: FinalResponse): string[] {
  const connection = [...headerValues(headers, 'Connection'), 'close'].join(', ');
  let others = [...headers];
  for (const name of framing) others = withoutHeader(others, name);
  const date = new Date().toUTCString();
  const head = ['Date', date, 'Connection', connection, ...others];
  // A 204 must not have a length (RFC 9110 section 8.6).
  return status === 204 ? head : [...head, 'Content-Length', String(body.length)];
}

/** Sees to it that no error of `socket` goes unlistened, which would end the process. */
export function ignoreErrors(socket: Duplex): void {
  if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore);
}

/** Takes {@link ignoreErrors} back, once somebody else listens. */
export function stopIgnoringErrors(socket: Duplex): void {
  socket.off('error', ignore);
}

function ignore(): void {}
