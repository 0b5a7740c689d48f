import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { type Connection, dial, type Role, serve } from 'ants-ws';
import { switching } from '../client/raw-server.js';
import { formatRequest } from '../server/raw-client.js';
import type { ConformanceCase } from './cases.js';
import { encode, FrameLog } from './raw-frames.js';

/** What the largest cases need. */
const raised = { maxMessageSize: 2 ** 24, maxFragments: 2 ** 16 };

/** Runs cases against the library in one role, one behind the other. */
export interface Bench {
  run(conformanceCase: ConformanceCase): Promise<string>;
  stop(): Promise<void>;
}

/** Starts what the cases of a role need: our server, or a raw server that our client dials. */
export function startBench(role: Role): Promise<Bench> {
  return role === 'server' ? benchServer() : benchClient();
}

async function benchServer(): Promise<Bench> {
  const server = await serve({ port: 0, host: '127.0.0.1', ...raised }, echo);
  return {
    async run(conformanceCase) {
      const socket = createConnection({ port: server.port!, host: '127.0.0.1' });
      socket.write(formatRequest());
      return play(conformanceCase, 'server', socket, await headOf(socket));
    },
    async stop() {
      await server.close();
    },
  };
}

async function benchClient(): Promise<Bench> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    async run(conformanceCase) {
      const dialling = dial(`ws://127.0.0.1:${port}/`, raised).then(echo);
      const [socket] = (await once(server, 'connection')) as [Socket];
      const { head } = await headOf(socket);
      socket.write(switching(head));
      await dialling;
      return play(conformanceCase, 'client', socket, { behind: Buffer.alloc(0) });
    },
    async stop() {
      server.close();
      await once(server, 'close');
    },
  };
}

function echo(connection: Connection<unknown>): void {
  connection.on('message', (message) => void connection.send(message));
}

/** The head of a request or a response, and the bytes behind it. */
async function headOf(socket: Socket): Promise<{ head: string; behind: Buffer }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) continue;
    socket.pause();
    return { head: bytes.toString('latin1', 0, end + 4), behind: bytes.subarray(end + 4) };
  }
}

/** Sends the frames of a case, and says what came back and how TCP ended. */
async function play(
  { frames, chop, cutTail }: ConformanceCase,
  role: Role,
  socket: Socket,
  { behind }: { readonly behind: Buffer },
): Promise<string> {
  const log = new FrameLog(role === 'client');
  log.add(behind);
  let end = 'cut';
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      const open = log.close === undefined;
      log.add(chunk);
      // The server ends TCP first (RFC 6455 section 7.1.1): as a server, this peer does; as a client, it waits.
      if (open && log.close !== undefined && role === 'client') socket.end();
    });
    socket.on('end', () => {
      end = 'FIN';
      socket.end();
    });
    // A reset is one of the ways to end.
    socket.on('error', () => {
      end = 'RST';
    });
    socket.on('close', () => resolve());
  });
  socket.setNoDelay(true);
  socket.resume();
  const all = Buffer.concat(frames.map((frame) => encode(frame, role === 'server')));
  const bytes = all.subarray(0, all.length - (cutTail ?? 0));
  const step = chop ?? bytes.length;
  for (let i = 0; i < bytes.length && !socket.destroyed && !socket.writableEnded; i += step) {
    socket.write(bytes.subarray(i, i + step));
    if (chop !== undefined) await turn();
  }
  await ended;
  return [...log.events, end].join(', ');
}
