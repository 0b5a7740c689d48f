import { setImmediate as immediate } from 'node:timers/promises';
import { Connection } from '#src/connection/connection.js';
import type { ConnectionOptions, Role } from '#src/connection/options.js';
import { HandshakeRequest } from '#src/connection/request.js';
import { writeFrame } from '#src/protocol/frame-encoder.js';
import { FrameParser } from '#src/protocol/frame-parser.js';
import { type MemoryTransport, memoryPair, type PairOptions } from './memory-transport.js';

/** A connection over `transport`, as after a handshake. */
export function connect(role: Role, transport: MemoryTransport, options: ConnectionOptions = {}): Connection {
  return new Connection({
    role,
    transport,
    subprotocol: undefined,
    request: new HandshakeRequest('/', []),
    data: undefined,
    options,
  });
}

/** Two connections that talk to each other in memory, with their transports. */
export interface Pair {
  readonly client: Connection;
  readonly server: Connection;
  readonly clientTransport: MemoryTransport;
  readonly serverTransport: MemoryTransport;
}

/** Connects a client and a server in memory. */
export function connectedPair(
  options: { client?: ConnectionOptions; server?: ConnectionOptions } & PairOptions = {},
): Pair {
  const [clientTransport, serverTransport] = memoryPair(options);
  return {
    client: connect('client', clientTransport, options.client),
    server: connect('server', serverTransport, options.server),
    clientTransport,
    serverTransport,
  };
}

/** A frame as a raw peer saw it. */
export interface SeenFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

/** The other end of a connection, in bytes: sends what it is told, right or wrong, and notes the frames that come. */
export class RawPeer {
  readonly transport: MemoryTransport;
  readonly frames: SeenFrame[] = [];
  /** Whether the connection ended TCP in order, and whether it is gone. */
  ended = false;
  closed = false;
  readonly #role: Role;

  constructor(role: Role, transport: MemoryTransport) {
    this.transport = transport;
    this.#role = role;
    let open: { opcode: number; fin: boolean; parts: Buffer[] } | undefined;
    const parser = new FrameParser(
      {
        onDataHeader: (opcode, fin) => {
          open = { opcode, fin, parts: [] };
        },
        onDataPayload: (chunk, start, end, last) => {
          open!.parts.push(Buffer.from(chunk.subarray(start, end)));
          if (last) this.frames.push({ ...open!, payload: Buffer.concat(open!.parts) });
        },
        onControl: (opcode, chunk, start, end) => {
          this.frames.push({ opcode, fin: true, payload: Buffer.from(chunk.subarray(start, end)) });
        },
      },
      { role },
    );
    transport.start({
      onData: (chunk) => void parser.parse(chunk, 0),
      onEnd: () => {
        this.ended = true;
      },
      onClose: () => {
        this.closed = true;
      },
    });
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.transport.write(bytes, () => {});
  }

  /** Sends one frame, masked when this end is a client. */
  frame(opcode: number, payload: string | Uint8Array = '', fin = true): void {
    this.raw(this.encode(opcode, payload, fin));
  }

  /** The bytes of one frame of this end. */
  encode(opcode: number, payload: string | Uint8Array = '', fin = true): Buffer {
    const bytes = Buffer.from(payload as string);
    const target = Buffer.alloc(bytes.length + 14);
    const key = this.#role === 'client' ? 0x12345678 : undefined;
    return target.subarray(0, writeFrame(target, 0, { opcode, fin, rsv1: false }, bytes, key));
  }
}

/** A connection of `role` with a raw peer. */
export function rawPair(
  role: Role,
  options: ConnectionOptions = {},
): { connection: Connection; peer: RawPeer; transport: MemoryTransport } {
  const [ours, theirs] = memoryPair();
  return {
    connection: connect(role, ours, options),
    peer: new RawPeer(role === 'client' ? 'server' : 'client', theirs),
    transport: ours,
  };
}

/** Lets everything happen that is under way: several turns of the event loop, no time. */
export async function settle(turns = 8): Promise<void> {
  for (let i = 0; i < turns; i++) await immediate();
}
