import { expect } from 'chai';
import type sinon from 'sinon';
import { CloseError, LimitError, TimeoutError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClock, fakeClockInEachTest } from '../support/clock.js';
import { isPending, outcome, rawPair, record, recordCloses, roles, settle } from '../support/connections.js';

const KiB = 1024;

describe('connection: the high-water mark', () => {
  fakeClockInEachTest();

  for (const role of roles) {
    it(`drain comes once the buffer is at half the mark, and only after it was above (${role})`, async () => {
      const { connection, peer } = rawPair(role, { highWaterMark: 1000 });
      const amounts: number[] = [];
      connection.on('drain', () => amounts.push(connection.bufferedAmount));
      void connection.send('x'.repeat(900));
      await settle();
      expect(amounts).to.be.empty;
      peer.transport.pause();
      for (let i = 0; i < 5; i++) {
        void connection.send('x'.repeat(400));
        await settle(1);
      }
      const waiting = connection.send('y');
      await settle();
      expect(amounts).to.be.empty;
      expect(await isPending(waiting)).to.equal(true);
      peer.transport.resume();
      await waiting;
      await settle();
      expect(amounts).to.have.lengthOf(1);
      expect(amounts[0]).to.be.at.most(500);
    });
  }

  it('of 0 makes every send wait until it has left', async () => {
    const { connection, peer } = rawPair('client', { highWaterMark: 0 });
    peer.transport.pause();
    const sent = connection.send('x');
    await settle();
    expect(await isPending(sent)).to.equal(true);
    peer.transport.resume();
    await sent;
    expect(peer.messages).to.deep.equal(['x']);
  });

  it('counts referenced memory: drain comes for it as well', async () => {
    const { connection, peer } = rawPair('server');
    let drains = 0;
    connection.on('drain', () => drains++);
    peer.transport.pause();
    void connection.send(Buffer.alloc(100 * KiB));
    await settle();
    peer.transport.resume();
    await settle();
    expect(drains).to.equal(1);
  });

  it('knows no drain after the end, whatever a transport says late', async () => {
    const { connection, transport } = rawPair('server', { highWaterMark: 10 });
    let drains = 0;
    connection.on('drain', () => drains++);
    const late: (() => void)[] = [];
    transport.write = (_bytes, written) => {
      late.push(written);
      return false;
    };
    const sent = outcome(connection.send('x'.repeat(100)));
    await settle();
    connection.terminate();
    const { error } = await connection.closed;
    expect(late).to.have.lengthOf(1);
    late[0]!();
    await settle();
    expect(await sent).to.equal(error);
    expect(drains).to.equal(0);
  });

  it('lets a listener of drain send, close and terminate', async () => {
    const { connection, peer } = rawPair('client', { highWaterMark: 100 });
    connection.once('drain', () => {
      void connection.send('more');
      connection.terminate();
      void connection.close();
    });
    void connection.send('x'.repeat(200));
    expect(await connection.closed).to.include({ code: 1006 });
    expect(peer.messages).to.deep.equal(['x'.repeat(200)]);
  });
});

