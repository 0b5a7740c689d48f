import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { clearDeadline, setDeadline } from '../connection/deadline.js';
import type { Roster } from '../protocol/roster.js';
import { EarlyData } from './early-data.js';
import { Failure, faulty, gone, refusedWith, tooLate } from './failure.js';
import type { Authorize, AuthorizeContext } from './options.js';
import type { FinalResponse } from './response.js';

/** A decision in the client's favour. */
export interface Authorized<Data> {
  readonly data: Data;
  /** All that came behind the request meanwhile. */
  readonly head: Buffer;
}

/** Ends the wait for a decision. */
export type Interrupt = (failure: Failure) => void;

/**
 * Asks `authorize` for its decision on a request, and waits for it as long as the socket lives, but `ms` milliseconds at
 * most. What comes after that is nobody's business any more.
 *
 * @param head what has come behind the request
 * @param undecided holds, during the wait, the function that ends it from outside
 */
export async function decide<Data>(
  authorize: Authorize<Data>,
  request: IncomingMessage,
  clientAddress: string | undefined,
  socket: Duplex,
  head: Buffer,
  ms: number,
  undecided: Roster<Interrupt>,
): Promise<Authorized<Data> | Failure> {
  const controller = new AbortController();
  let interrupted: Interrupt = () => {};
  const interruption = new Promise<Failure>((resolve) => {
    interrupted = resolve;
  });
  const interrupt = (failure: Failure) => {
    interrupted(failure);
    controller.abort(failure.error);
  };
  const onError = (error: Error) => interrupt(gone(error));
  const onEnd = () => interrupt(gone(undefined));
  const deadline = setDeadline(ms, () => interrupt(tooLate(ms)));
  socket.on('error', onError).on('end', onEnd).on('close', onEnd);
  const early = new EarlyData(socket);
  undecided.add(interrupt);
  try {
    // The interruption comes first: a signal that is aborted makes authorize throw as well.
    const context = { signal: controller.signal, clientAddress };
    const decision = await Promise.race([interruption, ask(authorize, request, context).catch(faulty)]);
    const all = early.stop(head);
    return decision instanceof Failure ? decision : { ...decision, head: all };
  } finally {
    undecided.delete(interrupt);
    clearDeadline(deadline);
    socket.off('error', onError).off('end', onEnd).off('close', onEnd);
  }
}

const falseMessage =
  'authorize returned false, and only a Response refuses: return new Response(null, { status: 401 }) to refuse, or ' +
  'undefined to accept without data';

/** Async, so that what `authorize` throws at once is a rejection as well. */
async function ask<Data>(
  authorize: Authorize<Data>,
  request: IncomingMessage,
  context: AuthorizeContext,
): Promise<Pick<Authorized<Data>, 'data'> | Failure> {
  const decision = await authorize(request, context);
  // A check that means "no" by it would let everybody in. `undefined` is what a check without data returns.
  if (decision === false) throw new TypeError(falseMessage);
  if (!isResponse(decision)) return { data: decision };
  return refusedWith(await readResponse(decision), 'authorize refused it');
}

/**
 * Also the `Response` of another package counts: to take it for data would let the client in.
 */
function isResponse(value: unknown): value is Response {
  return value instanceof Response || Object.prototype.toString.call(value) === '[object Response]';
}

async function readResponse(response: Response): Promise<FinalResponse> {
  const { status } = response;
  if (status < 200) throw new TypeError(`authorize cannot refuse with the status ${status}`);
  const headers = [...response.headers].flat();
  return { status, headers, body: Buffer.from(await response.arrayBuffer()) };
}
