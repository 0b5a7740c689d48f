import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The responses of each socket that have not left. */
const unsent = new WeakMap<Duplex, Set<ServerResponse>>();

let isWatching = false;

/** From now on, notes which requests of which sockets have been answered; once in a process. */
export function watchRequests(): void {
  if (isWatching) return;
  isWatching = true;
  subscribe('http.server.request.start', (message) => {
    const { socket, response } = message as { socket: Duplex; response: ServerResponse };
    const responses = unsent.get(socket);
    if (responses === undefined) unsent.set(socket, new Set([response]));
    else responses.add(response);
  });
  subscribe('http.server.response.finish', (message) => {
    const { socket, response } = message as { socket: Duplex; response: ServerResponse };
    unsent.get(socket)?.delete(response);
  });
}

/**
 * Whether an earlier request of this socket waits for its answer. It was sent without waiting for that (RFC 9112 section 9.3.2), and
 * the answer would be written between the frames.
 */
export function hasUnanswered(socket: Duplex): boolean {
  for (const { writableEnded } of unsent.get(socket) ?? []) if (!writableEnded) return true;
  return false;
}
