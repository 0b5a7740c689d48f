import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import type { HandshakeRequest } from '../connection/request.js';
import { quote } from '../handshake/refusal.js';
import { parseTarget } from '../handshake/target.js';
import { Failure } from './failure.js';
import { hasUnanswered } from './pipelining.js';
import { respond, textResponse } from './response.js';

/** Serves one connection; `request` is the small copy that the connection keeps. */
export type UpgradeHandler<Data> = (connection: Connection<Data>, request: HandshakeRequest) => unknown;

/** A listener for the `upgrade` event of an HTTP server. */
export type UpgradeListener = (this: unknown, request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Now, or later. A promise where nothing is waited for would cost a good part of an opening handshake. */
export type Eventually<T> = T | Promise<T>;

/** Neither throws nor rejects. */
type Open<Data> = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => Eventually<Connection<Data> | Failure>;

/** How many of our listeners have passed a request on, while it goes from one listener to the next. */
const passes = new WeakMap<IncomingMessage, number>();

/**
 * Makes a listener that opens connections for `path` and leaves other requests to the other listeners. The last one to
 * pass a request on answers it.
 *
 * @throws TypeError when `path` is not a path or `handler` not a function
 */
export function makeListener<Data>(
  path: string | undefined,
  handler: UpgradeHandler<Data>,
  open: Open<Data>,
  onError: (error: unknown) => void,
): UpgradeListener {
  if (typeof handler !== 'function') throw new TypeError('the handler of connections must be a function');
  if (path !== undefined) checkPath(path);

  const run = (connection: Connection<Data>) => handler(connection, connection.request);

  function serve(result: Connection<Data> | Failure): void {
    if (result instanceof Failure) {
      // A refusal is the client's business; it was told.
      if (result.isFault) onError(result.error);
      return;
    }
    result.run(run);
  }

  return function onUpgrade(request, socket, head) {
    if (path === undefined || parseTarget(request.url ?? '')?.path === path) {
      const result = open(request, socket, head);
      if (result instanceof Promise) void result.then(serve);
      else serve(result);
      return;
    }
    const passed = (passes.get(request) ?? 0) + 1;
    passes.set(request, passed);
    // A listener of `once` is off the list when it is called, so the count may be smaller than the passes.
    if (passed >= countListeners(this)) answerForeign(request, socket);
  };
}

/** One, when the listener was not called by a server: whoever calls it by hand has chosen it for this request. */
function countListeners(emitter: unknown): number {
  const { listenerCount } = (emitter ?? {}) as { listenerCount?: (event: string) => number };
  return typeof listenerCount === 'function' ? listenerCount.call(emitter, 'upgrade') : 1;
}

function answerForeign(request: IncomingMessage, socket: Duplex): void {
  if (hasUnanswered(socket)) {
    socket.destroy();
    return;
  }
  const target = parseTarget(request.url ?? '');
  const response =
    target === undefined
      ? textResponse(400, `The request target ${quote(request.url ?? '')} is malformed.`)
      : textResponse(404, `There is no WebSocket at ${quote(target.path)}.`);
  respond(socket, response, request.method);
}

function checkPath(path: string): void {
  if (typeof path === 'string' && path.startsWith('/') && parseTarget(path)?.path === path) return;
  throw new TypeError(`${JSON.stringify(path)} is not a path; it starts with a slash and has no query`);
}
