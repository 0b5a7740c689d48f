import { randomBytes } from 'node:crypto';
import { type ClientRequest, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP } from 'node:net';
import { clearDeadline, setDeadline } from '../connection/deadline.js';
import { DuplexTransport } from '../connection/duplex-transport.js';
import { checkResponse, type OpeningRequest, requestHeaders } from '../handshake/client.js';
import { hasHeader, type RawHeaders } from '../handshake/headers.js';
import { nonceSize } from '../handshake/key.js';
import type { Agreement } from '../handshake/negotiate.js';
import { type Address, formatAuthority } from './address.js';
import { failed, refused, tooSlow } from './failure.js';
import type { DialSettings } from './options.js';
import { readBody } from './response-body.js';

/** A connection on which the opening handshake is done. */
export interface Opened {
  readonly transport: DuplexTransport;
  /** Bytes that came behind the response. */
  readonly head: Buffer;
  readonly agreement: Agreement;
  /** The headers of the request, as they were sent. */
  readonly rawHeaders: RawHeaders;
}

/**
 * Connects and does the opening handshake, with node:http. Whatever goes wrong, the socket is destroyed.
 *
 * @throws HandshakeError, TimeoutError, or the reason of an aborted signal
 */
export async function open(address: Address, settings: DialSettings<unknown>): Promise<Opened> {
  const { handshakeTimeout, signal } = settings;
  signal?.throwIfAborted();
  const where = settings.socketPath ?? formatAuthority(address);
  const opening = makeOpening(address, settings);
  const rawHeaders = requestHeaders(opening);
  const request = makeRequest(address, settings, rawHeaders);

  let expire = () => {};
  let abort = () => {};
  const deadline = setDeadline(handshakeTimeout, () => expire());
  try {
    return await new Promise<Opened>((resolve, reject) => {
      expire = () => reject(tooSlow(where, handshakeTimeout));
      abort = () => reject(signal?.reason);
      signal?.addEventListener('abort', abort);
      const check = (status = 0, headers: RawHeaders) => {
        try {
          return checkResponse({ status, rawHeaders: headers }, opening);
        } catch (error) {
          reject(error);
          return undefined;
        }
      };
      let fail = (error: Error) => reject(failed(where, error, address.isSecure));
      request.on('error', (error) => fail(error));
      request.on('upgrade', (response, socket, head) => {
        // At once, as from here on the errors of the socket are ours.
        const transport = new DuplexTransport(socket);
        const agreement = check(response.statusCode, response.rawHeaders);
        if (agreement === undefined) transport.destroy();
        else resolve({ transport, head, agreement, rawHeaders });
      });
      request.on('response', (response) => {
        const { socket, statusCode } = response;
        // To Node, a 101 without "Upgrade" or "Connection: Upgrade" is a response like any other.
        if (statusCode === 101) {
          check(statusCode, response.rawHeaders);
          return;
        }
        const { body, stop } = readBody(response, settings.maxResponseBody);
        // The refusal is known, and neither a body that stalls nor one that breaks off must hide it.
        expire = stop;
        fail = () => {};
        // At once, or a keep-alive agent would take the socket back.
        response.once('end', () => socket.destroy());
        body.then((text) => reject(refused(where, response, text)));
      });
      request.end();
    });
  } catch (error) {
    request.destroy();
    throw error;
  } finally {
    clearDeadline(deadline);
    signal?.removeEventListener('abort', abort);
  }
}

function makeOpening(address: Address, settings: DialSettings<unknown>): OpeningRequest {
  const { headers, subprotocols, extensions, origin } = settings;
  const { host, authorization } = address;
  const isOurs = authorization !== undefined && !hasHeader(headers, 'Authorization');
  return {
    host,
    nonce: randomBytes(nonceSize),
    origin,
    headers: isOurs ? [...headers, 'Authorization', authorization] : headers,
    subprotocols,
    extensions,
  };
}

function makeRequest(address: Address, settings: DialSettings<unknown>, headers: RawHeaders): ClientRequest {
  const { isSecure, hostname, port, target } = address;
  const { agent, socketPath, maxHeaderSize, tls } = settings;
  const options: RequestOptions = {
    method: 'GET',
    host: hostname,
    port,
    path: target,
    headers,
    setHost: false,
    // Not the global agent: it would keep the socket of a refusal, and limits sockets per host.
    agent: agent ?? false,
    socketPath,
    maxHeaderSize: maxHeaderSize === undefined ? undefined : Math.min(maxHeaderSize, 0x7fffffff),
  };
  if (!isSecure) return requestPlain(options);
  // An IP address is no server name (RFC 6066 section 3).
  const servername = isIP(hostname) === 0 ? hostname : '';
  return requestSecure({ servername, ...tls, ...options });
}
