import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { type CompressionOptions, type Connection, dial, type Role, type Server, serve } from 'ants-ws';
import { formatRequest } from '../server/raw-client.js';
import type { ConformanceCase, Script } from './case.js';
import { type DeflateLimits, deflateElement, deflateName, PeerInflater } from './deflate-peer.js';
import { encode, FrameLog } from './raw-frames.js';
import { acceptFor, response } from './response-case.js';

/** What the largest cases need. */
const raised = { maxMessageSize: 2 ** 24, maxFragments: 2 ** 16 };

/** Runs cases against the library in one role, one behind the other. */
export interface Bench {
  run(conformanceCase: ConformanceCase, script: Script): Promise<string>;
  stop(): Promise<void>;
}

/** Starts what the cases of a role need: our server, or a raw server that our client dials. */
export function startBench(role: Role): Promise<Bench> {
  return role === 'server' ? benchServer() : benchClient();
}

async function benchServer(): Promise<Bench> {
  const servers = new Map<string, Server>();
  async function serverFor({ options, deflate }: ConformanceCase): Promise<Server> {
    const settings = { ...raised, ...options, ...(deflate && { compression: { threshold: 0 } }) };
    const key = JSON.stringify(settings);
    const server = servers.get(key) ?? (await serve({ port: 0, host: '127.0.0.1', ...settings }, echo));
    servers.set(key, server);
    return server;
  }
  return {
    async run(conformanceCase, script) {
      const { port } = await serverFor(conformanceCase);
      return playToServer(port!, conformanceCase, script);
    },
    async stop() {
      for (const server of servers.values()) await server.close();
    },
  };
}

/** Plays a case to a server on a port of this machine. */
export async function playToServer(
  port: number,
  conformanceCase: ConformanceCase,
  script: Script,
): Promise<string> {
  const { deflate } = conformanceCase;
  const socket = createConnection({ port, host: '127.0.0.1' });
  const offer = deflate && deflateElement(deflate);
  socket.write(formatRequest({ headers: offer ? { 'Sec-WebSocket-Extensions': offer } : {} }));
  const { head, behind } = await headOf(socket);
  if (deflate !== undefined && !head.includes(deflateName)) {
    throw new Error(`the server did not agree to ${offer}: ${head}`);
  }
  return play(conformanceCase, script, 'server', socket, behind);
}

async function benchClient(): Promise<Bench> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    async run(conformanceCase, script) {
      const { options, deflate } = conformanceCase;
      const settings = { ...raised, ...options, ...(deflate && { compression: compressionFor(deflate) }) };
      const dialling = dial(`ws://127.0.0.1:${port}/`, settings).then(echo);
      const [socket] = (await once(server, 'connection')) as [Socket];
      const { head } = await headOf(socket);
      const agreed = deflate ? { 'Sec-WebSocket-Extensions': [deflateElement(deflate)] } : {};
      socket.write(response(agreed).replace('<accept>', acceptFor(head)));
      await dialling;
      return play(conformanceCase, script, 'client', socket);
    },
    async stop() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** What makes our client offer this. */
function compressionFor({ windowBits, contextTakeover }: DeflateLimits): CompressionOptions {
  return {
    threshold: 0,
    windowBits,
    peerWindowBits: windowBits,
    contextTakeover,
    peerContextTakeover: contextTakeover,
  };
}

function echo(connection: Connection<unknown>): void {
  connection.on('message', (message) => void connection.send(message));
}

/** The head of a request or a response, and the bytes behind it. */
export async function headOf(socket: Socket): Promise<{ head: string; behind: Buffer }> {
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

/** Sends the frames of a case to an end in the role `role`, and says what came back and how TCP ended. */
export async function play(
  { chop, cutTail, answersClose, options, deflate }: ConformanceCase,
  { frames }: Script,
  role: Role,
  socket: Socket,
  behind: Buffer = Buffer.alloc(0),
): Promise<string> {
  const inflater = deflate && new PeerInflater(deflate);
  const log = new FrameLog(role === 'client', {
    inflate: inflater && ((payload) => inflater.inflate(payload)),
    fragmentSize: options?.fragmentSize,
  });
  log.add(behind);
  let end = 'cut';
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      const open = log.close === undefined;
      log.add(chunk);
      // The server ends TCP first (RFC 6455 section 7.1.1): as a server, this peer does; as a client, it waits.
      if (!open || log.close === undefined) return;
      if (answersClose) socket.write(encode({ first: 0x88, payload: log.close }, role === 'server'));
      if (role === 'client') socket.end();
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
  const step = chop ?? Infinity;
  for (let i = 0; i < bytes.length && !socket.destroyed && !socket.writableEnded; i += step) {
    socket.write(bytes.subarray(i, i + step));
    if (chop !== undefined) await turn();
  }
  await ended;
  return [...log.events, end].join(', ');
}
