import { HandshakeError, TimeoutError } from '../errors.js';
import { toHeaders } from '../handshake/headers.js';
import type { Refusal } from '../handshake/refusal.js';
import { type FinalResponse, textResponse } from './response.js';

/** An opening handshake that did not become a connection. */
export class Failure {
  /** What `upgrade` rejects with. */
  readonly error: unknown;
  /** What the client is told; undefined when it is not there any more. */
  readonly response: FinalResponse | undefined;
  /** Whether code of the user is to blame, so that the error is one for `onError`. */
  readonly isFault: boolean;

  constructor(error: unknown, response: FinalResponse | undefined, isFault = false) {
    this.error = error;
    this.response = response;
    this.isFault = isFault;
  }
}

/** The request breaks a rule of the handshake or of the options. */
export function refused({ status, headers, message }: Refusal): Failure {
  return refusedWith(textResponse(status, message, headers), message);
}

/** The request is answered with `response`; `why` ends the error's message. */
export function refusedWith(response: FinalResponse, why: string): Failure {
  const { status, headers, body } = response;
  const error = new HandshakeError(
    'ANTS_HANDSHAKE_REFUSED',
    `the request was refused with ${status}: ${why}`,
    { response: { status, headers: toHeaders(headers), body: body.toString() } },
  );
  return new Failure(error, response);
}

/** The client left before it was answered. */
export function gone(cause: unknown): Failure {
  const error = new HandshakeError(
    'ANTS_CONNECT_FAILED',
    'the client went away before the opening handshake was complete',
    cause == null ? undefined : { cause },
  );
  return new Failure(error, undefined);
}

/** The request came behind another one that has no answer yet. There is no way to answer this one first. */
export function pipelined(): Failure {
  const error = new HandshakeError(
    'ANTS_HANDSHAKE_REFUSED',
    'the request came behind one of the same client that has no answer yet, and the TCP connection was cut: an upgrade cannot be pipelined',
  );
  return new Failure(error, undefined);
}

/** `authorize` took longer than `ms` milliseconds. */
export function tooLate(ms: number): Failure {
  const error = new TimeoutError(
    'ANTS_HANDSHAKE_TIMEOUT',
    `authorize did not decide within ${ms} ms; see the option handshakeTimeout`,
  );
  return new Failure(error, textResponse(503, 'The server took too long to decide on this request.'));
}

/** The Upgrader was closed. */
export function closing(): Failure {
  return refusedWith(textResponse(503, 'The server is closing.'), 'the Upgrader is closed');
}

/** A function of the user threw. The client is not told what. */
export function faulty(error: unknown): Failure {
  return new Failure(error, textResponse(500, 'The server failed to handle this request.'), true);
}