describe('connection: the read hold', () => {
  fakeClockInEachTest();

  it('stops reading above it, and goes on when the buffer has drained', async () => {
    const { connection, peer, transport } = rawPair('server', { highWaterMark: 100, readHold: 1000 });
    const { messages } = record(connection);
    peer.transport.pause();
    void connection.send('x'.repeat(900));
    peer.texts('a');
    await settle();
    expect(messages).to.deep.equal(['a']);
    void connection.send('x'.repeat(200));
    peer.texts('b');
    await settle();
    expect(messages).to.deep.equal(['a']);
    expect(transport.isPaused).to.equal(true);
    peer.transport.resume();
    await settle();
    expect(messages).to.deep.equal(['a', 'b']);
    expect(transport.isPaused).to.equal(false);
    expect(transport.counts).to.include({ pauses: 1, resumes: 1 });
  });

  it('counts referenced memory', async () => {
    const { connection, peer, transport } = rawPair('server', { readHold: 64 * KiB });
    peer.transport.pause();
    for (let i = 0; i < 5; i++) void connection.send(Buffer.alloc(16 * KiB));
    expect(transport.isPaused).to.equal(true);
    peer.transport.resume();
    await settle();
    expect(transport.isPaused).to.equal(false);
  });

  it('stops the emission of what is queued, too', async () => {
    const { connection, peer } = rawPair('server', { highWaterMark: 100, readHold: 1000 });
    peer.texts('a', 'b', 'c', 'd');
    await settle();
    peer.transport.pause();
    const seen: unknown[] = [];
    connection.on('message', (message) => {
      seen.push(message);
      void connection.send('x'.repeat(600));
    });
    await settle();
    expect(seen).to.deep.equal(['a', 'b']);
    peer.transport.resume();
    await settle();
    expect(seen).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(peer.messages).to.have.lengthOf(4);
  });

  it('is off by default on clients', async () => {
    const { connection, peer, transport } = rawPair('client');
    peer.transport.pause();
    for (let i = 0; i < 40; i++) void connection.send('x'.repeat(64 * KiB));
    await settle();
    expect(transport.isPaused).to.equal(false);
  });

  it('does not undo pause(), nor the other way round', async () => {
    const { connection, peer, transport } = rawPair('server', { highWaterMark: 10, readHold: 10 });
    peer.transport.pause();
    void connection.send('x'.repeat(100));
    connection.pause();
    peer.transport.resume();
    await settle();
    expect(transport.isPaused).to.equal(true);
    peer.transport.pause();
    void connection.send('x'.repeat(100));
    connection.resume();
    await settle();
    expect(transport.isPaused).to.equal(true);
    peer.transport.resume();
    await settle();
    expect(transport.isPaused).to.equal(false);
  });

  const echoes = {
    'a listener that echoes without await': (connection: Parameters<typeof record>[0]) =>
      connection.on('message', (message) => connection.send(message)),
    'a loop that echoes without await': (connection: Parameters<typeof record>[0]) =>
      connection.run(async () => {
        for await (const message of connection) void connection.send(message);
      }),
  };
  for (const [name, echo] of Object.entries(echoes)) {
    it(`bounds ${name}, under 200,000 requests of 1 KiB by a peer that does not read`, async () => {
      const count = 200_000;
      const { client, server, clientTransport, serverTransport } = connectedPair();
      echo(server);
      clientTransport.pause();
      const body = 'x'.repeat(KiB - 6);
      let mostBuffered = 0;
      let sent = 0;
      let received = 0;
      let wrong = 0;
      client.on('message', (message) => {
        if (message !== `${received++}`.padStart(6, '0') + body) wrong++;
      });
      const flood = async (): Promise<void> => {
        while (sent < count) {
          const more = client.send(`${sent++}`.padStart(6, '0') + body);
          if (sent % 64 === 0) await more;
        }
      };
      const flooded = flood();
      for (let i = 0; i < 100; i++) {
        await settle(1);
        mostBuffered = Math.max(mostBuffered, server.bufferedAmount);
      }
      const sentAtStandstill = sent;
      await settle();
      expect(sent).to.equal(sentAtStandstill);
      expect(serverTransport.isPaused).to.equal(true);
      // The hold, and for loops what was queued when it began.
      expect(mostBuffered).to.be.within(1024 * KiB, 1100 * KiB);
      // Hold, receive queue (1,024 messages), and what is on the way.
      expect(sentAtStandstill).to.be.below(1024 + 1024 + 512);

      clientTransport.resume();
      await flooded;
      while (received < count) {
        await settle(1);
        mostBuffered = Math.max(mostBuffered, server.bufferedAmount);
      }
      expect(wrong).to.equal(0);
      expect(mostBuffered).to.be.below(2100 * KiB);
      await client.close();
      expect(received).to.equal(count);
    });
  }
});

