import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { seededChunks } from '#src/testing/chunking.js';

/** Passes bytes on between clients and a port, both ways, in chunks and after turns of the event loop that look random. */
export class ChunkingProxy {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(port: number, seed: number, largest: number) {
    this.#server = createServer((near) => {
      const far = createConnection({ port, host: '127.0.0.1' });
      this.#sockets.push(near, far);
      void passOn(near, far, seed, largest);
      void passOn(far, near, seed + 1, largest);
    });
  }

  /** @param largest the most bytes of a chunk */
  static async start(port: number, seed: number, largest: number): Promise<ChunkingProxy> {
    const proxy = new ChunkingProxy(port, seed, largest);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function passOn(from: Socket, to: Socket, seed: number, largest: number): Promise<void> {
  const sizeOf = seededChunks(seed, largest);
  to.setNoDelay(true).on('error', () => {});
  let index = 0;
  try {
    for await (const bytes of from as AsyncIterable<Buffer>) {
      for (let start = 0; start < bytes.length; ) {
        const size = sizeOf(index++);
        to.write(bytes.subarray(start, start + size));
        start += size;
        for (let turns = size % 4; turns > 0; turns--) await new Promise(setImmediate);
      }
    }
    to.end();
  } catch {
    to.destroy();
  }
}
