import type { Connection } from '../connection/connection.js';
import { PreparedMessage, type PrepareOptions, prepare } from '../connection/prepared-message.js';
import type { SendPolicy } from '../connection/send-options.js';

/** To whom a broadcast goes, and how. */
export interface BroadcastOptions<Data = unknown> extends SendPolicy {
  /** Whether a connection gets it. Default: all do. */
  filter?: ((connection: Connection<Data>) => boolean) | undefined;
}

/** What a broadcast takes: strings as text, bytes as binary, or what was prepared. */
export type BroadcastData = string | ArrayBufferView | ArrayBufferLike | PreparedMessage;

/** Sends one message to all of `connections` that are open; returns how many that are. See `Server.broadcast`. */
export function broadcast<Data>(
  connections: Iterable<Connection<Data>>,
  data: BroadcastData,
  { filter, ...policy }: BroadcastOptions<Data>,
  options: PrepareOptions,
): number {
  const { compress } = policy;
  const message = data instanceof PreparedMessage ? data : prepare(data, { ...options, compress });
  let count = 0;
  for (const connection of connections) {
    if (connection.state !== 'open' || filter?.(connection) === false) continue;
    // Its rejection may be left alone, and each connection tells of its own end.
    void connection.send(message, policy);
    count++;
  }
  return count;
}