describe('connection: maxBufferedAmount', () => {
  fakeClockInEachTest();

  for (const role of roles) {
    it(`ends the connection when a message would pass it (${role})`, async () => {
      const { connection, peer } = rawPair(role, {
        highWaterMark: 100,
        readHold: Infinity,
        maxBufferedAmount: 1000,
      });
      const closes = recordCloses(connection);
      peer.transport.pause();
      void connection.send('x'.repeat(500));
      await settle();
      void connection.send('x'.repeat(400));
      const refused = connection.send('x'.repeat(200));
      expect(connection.state).to.equal('closing');
      const error = await outcome(refused);
      expect(error).to.be.instanceOf(CloseError).with.include({ closeCode: 1006, wasClean: false });
      expect(error).to.have.property('cause').that.is.instanceOf(LimitError);
      expect((error as CloseError).cause).to.include({ code: 'ANTS_SEND_BUFFER_FULL' });
      expect(String((error as CloseError).cause)).to.match(/200 bytes .* passes maxBufferedAmount \(1000\)/);
      await settle();
      expect(closes).to.have.lengthOf(1);
      expect(closes[0]).to.include({ code: 1006, wasClean: false });
      expect(closes[0]?.error?.cause).to.equal((error as CloseError).cause);
      expect(closes[0]?.unsentBytes).to.be.within(900, 920);
      expect(connection.bufferedAmount).to.equal(0);
      expect(peer.closed).to.equal(true);
    });
  }

  it('accepts one message of any size below the high-water mark', async () => {
    const { connection, peer } = rawPair('server', {
      highWaterMark: 100,
      readHold: 100,
      maxBufferedAmount: 100,
    });
    peer.transport.pause();
    void connection.send('x'.repeat(90));
    void connection.send('y'.repeat(100_000));
    expect(connection.state).to.equal('open');
    peer.transport.resume();
    await settle(20);
    expect(peer.messages.map((message) => message.length)).to.deep.equal([90, 100_000]);
  });

  it('inside a listener stops the burst there', async () => {
    const { connection, peer } = rawPair('server', {
      highWaterMark: 10,
      readHold: Infinity,
      maxBufferedAmount: 100,
    });
    peer.transport.pause();
    const { messages } = record(connection);
    connection.on('message', () => connection.send('x'.repeat(60)));
    peer.texts('1', '2', '3', '4');
    await connection.closed;
    expect(messages).to.deep.equal(['1', '2']);
  });

  it('counts Blobs before they are loaded', async () => {
    const { connection, peer } = rawPair('server', {
      highWaterMark: 10,
      readHold: Infinity,
      maxBufferedAmount: 100,
    });
    peer.transport.pause();
    void connection.send(new Blob(['x'.repeat(90)]));
    const refused = await outcome(connection.send(new Blob(['x'.repeat(20)])));
    expect(refused).to.have.nested.property('cause.code', 'ANTS_SEND_BUFFER_FULL');
  });
});

