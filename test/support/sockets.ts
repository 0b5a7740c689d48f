import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Both ends of a connection over loopback. */
export interface SocketPair {
  readonly client: Socket;
  /** The end that was accepted. */
  readonly accepted: Socket;
  readonly listener: Server;
}

/** Connects two sockets. The listener takes more of them until it is closed. */
export async function socketPair(options: { allowHalfOpen?: boolean } = {}): Promise<SocketPair> {
  const listener = createServer({ noDelay: true, ...options }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const arrived = once(listener, 'connection');
  const { port } = listener.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', noDelay: true, ...options });
  const [[accepted]] = (await Promise.all([arrived, once(client, 'connect')])) as [[Socket], unknown];
  return { client, accepted, listener };
}
