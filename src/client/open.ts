import { randomBytes } from 'node:crypto';
import { clearDeadline, setDeadline } from '../connection/deadline.js';
import type { DuplexTransport } from '../connection/duplex-transport.js';
import { checkResponse, type OpeningRequest, requestHeaders } from '../handshake/client.js';
import { hasHeader, type RawHeaders } from '../handshake/headers.js';
import { nonceSize } from '../handshake/key.js';
import type { Agreement } from '../handshake/negotiate.js';
import { type Address, formatAuthority } from './address.js';
import { askThroughAgent } from './agent-exchange.js';
import type { Answer } from './exchange.js';
import { refused, tooSlow } from './failure.js';
import type { DialSettings } from './options.js';
import { askOnSocket } from './socket-exchange.js';

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
 * Connects and does the opening handshake. Whatever goes wrong, the socket is destroyed.
 *
 * @throws HandshakeError, TimeoutError, or the reason of an aborted signal
 */
export async function open(address: Address, settings: DialSettings<unknown>): Promise<Opened> {
  const { handshakeTimeout, signal } = settings;
  signal?.throwIfAborted();
  const where = settings.socketPath ?? formatAuthority(address);
  const opening = makeOpening(address, settings);
  const rawHeaders = requestHeaders(opening);
  const ask = settings.agent === undefined ? askOnSocket : askThroughAgent;
  const exchange = ask({ address, settings, where, rawHeaders });

  let expire = () => {};
  let abort = () => {};
  const deadline = setDeadline(handshakeTimeout, () => expire());
  try {
    const givenUp = new Promise<never>((_, reject) => {
      expire = () => reject(tooSlow(where, handshakeTimeout));
      abort = () => reject(signal?.reason);
      signal?.addEventListener('abort', abort);
    });
    const answer = await Promise.race([exchange.answer, givenUp]);
    if (answer.status === 101) return { ...switched(answer, opening), rawHeaders };
    const { body } = answer as Answer & { transport?: undefined };
    // The refusal is known, and neither a body that stalls nor one that breaks off must hide it.
    expire = () => body.stop();
    throw refused(where, answer, await Promise.race([body.text, givenUp]));
  } catch (error) {
    exchange.destroy();
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

/** Checks a 101. */
function switched(answer: Answer, opening: OpeningRequest) {
  try {
    const agreement = checkResponse(answer, opening);
    // To Node, a 101 without "Upgrade" or "Connection: Upgrade" is a response like any other; it does not pass the check.
    const { transport, head } = answer as Answer & { transport: DuplexTransport };
    return { transport, head, agreement };
  } catch (error) {
    answer.transport?.destroy();
    throw error;
  }
}
