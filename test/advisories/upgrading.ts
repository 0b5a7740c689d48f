import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { type Connection, Upgrader, type UpgraderOptions } from 'ants-ws';
import { type HeaderChanges, makeRequest } from '../handshake/vectors.js';
import { outcome } from '../support/connections.js';

/** What an Upgrader makes of a request with these headers, which no HTTP parser has cut short: a connection, or an error. */
export async function upgradeWith(
  headers: HeaderChanges,
  options: UpgraderOptions = {},
): Promise<Connection | Error> {
  const request = makeRequest({ headers }) as unknown as IncomingMessage;
  const result = await outcome(new Upgrader(options).upgrade(request, new PassThrough(), Buffer.alloc(0)));
  return result as Connection | Error;
}
