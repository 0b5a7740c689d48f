import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { dial, serve } from 'ants-ws';
import { expect } from 'chai';
import { Connection } from '#src/connection/connection.js';
import { DuplexTransport } from '#src/connection/duplex-transport.js';
import type { Role } from '#src/connection/options.js';
import { HandshakeRequest } from '#src/connection/request.js';
import type { Transport, TransportHandler, Written } from '#src/connection/transport.js';
import { writeFrame } from '#src/protocol/frame-encoder.js';
import { Opcode } from '#src/protocol/opcode.js';
import { type Cost, countCost } from '../protocol/cost.js';
import { settle } from '../support/connections.js';

/** A transport that is nothing but counts, so that no cost is its own. */
class CountingTransport implements Transport {
  readonly remoteAddress = undefined;
  readonly localAddress = undefined;
  readonly pendingBytes = 0;
  handler!: TransportHandler;
  /** Bytes of each write since the last look. */
  writes: Uint8Array[] = [];

  start(handler: TransportHandler): void {
    this.handler = handler;
  }

  write(bytes: Uint8Array, written: Written): boolean {
    this.writes.push(bytes);
    process.nextTick(written);
    return false;
  }

  writeMany(pieces: readonly Uint8Array[], written: Written): boolean {
    this.writes.push(...pieces);
    process.nextTick(written);
    return false;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

const count = 64;

/** A connection that reads. */
async function open(
  role: Role = 'server',
): Promise<{ connection: Connection; transport: CountingTransport }> {
  const transport = new CountingTransport();
  const connection = new Connection({
    role,
    transport,
    subprotocol: undefined,
    request: new HandshakeRequest('/', []),
    data: undefined,
    options: {},
  });
  await settle();
  return { connection, transport };
}

/** Messages for a server, in one chunk; for a client when they are not masked. */
function chunkOf(opcode: number, payload: Buffer, messages = count, isMasked = true): Buffer {
  const chunk = Buffer.alloc(messages * (payload.length + 14));
  let end = 0;
  for (let i = 0; i < messages; i++) {
    end = writeFrame(
      chunk,
      end,
      { opcode, fin: true, rsv1: false },
      payload,
      isMasked ? 0x01020304 + i : undefined,
    );
  }
  return chunk.subarray(0, end);
}

/** What it costs to take a chunk, up to the end of the turn. */
async function costOfTaking(transport: CountingTransport, chunk: Buffer): Promise<Cost> {
  transport.writes = [];
  const cost = countCost(() => transport.handler.onData(chunk));
  await settle();
  return cost;
}

const nothing: Cost = { copied: 0, allocated: 0, allocations: 0, views: 0 };

describe('what messages cost', () => {
  it('in: text is decoded from the chunk', async () => {
    const { connection, transport } = await open();
    const messages: unknown[] = [];
    connection.on('message', (message) => messages.push(message));
    for (const text of ['short', 'a text that is longer', 'größer als ASCII']) {
      expect(await costOfTaking(transport, chunkOf(Opcode.Text, Buffer.from(text)))).to.deep.equal(nothing);
      expect(messages.splice(0)).to.deep.equal(Array(count).fill(text));
    }
  });

  it('in: a binary message is copied once, and nothing else', async () => {
    const { connection, transport } = await open();
    let messages = 0;
    connection.on('message', () => messages++);
    for (const size of [32, 1000]) {
      messages = 0;
      expect(await costOfTaking(transport, chunkOf(Opcode.Binary, Buffer.alloc(size)))).to.deep.equal({
        // Up to 64 bytes by a loop, which is not counted.
        copied: size > 64 ? count * size : 0,
        allocated: count * size,
        allocations: count,
        views: 0,
      });
      expect(messages).to.equal(count);
    }
  });

  // At a client, as the masking kernel has copies of its own.
  it('in: one that is all of its chunk is a view', async () => {
    const { connection, transport } = await open('client');
    let size = 0;
    connection.on('message', (message) => {
      size = message.length;
    });
    const chunk = chunkOf(Opcode.Binary, Buffer.alloc(32 * 1024), 1, false);
    expect(await costOfTaking(transport, chunk)).to.deep.equal({ ...nothing, views: 1 });
    expect(size).to.equal(32 * 1024);
  });

  it('in: a message in many chunks has one block, which each byte is copied to once, and a view of it', async () => {
    const { connection, transport } = await open('client');
    let size = 0;
    connection.on('message', (message) => {
      size = message.length;
    });
    const all = chunkOf(Opcode.Binary, Buffer.alloc(512 * 1024), 1, false);
    const sum = { ...nothing };
    for (let start = 0; start < all.length; start += 64 * 1024) {
      const cost = await costOfTaking(transport, Buffer.from(all.subarray(start, start + 64 * 1024)));
      for (const key of Object.keys(sum) as (keyof Cost)[]) sum[key] += cost[key];
    }
    expect(size).to.equal(512 * 1024);
    expect(sum).to.deep.equal({ copied: size, allocated: size, allocations: 1, views: 1 });
  });

  for (const [how, send] of [
    ['listeners that answer', (connection, message) => void connection.send(message)],
    [
      'listeners that answer in microtasks',
      async (connection, message) => {
        for (let i = 0; i < 3; i++) await undefined;
        await connection.send(message);
      },
    ],
  ] as [string, (connection: Connection, message: string | Buffer) => void][]) {
    it(`out: one write a turn, ${how}`, async () => {
      const { connection, transport } = await open();
      connection.on('message', (message) => send(connection, message));
      for (let turn = 0; turn < 3; turn++) {
        await costOfTaking(transport, chunkOf(Opcode.Text, Buffer.from('hello, world')));
        expect(transport.writes).to.have.length(1);
        expect(transport.writes[0]).to.have.length(count * 14);
      }
    });
  }

  it('out: one write a turn for a loop that answers', async () => {
    const { connection, transport } = await open();
    const serving = (async () => {
      for await (const message of connection) await connection.send(message);
    })();
    await costOfTaking(transport, chunkOf(Opcode.Text, Buffer.from('hello, world')));
    expect(transport.writes).to.have.length(1);
    expect(transport.writes[0]).to.have.length(count * 14);
    connection.terminate();
    transport.handler.onClose(undefined);
    await serving.catch(() => {});
  });

  it('out: small messages are copied once, to a slab that is used again', async () => {
    const { connection } = await open();
    const message = Buffer.alloc(100);
    const send = () => {
      for (let i = 0; i < count; i++) void connection.send(message);
    };
    send();
    await settle();
    const cost = countCost(send);
    await settle();
    // Where the slab grows, what it has moves with it.
    expect(cost.copied).to.be.within(count * 100, 2 * count * 102);
    expect(cost).to.deep.include({ allocated: 0, allocations: 0, views: 0 });
  });

  it('out: large binary messages are not copied', async () => {
    const { connection } = await open();
    const message = Buffer.alloc(256 * 1024);
    await connection.send(message);
    const cost = countCost(() => void connection.send(message));
    await settle();
    expect(cost.copied).to.equal(0);
    expect(cost.allocated).to.be.below(1024);
  });
});

describe('what connections cost', () => {
  it('a set of listeners on the stream', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connectSocket((server.address() as AddressInfo).port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    const listeners = () => {
      const counts: Record<string, number> = {};
      for (const name of socket.eventNames()) counts[String(name)] = socket.listenerCount(name);
      return counts;
    };
    const before = listeners();
    new DuplexTransport(socket).start({ onData() {}, onEnd() {}, onClose() {} });
    const more = Object.entries(listeners()).flatMap(([name, after]) =>
      after === before[name] ? [] : [[name, after - (before[name] ?? 0)]],
    );
    expect(Object.fromEntries(more)).to.deep.equal({ error: 1, close: 1, end: 1, data: 1 });
    client.destroy();
    socket.destroy();
    server.close();
  });

  it('nothing that only busy ones need, before they are and once they are idle again', async () => {
    const worker = new Worker(new URL('./idle-worker.js', import.meta.url), { stderr: true });
    const [{ unused, used }] = await once(worker, 'message');
    await worker.terminate();
    // Five connections, which share one place, and the counts of those that have counted nothing.
    expect(unused).to.deep.equal([5, 0, 0, 0, 1, 1]);
    for (const [i, { busy, idle, stats }] of used.entries()) {
      expect({ busy, idle }).to.deep.equal({ busy: [2], idle: [0] });
      const rounds = i + 1;
      // No count goes with them: a message of five bytes and a heartbeat of twelve each way, with a mask those that came.
      expect(stats).to.include({
        bytesReceived: rounds * (11 + 18),
        bytesSent: rounds * (7 + 14),
        framesReceived: rounds * 2,
        framesSent: rounds * 2,
        messagesReceived: rounds,
        messagesSent: rounds,
        pingsSent: rounds,
        pongsReceived: rounds,
        bufferedAmount: 0,
      });
    }
  });

  it('no timers of their own', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const server = await serve({ host: '127.0.0.1' }, () => {});
    const connections = [await dial(server.url)];
    await settle();
    const before = timers();
    for (let i = 0; i < 20; i++) connections.push(await dial(server.url));
    await settle();
    expect(server.connections.size).to.equal(21);
    expect(timers()).to.be.at.most(before + 2);
    for (const connection of connections) connection.terminate();
    await server.close();
  });
});
