import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { readBlock } from '../connection/read-block.js';
import type { TransportHandler } from '../connection/transport.js';
import { AcceptedTransport, canReadInto } from './accepted-transport.js';

/** How long the probe may take, in milliseconds: a hundred times what it does, as other code may be starting in the same thread. */
const patience = 2_000;

/** What is sent: enough for several reads; and from where on the reading is paused. */
const size = 200_000;
const pausedAt = 150_000;

const ignore = (): void => {};

/**
 * Sends bytes through an {@link AcceptedTransport}, over a socket that listens on the loopback address for that moment: into the shared
 * block and into memory of their own, while paused, and one way only at the end. Resolves to whether all of them came, and all was told
 * in order.
 */
export async function probeReads(signal = AbortSignal.timeout(patience)): Promise<boolean> {
  const server = createServer({ allowHalfOpen: true }).on('error', ignore);
  const sockets: Socket[] = [];
  try {
    server.listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening', { signal });
    const { port } = server.address() as AddressInfo;
    const accepted = arrival(server, 'connection', signal);
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', ignore);
    sockets.push(client);
    const [socket] = (await accepted) as [Socket];
    sockets.push(socket);
    if (!canReadInto(socket) || !(await converse(socket, client, signal))) return false;
    // The server saw it end as well.
    server.close();
    await once(server, 'close', { signal });
    return true;
  } catch {
    return false;
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close(ignore);
  }
}

async function converse(socket: Socket, client: Socket, signal: AbortSignal): Promise<boolean> {
  const pattern = makePattern();
  const log = new Log();
  const transport = new AcceptedTransport(socket);
  transport.start(log);

  client.write(pattern.subarray(0, 1));
  await log.until(() => log.size >= 1, signal);
  client.write(pattern.subarray(1, pausedAt));
  await log.until(() => log.size >= pausedAt, signal);

  transport.pause();
  let hasLeft = false;
  client.write(pattern.subarray(pausedAt), () => {
    hasLeft = true;
    log.emit('news');
  });
  await log.until(() => hasLeft, signal);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  if (log.size !== pausedAt) return false;
  transport.resume();
  await log.until(() => log.size >= size, signal);

  client.end('x');
  await log.until(() => log.isEnded, signal);
  const isWhole = log.size === size + 1 && log.bytes.subarray(0, size).equals(pattern);
  if (!isWhole || log.lentReads !== 2 || log.wasMisled) return false;

  const answered = arrival(client, 'data', signal);
  transport.write(Buffer.from('answer'), ignore);
  transport.end();
  const [answer] = (await answered) as [Buffer];
  await log.until(() => log.isClosed, signal);
  return answer.toString() === 'answer' && log.error === undefined && socket.bytesRead === size + 1;
}

/** Not by way of an array, which would be megabytes of heap when the process has just begun, and make V8 plan for more of them. */
function makePattern(): Buffer {
  const pattern = Buffer.allocUnsafeSlow(size);
  for (let i = 0; i < size; i++) pattern[i] = i * 31 + (i >> 8);
  return pattern;
}

/** As `once`, for an event that is waited for later, or never: then nobody is to hear of the end of `signal`. */
function arrival(emitter: EventEmitter, event: string, signal: AbortSignal): Promise<unknown[]> {
  const arrived = once(emitter, event, { signal });
  arrived.catch(ignore);
  return arrived;
}

/** What a transport has told. */
class Log extends EventEmitter implements TransportHandler {
  readonly bytes = Buffer.alloc(size + 1);
  size = 0;
  /** Reads that went into the shared block. */
  lentReads = 0;
  /** Whether bytes came anywhere but there, or where they were asked for. */
  wasMisled = false;
  isEnded = false;
  isClosed = false;
  error: Error | undefined;

  onData(chunk: Buffer): void {
    if (chunk.buffer === readBlock().buffer) {
      this.lentReads++;
      chunk.copy(this.bytes, this.size);
    } else {
      const isPlace =
        chunk.buffer === this.bytes.buffer && chunk.byteOffset === this.bytes.byteOffset + this.size;
      this.wasMisled ||= !isPlace;
    }
    this.size += chunk.length;
    this.emit('news');
  }

  makeRoom(): Buffer | undefined {
    return this.size < size ? this.bytes.subarray(this.size, size) : undefined;
  }

  onEnd(): void {
    this.isEnded = true;
    this.emit('news');
  }

  onClose(error: Error | undefined): void {
    this.isClosed = true;
    this.error = error;
    this.emit('news');
  }

  async until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isSo()) await once(this, 'news', { signal });
  }
}
