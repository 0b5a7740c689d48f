import { expect } from 'chai';
import type sinon from 'sinon';
import { Fifo } from '#src/connection/fifo.js';
import { ReceiveQueue } from '#src/connection/receive-queue.js';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClock } from '../support/clock.js';
import { rawPair, record, roles, settle } from '../support/connections.js';

describe('Fifo', () => {
  it('keeps the order through pushes and shifts of any pattern', () => {
    const fifo = new Fifo<number>();
    let pushed = 0;
    let shifted = 0;
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < round % 7; i++) fifo.push(pushed++);
      expect(fifo.length).to.equal(pushed - shifted);
      for (let i = 0; i < round % 5 && shifted < pushed; i++) {
        expect(fifo.first).to.equal(shifted);
        expect(fifo.shift()).to.equal(shifted++);
      }
    }
    while (shifted < pushed) expect(fifo.shift()).to.equal(shifted++);
    expect(fifo.shift()).to.equal(undefined);
    expect(fifo.first).to.equal(undefined);
    expect(fifo.length).to.equal(0);
  });

  it('is empty once cleared', () => {
    const fifo = new Fifo<string>();
    fifo.push('a');
    fifo.push('b');
    fifo.shift();
    fifo.clear();
    expect(fifo.length).to.equal(0);
    fifo.push('c');
    expect(fifo.shift()).to.equal('c');
  });
});

describe('ReceiveQueue', () => {
  it('counts payload and 64 bytes for each message', () => {
    const queue = new ReceiveQueue(1000, 10);
    queue.push('abc', 3);
    queue.push('', 0);
    expect(queue.bytes).to.equal(131);
    expect(queue.length).to.equal(2);
    expect(queue.shift()).to.equal('abc');
    expect(queue.bytes).to.equal(64);
    queue.clear();
    expect(queue.bytes).to.equal(0);
    expect(queue.length).to.equal(0);
    expect(queue.shift()).to.equal(undefined);
  });

  it('takes an empty message for a message', () => {
    const queue = new ReceiveQueue(1000, 10);
    queue.push('', 0);
    expect(queue.shift()).to.equal('');
    expect(queue.bytes).to.equal(0);
  });

  it('is full at a bound, and has room again at half of both', () => {
    const queue = new ReceiveQueue(4 * 164, 100);
    for (let i = 0; i < 4; i++) {
      expect(queue.isFull).to.equal(false);
      queue.push('', 100);
    }
    expect(queue.isFull).to.equal(true);
    queue.shift();
    expect([queue.isFull, queue.hasRoom]).to.deep.equal([false, false]);
    queue.shift();
    expect(queue.hasRoom).to.equal(true);

    const counted = new ReceiveQueue(1e6, 4);
    for (let i = 0; i < 4; i++) counted.push('', 0);
    expect(counted.isFull).to.equal(true);
    counted.shift();
    expect([counted.isFull, counted.hasRoom]).to.deep.equal([false, false]);
    counted.shift();
    expect(counted.hasRoom).to.equal(true);
  });
});

