import { createServer } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { dial, serve, Upgrader } from 'ants-ws';
import { expect } from 'chai';
import { CloseError, LimitError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { isPending, outcome, rawPair, roles, settle } from '../support/connections.js';

const KiB = 1024;

describe('connection: whenSlow', () => {
  fakeClockInEachTest();

  for (const role of roles) {
    it(`'drop' leaves messages out while the peer is slow, and takes them again (${role})`, async () => {
      const { connection, peer } = rawPair(role, { whenSlow: 'drop', highWaterMark: 1000 });
      peer.transport.pause();
      void connection.send('a'.repeat(1100));
      await settle();
      const before = connection.bufferedAmount;
      const dropped = connection.send('dropped');
      void connection.send(Buffer.from('dropped'));
      void connection.send(new Blob(['dropped']));
      expect(await isPending(dropped)).to.equal(false);
      expect(connection.bufferedAmount).to.equal(before);
      expect(connection.stats).to.include({ droppedMessages: 3, messagesSent: 1 });
      // Control frames are no messages.
      void connection.ping('p');
      peer.transport.resume();
      await settle();
      void connection.send('b');
      await settle();
      expect(peer.messages).to.deep.equal(['a'.repeat(1100), 'b']);
      expect(peer.frames.map(({ opcode }) => opcode)).to.include(Opcode.Ping);
    });

    it(`'terminate' cuts the connection with its own code (${role})`, async () => {
      const { connection, peer } = rawPair(role, { whenSlow: 'terminate', highWaterMark: 1000 });
      peer.transport.pause();
      void connection.send('a'.repeat(1100));
      await settle();
      const error = await outcome(connection.send('x'));
      expect(error).to.be.instanceOf(CloseError).with.property('closeCode', 1006);
      const { error: end, code } = await connection.closed;
      expect(code).to.equal(1006);
      expect(end?.cause).to.be.instanceOf(LimitError).with.property('code', 'ANTS_SLOW_PEER');
      expect(String(end?.cause)).to.match(/11\d\d bytes .* highWaterMark \(1000\)/);
    });
  }

  it('can be said for one message', async () => {
    const { connection, peer } = rawPair('server', { highWaterMark: 1000 });
    peer.transport.pause();
    void connection.send('a'.repeat(1100));
    await settle();
    void connection.send('left out', { whenSlow: 'drop' });
    void connection.send('b');
    expect(connection.stats.droppedMessages).to.equal(1);
    const { connection: other, peer: otherPeer } = rawPair('server', { highWaterMark: 10, whenSlow: 'drop' });
    otherPeer.transport.pause();
    void other.send('a'.repeat(1100));
    await settle();
    expect(await isPending(other.send('waits', { whenSlow: 'wait' }))).to.equal(true);
    peer.transport.resume();
    otherPeer.transport.resume();
    await settle();
    expect(peer.messages.slice(1)).to.deep.equal(['b']);
    expect(otherPeer.messages.slice(1)).to.deep.equal(['waits']);
    await outcome(connection.send('x', { whenSlow: 'terminate' }));
    expect(connection.state).to.equal('open');
  });

  it('has nothing against a burst to a peer that reads', async () => {
    for (const whenSlow of ['drop', 'terminate'] as const) {
      const { connection, peer } = rawPair('server', { whenSlow });
      const burst = Array.from({ length: 500 }, (_, i) => `${i}`.padEnd(KiB));
      for (const message of burst) void connection.send(message);
      await settle(20);
      expect(peer.messages).to.deep.equal(burst);
      expect(connection.stats.droppedMessages).to.equal(0);
    }
  });

  it('is checked', () => {
    const { connection } = rawPair('server');
    expect(() => rawPair('server', { whenSlow: 'panic' as 'wait' })).to.throw(TypeError, /whenSlow .* panic/);
    expect(() => connection.send('x', { whenSlow: 'panic' as 'wait' })).to.throw(TypeError, /whenSlow/);
  });

  it('wakes those who wait for drain, when another message ends the connection', async () => {
    const { connection, peer } = rawPair('server', { highWaterMark: 10 });
    peer.transport.pause();
    const waiting = outcome(connection.send('a'.repeat(100)));
    await settle();
    void connection.send('x', { whenSlow: 'terminate' });
    expect(await waiting).to.be.instanceOf(CloseError);
  });
});

describe('connection: fairness', () => {
  it('a loop around await send lets the event loop turn', async () => {
    const server = await serve({ host: '127.0.0.1' }, (conn) => conn.ignoreMessages());
    const conn = await dial(server.url);
    let turns = 0;
    const turn = (): void => {
      if (++turns < 20) setImmediate(turn);
    };
    setImmediate(turn);
    let sent = 0;
    const message = Buffer.alloc(16 * KiB);
    // Ends only when timers and immediates have their turn.
    while (turns < 20) {
      await conn.send(message);
      sent++;
    }
    expect(sent).to.be.above(20);
    conn.terminate();
    await server.close({ timeout: 100 });
  });

  it('gives a transport that takes everything at most 1 MiB and a bit a turn', async () => {
    const { connection, transport } = rawPair('server');
    await settle();
    let written = 0;
    transport.writeMany = (pieces, done) => {
      for (const bytes of pieces) written += bytes.length;
      process.nextTick(done);
      return false;
    };
    transport.write = (bytes, done) => transport.writeMany([bytes], done);
    let stop = false;
    const loop = (async () => {
      while (!stop) await connection.send('x'.repeat(10 * KiB));
    })();
    const steps: number[] = [];
    for (let i = 0; i < 10; i++) {
      const before = written;
      await new Promise((resolve) => setImmediate(resolve));
      steps.push(written - before);
    }
    stop = true;
    await loop;
    expect(Math.max(...steps)).to.be.within(1000 * KiB, 1300 * KiB);
    connection.terminate();
    await connection.closed;
  });

  it('gives a transport that takes all at once twice as much, and little again when it does not', async () => {
    const { connection, transport } = rawPair('server', { fragmentSize: Infinity });
    await settle();
    const writes: number[] = [];
    let isFast = true;
    const waiting: (() => void)[] = [];
    transport.writeMany = (pieces, done) => {
      writes.push(pieces.reduce((sum, { length }) => sum + length, 0) / KiB);
      if (!isFast) waiting.push(done);
      return isFast;
    };
    transport.write = (bytes, done) => transport.writeMany([bytes], done);
    const send = async (size: number): Promise<number[]> => {
      void connection.send(Buffer.alloc(size));
      await settle(5);
      return writes.splice(0).map(Math.floor);
    };
    expect(await send(3000 * KiB)).to.deep.equal([128, 256, 512, 1024, 1080]);
    expect((await send(1080 * KiB))[0]).to.equal(1080);
    expect(await send(10 * KiB)).to.deep.equal([10]);
    isFast = false;
    expect(await send(2000 * KiB)).to.deep.equal([1088]);
    waiting.shift()!();
    await settle();
    expect(writes.map(Math.floor)).to.deep.equal([128]);
    connection.terminate();
  });

  it('loses nothing of what rests, and ends behind it', async () => {
    const { client, server } = connectedPair({ server: { fragmentSize: 1000 } });
    const big = Buffer.alloc(3_000_000, 'x');
    void server.send(big);
    void server.send('behind');
    const closed = server.close(1000, 'done');
    expect(((await client.receive()) as Buffer).equals(big)).to.equal(true);
    expect(await client.receive()).to.equal('behind');
    void client.closed;
    expect(await closed).to.include({ code: 1000, wasClean: true });
  });
});

describe('connection: a slow reader over TCP', () => {
  it('loses nothing while its window is shut for a while', async () => {
    const upgrader = new Upgrader({ highWaterMark: 1000 });
    const http = createServer();
    const count = 400;
    const body = 'x'.repeat(16 * KiB - 6);
    let drains = 0;
    http.on(
      'upgrade',
      upgrader.handler((conn) => {
        conn.on('drain', () => drains++);
        conn.run(async () => {
          for (let i = 0; i < count; i++) await conn.send(`${i}`.padStart(6, '0') + body);
        });
      }),
    );
    http.listen(0, '127.0.0.1');
    await new Promise((resolve) => http.once('listening', resolve));
    const { port } = http.address() as { port: number };
    const socket = connectSocket({ port, host: '127.0.0.1', highWaterMark: 1 } as never);
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    // A byte at a time at first; what the kernel has waits for us.
    let bytes = Buffer.alloc(0);
    for (let i = 0; i < 200; i++) {
      const byte = socket.read(1) as Buffer | null;
      if (byte !== null) bytes = Buffer.concat([bytes, byte]);
      else await Promise.race([new Promise((r) => socket.once('readable', r)), settle(1)]);
    }
    const rest: Buffer[] = [bytes];
    let size = bytes.length;
    for await (const chunk of socket) {
      rest.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      // Leaving the loop cuts the socket.
      if (size >= count * (16 * KiB + 4)) break;
    }
    const all = Buffer.concat(rest).toString('latin1');
    const seen = [...all.matchAll(/(\d{6})x{1000}/g)].map(([, number]) => Number(number));
    expect(seen).to.deep.equal(Array.from({ length: count }, (_, i) => i));
    expect(drains).to.be.above(0);
    await upgrader.close({ timeout: 10 });
    http.close();
  });
});