describe('connection: the stalled-write deadline', () => {
  let clock: sinon.SinonFakeTimers;

  beforeEach(() => {
    clock = fakeClock();
  });

  afterEach(() => {
    clock.restore();
  });

  for (const role of roles) {
    it(`ends the connection when nothing has left for so long (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      peer.transport.pause();
      void connection.send('hello');
      await settle();
      await clock.tickAsync(59_999);
      expect(connection.state).to.equal('open');
      await clock.tickAsync(1);
      const { code, error, unsentBytes } = await connection.closed;
      expect(code).to.equal(1006);
      expect(error?.cause).to.be.instanceOf(TimeoutError).with.property('code', 'ANTS_WRITE_TIMEOUT');
      expect(String(error?.cause)).to.match(/buffered bytes left for 60000 ms \(writeTimeout\)/);
      expect(unsentBytes).to.be.greaterThan(5);
      expect(peer.closed).to.equal(true);
      expect(clock.countTimers()).to.equal(0);
    });
  }

  it('is refreshed by progress: a slow peer may take as long as it likes for one large message', async () => {
    const { connection, peer } = rawPair('server', { writeTimeout: 1000, heartbeatInterval: Infinity });
    const sent = connection.send(Buffer.alloc(2_000_000, 1));
    let done = false;
    void sent.then(() => {
      done = true;
    });
    let steps = 0;
    for (; !done; steps++) {
      peer.transport.incoming.stall(1);
      await settle(2);
      await clock.tickAsync(900);
      expect(connection.state).to.equal('open');
    }
    expect(steps).to.be.greaterThan(10);
    peer.transport.incoming.stall(Infinity);
    await settle();
    await clock.tickAsync(1000);
    await settle();
    expect(peer.frames[0]?.payload.equals(Buffer.alloc(2_000_000, 1))).to.equal(true);
    expect(clock.countTimers()).to.equal(0);
  });

  it('ends a stall of two ends that both hold their reading', async () => {
    const options = { highWaterMark: 1000, readHold: 1000, writeTimeout: 5000 };
    const { client, server } = connectedPair({ client: options, server: options });
    client.on('message', (message) => client.send(message));
    server.on('message', (message) => server.send(message));
    // Each sends more than it may have buffered, and then does not read any more.
    for (let i = 0; i < 5; i++) {
      void client.send('x'.repeat(800));
      void server.send('x'.repeat(800));
    }
    await settle();
    await clock.tickAsync(4999);
    const states = [client.state, server.state];
    await clock.tickAsync(1);
    if (states.every((state) => state === 'open')) {
      const causes = await Promise.all([client.closed, server.closed]);
      expect(causes.map(({ code }) => code)).to.deep.equal([1006, 1006]);
      expect(causes.map(({ error }) => (error?.cause as { code?: string })?.code)).to.include(
        'ANTS_WRITE_TIMEOUT',
      );
    } else expect.fail(`states were ${states}`);
  });

  it('is off when it is Infinity', async () => {
    const { connection, peer } = rawPair('server', { writeTimeout: Infinity, heartbeatInterval: Infinity });
    peer.transport.pause();
    void connection.send('hello');
    await settle();
    expect(clock.countTimers()).to.equal(0);
  });

  it('ends a Blob that is never loaded, although its Close frame waits behind it', async () => {
    const { connection } = rawPair('server', { writeTimeout: 5000 });
    const blob = new Blob(['x']);
    blob.arrayBuffer = () => new Promise(() => {});
    void connection.send(blob);
    const closed = connection.close();
    await settle();
    await clock.tickAsync(5000);
    expect((await closed).error?.cause).to.have.property('code', 'ANTS_WRITE_TIMEOUT');
  });
});

describe('connection: pongs', () => {
  fakeClockInEachTest();

  for (const role of roles) {
    it(`answer every ping in order, 1,000 of the largest in one chunk (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const pings = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(125));
      peer.raw(Buffer.concat(pings.map((ping) => peer.encode(Opcode.Ping, ping))));
      await settle();
      expect(peer.pongs).to.deep.equal(pings);
      expect(connection.state).to.equal('open');
    });
  }

  it('answer every ping also below a mark of 0, while the peer reads', async () => {
    const { peer } = rawPair('server', { highWaterMark: 0 });
    for (let i = 0; i < 5; i++) {
      peer.raw(Buffer.concat([peer.encode(Opcode.Ping, `${i}a`), peer.encode(Opcode.Ping, `${i}b`)]));
      await settle(4);
    }
    expect(peer.pongs).to.deep.equal(['0a', '0b', '1a', '1b', '2a', '2b', '3a', '3b', '4a', '4b']);
  });

  it('coalesce to the latest while the peer does not read, in bounded memory', async () => {
    const { connection, peer } = rawPair('server', { highWaterMark: 1000 });
    const seen: string[] = [];
    connection.on('ping', (payload) => seen.push(String(payload)));
    peer.transport.pause();
    void connection.send('x'.repeat(990));
    await settle();
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      peer.frame(Opcode.Ping, `${i}`);
      if (i % 100 === 0) await settle(2);
    }
    await settle();
    expect(seen).to.have.lengthOf(count);
    expect(connection.bufferedAmount).to.be.lessThan(2500);
    peer.transport.resume();
    await settle();
    expect(peer.pongs.at(-1)).to.equal(`${count - 1}`);
    expect(peer.pongs.length).to.be.lessThan(200);
    // In order, each at most once.
    expect(peer.pongs.map(Number)).to.deep.equal([...new Set(peer.pongs.map(Number))].sort((a, b) => a - b));
    expect(connection.state).to.equal('open');
  });

  it('coalesce also without a high-water mark', async () => {
    const { connection, peer } = rawPair('client', { highWaterMark: Infinity });
    const seen: string[] = [];
    connection.on('ping', (payload) => seen.push(String(payload)));
    peer.transport.pause();
    const count = 5000;
    for (let i = 0; i < count; i++) {
      peer.frame(Opcode.Ping, `${i}`.padStart(125, '0'));
      if (i % 100 === 0) await settle(2);
    }
    await settle();
    expect(seen).to.have.lengthOf(count);
    expect(connection.bufferedAmount).to.be.within(60_000, 90_000);
    peer.transport.resume();
    await settle(20);
    expect(Number(peer.pongs.at(-1))).to.equal(count - 1);
    peer.frame(Opcode.Ping, 'later');
    await settle();
    expect(peer.pongs.at(-1)).to.equal('later');
  });

  it('that wait are not overtaken by the answer to a later ping', async () => {
    const { connection, peer } = rawPair('server', { highWaterMark: 1000 });
    peer.transport.incoming.stall(0);
    for (const letter of ['x', 'y']) {
      void connection.send(letter.repeat(600));
      await settle(2);
    }
    peer.frame(Opcode.Ping, 'first');
    await settle();
    // One message leaves: the buffer is below the mark, and above its half.
    peer.transport.incoming.stall(1);
    await settle();
    expect(connection.bufferedAmount).to.be.within(500, 999);
    peer.frame(Opcode.Ping, 'second');
    await settle();
    peer.transport.incoming.stall(Infinity);
    await settle();
    expect(peer.pongs).to.deep.equal(['second']);
  });

  it('that wait go out before the Close frame', async () => {
    const { connection, peer } = rawPair('server', { highWaterMark: 10 });
    peer.transport.pause();
    void connection.send('x'.repeat(100));
    await settle();
    peer.frame(Opcode.Ping, 'p');
    await settle();
    void connection.close();
    peer.transport.resume();
    await settle();
    expect(peer.frames.map(({ opcode }) => opcode)).to.deep.equal([Opcode.Text, Opcode.Pong, Opcode.Close]);
  });
});
