import { setImmediate as immediate } from 'node:timers/promises';
import type { Clock } from '#src/connection/clock.js';
import { Connection } from '#src/connection/connection.js';
import type { CloseInfo } from '#src/connection/events.js';
import type { ConnectionOptions, Role } from '#src/connection/options.js';
import { HandshakeRequest } from '#src/connection/request.js';
import type { DeflateAgreement } from '#src/deflate/extension.js';
import { writeFrame } from '#src/protocol/frame-encoder.js';
import { FrameParser } from '#src/protocol/frame-parser.js';
import type { Message } from '#src/protocol/message-assembler.js';
import { Opcode } from '#src/protocol/opcode.js';
import type { ChunkSizes } from '#src/testing/chunking.js';
import { MemoryTransport, memoryPair } from '#src/testing/memory-transport.js';

/** A connection over `transport`, as after a handshake. */
export function connect(
  role: Role,
  transport: MemoryTransport,
  options: ConnectionOptions = {},
  clock?: Clock,
  deflate?: DeflateAgreement,
): Connection {
  return new Connection({
    role,
    transport,
    subprotocol: undefined,
    request: new HandshakeRequest('/', []),
    data: undefined,
    options,
    clock,
    deflate,
  });
}

/** Two ends that have agreed on compression. */
export function deflatedPair(
  deflate: Record<Role, DeflateAgreement>,
  options: Partial<Record<Role, ConnectionOptions>> & { chunks?: ChunkSizes | undefined } = {},
): Record<Role, Connection> & { serverTransport: MemoryTransport } {
  const line = { chunks: options.chunks };
  const [clientTransport, serverTransport] = MemoryTransport.pair(line, line);
  return {
    client: connect('client', clientTransport, options.client, undefined, deflate.client),
    server: connect('server', serverTransport, options.server, undefined, deflate.server),
    serverTransport,
  };
}

/** A frame as a raw peer saw it. */
export interface SeenFrame {
  readonly opcode: number;
  readonly fin: boolean;
  /** Only of frames that have the bit: those which begin a compressed message. */
  readonly rsv1?: true;
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
    let open: { opcode: number; fin: boolean; rsv1?: true; parts: Buffer[] } | undefined;
    const parser = new FrameParser(
      {
        onDataHeader: (opcode, fin, rsv1) => {
          open = { opcode, fin, ...(rsv1 && { rsv1 }), parts: [] };
        },
        onDataPayload: (chunk, start, end, last) => {
          open!.parts.push(Buffer.from(chunk.subarray(start, end)));
          const { parts, ...header } = open!;
          if (last) this.frames.push({ ...header, payload: Buffer.concat(parts) });
        },
        onControl: (opcode, chunk, start, end) => {
          this.frames.push({ opcode, fin: true, payload: Buffer.from(chunk.subarray(start, end)) });
        },
      },
      { role, allowRsv1: true },
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

  /** The text messages that came, and binary ones in Latin-1; for unfragmented ones. */
  get messages(): string[] {
    return this.frames
      .filter(({ opcode }) => opcode === Opcode.Text || opcode === Opcode.Binary)
      .map(({ opcode, payload }) => payload.toString(opcode === Opcode.Text ? 'utf8' : 'latin1'));
  }

  /** The Close frames that came, as `code reason`; just `''` for an empty one. */
  get closes(): string[] {
    return this.frames
      .filter(({ opcode }) => opcode === Opcode.Close)
      .map(({ payload }) =>
        payload.length === 0 ? '' : `${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`.trimEnd(),
      );
  }

  /** The payloads of the pongs that came. */
  get pongs(): string[] {
    return this.frames.filter(({ opcode }) => opcode === Opcode.Pong).map(({ payload }) => String(payload));
  }

  /** Sends text messages, all in one chunk. */
  texts(...messages: string[]): void {
    this.raw(Buffer.concat(messages.map((message) => this.encode(Opcode.Text, message))));
  }

  /** Sends a Close frame; an empty one without a code. */
  close(code?: number, reason = ''): void {
    this.frame(Opcode.Close, closePayload(code, reason));
  }

  /** Ends TCP in order (FIN). */
  end(): void {
    this.transport.end();
  }

  /** Cuts TCP (RST). */
  reset(): void {
    this.transport.destroy();
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.transport.write(bytes, () => {});
  }

  /** Sends one frame, masked when this end is a client. */
  frame(opcode: number, payload: string | Uint8Array = '', fin = true, rsv1 = false): void {
    this.raw(this.encode(opcode, payload, fin, rsv1));
  }

  /** The bytes of one frame of this end. */
  encode(opcode: number, payload: string | Uint8Array = '', fin = true, rsv1 = false): Buffer {
    const bytes = Buffer.from(payload as string);
    const target = Buffer.alloc(bytes.length + 14);
    const key = this.#role === 'client' ? 0x12345678 : undefined;
    return target.subarray(0, writeFrame(target, 0, { opcode, fin, rsv1 }, bytes, key));
  }
}

/** The payload of a Close frame, checked for nothing. */
export function closePayload(code?: number, reason = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}

/** A connection of `role` with a raw peer. */
export function rawPair(
  role: Role,
  options: ConnectionOptions = {},
  clock?: Clock,
  deflate?: DeflateAgreement,
): { connection: Connection; peer: RawPeer; transport: MemoryTransport } {
  const [ours, theirs] = memoryPair();
  return {
    connection: connect(role, ours, options, clock, deflate),
    peer: new RawPeer(role === 'client' ? 'server' : 'client', theirs),
    transport: ours,
  };
}

/** Lets everything happen that is under way: several turns of the event loop, no time. */
export async function settle(turns = 8): Promise<void> {
  for (let i = 0; i < turns; i++) await immediate();
}

/** Lets the event loop turn until something has happened that takes an unknown time, such as work in the thread pool. */
export async function until(hasHappened: () => boolean): Promise<void> {
  while (!hasHappened()) await immediate();
}

/** Both roles, for rules that hold for each. */
export const roles: readonly Role[] = ['server', 'client'];

/** How `promise` settles: its value, or what it rejects with. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return error;
  }
}

/** Whether `promise` is not settled when all microtasks of now are done. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const winner = await Promise.race([promise, immediate(pending)]);
  return winner === pending;
}

/** Messages that a listener of `message` gets, and the infos of `close`. */
export function record(connection: Connection): { messages: Message[]; closes: CloseInfo[] } {
  const messages: Message[] = [];
  connection.on('message', (message) => messages.push(message));
  return { messages, closes: recordCloses(connection) };
}

/** The infos of `close` events. */
export function recordCloses(connection: Connection): CloseInfo[] {
  const closes: CloseInfo[] = [];
  connection.on('close', (info) => closes.push(info));
  return closes;
}
