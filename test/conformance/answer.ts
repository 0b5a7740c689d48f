import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { dial, HandshakeError, TimeoutError } from 'ants-ws';
import { acceptFor, type ResponseCase } from './response-case.js';
import { headOf } from './runner.js';

/** A raw server that gives our client one response after the other. */
export interface Answerer {
  /** What our client, which offers two subprotocols and compression, makes of it. It has closed TCP by then if it refused. */
  answer(responseCase: ResponseCase): Promise<string>;
  stop(): Promise<void>;
}

/** Starts it on a free port. */
export async function startAnswerer(): Promise<Answerer> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    async answer({ response, options, ends }) {
      const settings = { subprotocols: ['chat', 'superchat'], compression: true, ...options };
      const outcome = dial(`ws://127.0.0.1:${port}/`, settings).then(
        async (connection) => {
          const { subprotocol, extensions } = connection;
          connection.terminate();
          await connection.closed;
          return ['open', subprotocol, extensions].filter(Boolean).join(', ');
        },
        (error: unknown) => sayError(error),
      );
      const [socket] = (await once(server, 'connection')) as [Socket];
      const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
      // A reset is one of the ways in which clients leave.
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      const { head } = await headOf(socket);
      socket.write(response(acceptFor(head)), 'latin1');
      if (ends) socket.end();
      socket.resume();
      const said = await outcome;
      await closed;
      return said;
    },
    async stop() {
      server.close();
      await once(server, 'close');
    },
  };
}

function sayError(error: unknown): string {
  if (error instanceof TimeoutError) return error.code;
  if (!(error instanceof HandshakeError)) return `${error}`;
  return error.code === 'ANTS_HANDSHAKE_REFUSED' ? `${error.code} ${error.status}` : error.code;
}
