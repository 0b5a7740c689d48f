import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { type Connection, Upgrader, type UpgraderOptions } from 'ants-ws';
import { type HeaderChanges, makeRequest } from '../handshake/vectors.js';
import { outcome } from '../support/connections.js';

/**
 * What an Upgrader makes of a request with these headers, which no HTTP parser has cut short: a connection, or an error.
 *
 * @param wrap puts something around the list of headers
 */
export async function upgradeWith(
  headers: HeaderChanges,
  options: UpgraderOptions<unknown> = {},
  wrap: (rawHeaders: string[]) => string[] = (rawHeaders) => rawHeaders,
): Promise<Connection | Error> {
  const request = makeRequest({ headers });
  const wrapped = { ...request, rawHeaders: wrap(request.rawHeaders) } as unknown as IncomingMessage;
  const result = await outcome(new Upgrader(options).upgrade(wrapped, new PassThrough(), Buffer.alloc(0)));
  return result as Connection | Error;
}
