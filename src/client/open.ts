import { randomBytes } from 'node:crypto';
import { clearDeadline, setDeadline } from '../connection/deadline.js';
import type { DuplexTransport } from '../connection/duplex-transport.js';
import { checkResponse, type OpeningRequest, requestHeaders } from '../handshake/client.js';
import { hasHeader, type RawHeaders } from '../handshake/headers.js';
import { nonceSize } from '../handshake/key.js';
import type { Agreement } from '../handshake/negotiate.js';
import { type Address, formatAuthority } from './address.js';
import { askThroughAgent } from './agent-exchange.js';
import type { Answer, Exchange } from './exchange.js';
import { refused, tooSlow } from './failure.js';
import type { DialSettings } from './options.js';
import { type Destination, redirectError, redirected, tooManyRedirects } from './redirect.js';
import { askOnSocket } from './socket-exchange.js';

/** A connection on which the opening handshake is done. */
export interface Opened {
  readonly transport: DuplexTransport;
  /** Bytes that came behind the response. */
  readonly head: Buffer;
  readonly agreement: Agreement;
  /** The target of the request, and its headers as they were sent. */
  readonly target: string;
  readonly rawHeaders: RawHeaders;
}

/**
 * Connects and does the opening handshake, at the place where redirects lead to. Whatever goes wrong, the socket is destroyed.
 *
 * @throws HandshakeError, TimeoutError, or the reason of an aborted signal
 */
export async function open(address: Address, settings: DialSettings<unknown>): Promise<Opened> {
  const { handshakeTimeout, signal } = settings;
  signal?.throwIfAborted();
  let to: Destination = { address, settings };
  let response: Answer | undefined;
  let exchange: Exchange | undefined;
  let expire = () => {};
  let abort = () => {};
  const deadline = setDeadline(handshakeTimeout, () => expire());
  try {
    const givenUp = new Promise<never>((_, reject) => {
      expire = () => reject(tooSlow(whereIs(to), handshakeTimeout));
      abort = () => reject(signal?.reason);
      signal?.addEventListener('abort', abort);
    });
    for (let left = settings.maxRedirects; ; left--) {
      const opening = makeOpening(to.address, to.settings);
      const rawHeaders = requestHeaders(opening);
      exchange = ask(to, rawHeaders, response);
      response = await Promise.race([exchange.answer, givenUp]);
      if (response.status === 101) {
        return { ...switched(response, opening), target: to.address.target, rawHeaders };
      }
      const next = settings.maxRedirects > 0 ? redirected(response, to) : undefined;
      if (next === undefined) {
        const { body } = response as Answer & { transport?: undefined };
        // The refusal is known, and neither a body that stalls nor one that breaks off must hide it.
        expire = () => body.stop();
        throw refused(whereIs(to), response, await Promise.race([body.text, givenUp]));
      }
      if (left === 0) throw tooManyRedirects(response, settings.maxRedirects);
      exchange.destroy();
      to = next;
    }
  } catch (error) {
    exchange?.destroy();
    throw error;
  } finally {
    clearDeadline(deadline);
    signal?.removeEventListener('abort', abort);
  }
}

function whereIs({ address, settings }: Destination): string {
  return settings.socketPath ?? formatAuthority(address);
}

/** @param redirect the response that led here, if one did */
function ask(to: Destination, rawHeaders: RawHeaders, redirect: Answer | undefined): Exchange {
  const asking = { ...to, where: whereIs(to), rawHeaders };
  if (to.settings.agent === undefined) return askOnSocket(asking);
  try {
    return askThroughAgent(asking);
  } catch (cause) {
    if (redirect === undefined) throw cause;
    const message = `a redirect to ${asking.where} is not followed: the agent does not take it (${String(cause)})`;
    throw redirectError('ANTS_REDIRECT_REFUSED', redirect, message, { cause });
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
