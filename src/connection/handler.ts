import type { Connection } from './connection.js';

/** Serves one connection. See docs: async handlers close the connection when they settle. */
export type Handler<Data> = (connection: Connection<Data>) => unknown;

export function runHandler<Data>(_connection: Connection<Data>, _handler: Handler<Data>): void {
  throw new Error('not yet');
}
