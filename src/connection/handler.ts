import type { Connection, Handler } from './connection.js';

export type { Handler };

export function runHandler<Data>(connection: Connection<Data>, handler: Handler<Data>): void {
  connection.run(handler);
}