describe('connection: the receive queue', () => {
  let clock: sinon.SinonFakeTimers;

  beforeEach(() => {
    clock = fakeClock();
  });

  afterEach(() => {
    clock.restore();
  });

  for (const role of roles) {
    it(`pauses the transport once at its number of messages, in the middle of a chunk (${role})`, async () => {
      const { connection, peer, transport } = rawPair(role, { receiveQueueMessages: 10 });
      peer.texts(...Array.from({ length: 25 }, (_, i) => `${i}`));
      peer.texts('on the wire');
      await settle();
      expect(transport.isPaused).to.equal(true);
      expect(transport.counts).to.include({ pauses: 1, resumes: 0 });
      expect(peer.transport.pendingBytes).to.be.greaterThan(0);

      // Hysteresis: nothing more is read until half of it is free.
      for (let i = 0; i < 4; i++) expect(await connection.receive()).to.equal(`${i}`);
      await settle();
      expect(transport.counts).to.include({ pauses: 1, resumes: 0 });
      expect(await connection.receive()).to.equal('4');
      await settle();
      for (let i = 5; i < 25; i++) expect(await connection.receive()).to.equal(`${i}`);
      expect(await connection.receive()).to.equal('on the wire');
      await settle();
      expect(transport.isPaused).to.equal(false);
      expect(transport.counts.resumes).to.equal(transport.counts.pauses);
    });
  }

  it('pauses the transport at its bytes, and holds at most one message more', async () => {
    const { server, client, serverTransport } = connectedPair({ server: { receiveQueueBytes: 10_000 } });
    const sent: Promise<void>[] = [];
    for (let i = 0; i < 200; i++) sent.push(client.send(Buffer.alloc(1000, i)));
    await settle();
    expect(serverTransport.isPaused).to.equal(true);
    expect(client.bufferedAmount).to.be.greaterThan(64 * 1024);
    // 10 x (1,000 + 64) bytes: the tenth message passes the bound. The rest of its chunk waits unparsed.
    server.pause();
    let taken = 0;
    for (;;) {
      const message = await Promise.race([server.receive(), settle(2)]);
      if (message === undefined) break;
      taken++;
    }
    expect(taken).to.equal(10);
  });

  it('a message larger than the bound passes when the queue is empty', async () => {
    const { server, client } = connectedPair({ server: { receiveQueueBytes: 10 } });
    void client.send('x'.repeat(100_000));
    void client.send('y'.repeat(100_000));
    await settle();
    expect(await server.receive()).to.have.lengthOf(100_000);
    expect(await server.receive()).to.equal('y'.repeat(100_000));
  });

  it('empties into listeners that come while it is full', async () => {
    const { connection, peer } = rawPair('server', { receiveQueueMessages: 4 });
    const all = Array.from({ length: 30 }, (_, i) => `${i}`);
    peer.texts(...all);
    await settle();
    const { messages } = record(connection);
    await settle();
    expect(messages).to.deep.equal(all);
  });

  it('leaves pings unanswered while reading stands still, and answers them after', async () => {
    const { connection, peer } = rawPair('server', { receiveQueueMessages: 1 });
    peer.texts('a');
    peer.frame(Opcode.Ping, 'p');
    await settle();
    expect(peer.pongs).to.be.empty;
    await connection.receive();
    await settle();
    expect(peer.pongs).to.deep.equal(['p']);
  });

  it('bounds an async for await of 20 ms under 20,000 messages: one at work, in order, the peer held back', async () => {
    const { server, client } = connectedPair();
    const count = 20_000;
    let atWork = 0;
    let mostAtWork = 0;
    let next = 0;
    const consumer = (async () => {
      for await (const message of server) {
        mostAtWork = Math.max(mostAtWork, ++atWork);
        expect(message).to.equal(`${next++}`.padEnd(200));
        await new Promise((resolve) => setTimeout(resolve, 20));
        atWork--;
      }
    })();
    let sent = 0;
    let mostBuffered = 0;
    const producer = (async () => {
      while (sent < count) {
        await client.send(`${sent}`.padEnd(200));
        sent++;
        mostBuffered = Math.max(mostBuffered, client.bufferedAmount);
      }
      await client.close();
    })();
    await settle();
    const finished = Promise.all([producer, consumer]).then(() => 'finished');
    let mostAhead = 0;
    for (;;) {
      await clock.tickAsync(20);
      mostAhead = Math.max(mostAhead, sent - next);
      if (sent === count || next === count) break;
    }
    // 1,024 messages in the queue, and what fits into the two chunks, the outbox and the buffer below its mark.
    expect(mostAhead).to.be.lessThan(1024 + (3 * 65_536) / 200 + (64 * 1024) / 200);
    expect(mostBuffered).to.be.lessThan(2 * 64 * 1024 + 300);
    expect(mostAtWork).to.equal(1);
    for (let i = 0; i < 3000 && next < count; i++) await clock.tickAsync(20);
    await clock.tickAsync(10_000);
    expect(await finished).to.equal('finished');
    expect(next).to.equal(count);
    expect(mostAtWork).to.equal(1);
  });
});
