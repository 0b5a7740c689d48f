import type { Socket } from 'node:net';
import { DuplexTransport } from '#src/connection/duplex-transport.js';
import type { Transport } from '#src/connection/transport.js';
import { AcceptedTransport } from '#src/server/accepted-transport.js';
import { memoryPair } from '#src/testing/memory-transport.js';
import { socketPair } from './sockets.js';

/** Sends bytes, and then the end of them, to the transport of an end under test. */
export interface Pipe {
  readonly transport: Transport;
  /** @param sizes the sizes of the chunks, over and over */
  feed(bytes: Buffer, sizes: readonly number[]): Promise<void>;
  /** All that the end has written; when it is over. */
  written(): Promise<Buffer>;
}

export type MakePipe = () => Promise<Pipe>;

/** In memory, where the chunks are those that are sent. */
export async function memoryPipe(): Promise<Pipe> {
  const [transport, peer] = memoryPair();
  const written: Buffer[] = [];
  peer.start({ onData: (chunk) => void written.push(chunk), onEnd: () => {}, onClose: () => {} });
  return {
    transport,
    async feed(bytes, sizes) {
      peer.outgoing.setChunks(sizes);
      peer.write(bytes, () => {});
      peer.end();
    },
    written: async () => Buffer.concat(written),
  };
}

/** More chunks than this cost too much time on sockets. */
const mostChunks = 40;

/** Over loopback, by the way that Node documents. */
export const socketPipe: MakePipe = () => pipeOver((socket) => new DuplexTransport(socket));

/** Over loopback, with reads into a shared block. */
export const sharedReadsPipe: MakePipe = () => pipeOver((socket) => new AcceptedTransport(socket));

async function pipeOver(make: (socket: Socket) => Transport): Promise<Pipe> {
  const { client, accepted, listener } = await socketPair({ allowHalfOpen: true });
  listener.close();
  const written: Buffer[] = [];
  client.on('data', (chunk: Buffer) => written.push(chunk));
  // A server that fails a connection does not wait for the rest.
  client.on('error', () => {});
  client.on('end', () => client.end());
  const closed = new Promise((resolve) => client.once('close', resolve));
  return {
    transport: make(accepted),
    async feed(bytes, sizes) {
      let start = 0;
      for (let i = 0; i < mostChunks && start < bytes.length && client.writable; i++) {
        const size = sizes[i % sizes.length]!;
        await new Promise((resolve) => client.write(bytes.subarray(start, start + size), resolve));
        start += size;
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (client.writable) client.end(bytes.subarray(start));
    },
    async written() {
      await closed;
      return Buffer.concat(written);
    },
  };
}
