import { expect } from 'chai';
import type { Connection } from '#src/connection/connection.js';
import type { ConnectionOptions, Role } from '#src/connection/options.js';
import { CloseError, TimeoutError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { TestClock } from '#src/testing/test-clock.js';
import {
  outcome,
  type RawPeer,
  rawPair as realTimePair,
  record,
  recordCloses,
  roles,
  settle,
} from '../support/connections.js';

describe('connection: the heartbeat', () => {
  let clock: TestClock;

  beforeEach(() => {
    clock = new TestClock();
  });

  const rawPair = (role: Role, options?: ConnectionOptions) => realTimePair(role, options, clock);
  const pass = (ms: number) => clock.advance(ms);

  /** The payloads of the pings that came to the peer. */
  function pings(peer: RawPeer): Buffer[] {
    return peer.frames.filter(({ opcode }) => opcode === Opcode.Ping).map(({ payload }) => payload);
  }

  /** Of which 30 s come: a client asks a sixteenth later, so that one of two ends does. */
  const intervals = { server: 30_000, client: 28_235 };

  for (const role of roles) {
    it(`asks after 30 s of silence, and gives a peer up that is silent for 30 s more (${role})`, async () => {
      const { connection, peer } = rawPair(role, { heartbeatInterval: intervals[role] });
      await settle();
      await pass(29_999);
      expect(pings(peer)).to.be.empty;
      await pass(1);
      expect(pings(peer)).to.have.lengthOf(1);
      await pass(29_999);
      expect(connection.state).to.equal('open');
      await pass(1);
      expect(connection.state).to.equal('closing');
      // The peer is told, should it still be there.
      expect(peer.closes).to.have.lengthOf(1);
      expect(peer.closes[0]).to.match(/^1011 heartbeat: /);
      expect(await outcome(connection.send('x'))).to.be.instanceOf(CloseError);
      await pass(5000);
      const { code, wasClean, error } = await connection.closed;
      expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false });
      expect(error?.cause).to.be.instanceOf(TimeoutError).with.property('code', 'ANTS_HEARTBEAT_TIMEOUT');
      expect(String(error?.cause)).to.match(
        /heartbeat: .* 30000 ms \(heartbeatInterval\) .* \(heartbeatTimeout\)/,
      );
      expect(clock.timers).to.equal(0);
    });

    it(`goes on for as long as the peer answers, with one ping an interval (${role})`, async () => {
      const { connection, peer } = rawPair(role, { heartbeatInterval: intervals[role] });
      const pongs: Buffer[] = [];
      connection.on('pong', (payload) => pongs.push(payload));
      await settle();
      await pass(30_000);
      for (let i = 1; i <= 10; i++) {
        expect(pings(peer)).to.have.lengthOf(i);
        await pass(20);
        peer.frame(Opcode.Pong, pings(peer).at(-1));
        await pass(29_980);
      }
      expect(connection.state).to.equal('open');
      expect(connection.latency).to.equal(20);
      expect(pongs).to.be.empty;
    });
  }

  it('takes any byte for life, and asks nothing of a peer that talks', async () => {
    const { connection, peer } = rawPair('server');
    await settle();
    // A frame that never ends: a byte at a time.
    const frame = peer.encode(Opcode.Binary, Buffer.alloc(1000));
    for (let i = 0; i < 20; i++) {
      peer.raw(frame.subarray(i, i + 1));
      await pass(29_000);
    }
    expect(connection.state).to.equal('open');
    expect(pings(peer)).to.be.empty;
  });

  it('has an answer of any kind suffice', async () => {
    const { connection, peer } = rawPair('server');
    const { messages } = record(connection);
    await settle();
    await pass(59_999);
    peer.texts('still here');
    await settle();
    await pass(30_000);
    expect(connection.state).to.equal('open');
    expect(messages).to.deep.equal(['still here']);
  });

  it('sees the answer that lies unread behind a blocked event loop', async () => {
    const { connection, peer } = rawPair('server');
    await settle();
    await pass(30_000);
    // Written, and not delivered before the timer fires: as if both waited in the kernel.
    peer.frame(Opcode.Pong, pings(peer)[0]);
    clock.block(30_000);
    await settle();
    expect(connection.state).to.equal('open');
  });

  it('asks once more when this process was away itself', async () => {
    const { connection, peer } = rawPair('server');
    await settle();
    await pass(30_000);
    clock.block(130_000);
    await settle();
    expect(connection.state).to.equal('open');
    expect(pings(peer)).to.have.lengthOf(2);
    await pass(30_000);
    expect(connection.state).to.equal('closing');
  });

  describe('does not judge', () => {
    it('while reading is held, nor at once after that', async () => {
      const { connection, peer } = rawPair('server', { writeTimeout: Infinity });
      record(connection);
      await settle();
      connection.pause();
      await pass(300_000);
      expect(connection.state).to.equal('open');
      expect(pings(peer)).to.be.empty;
      connection.resume();
      await pass(60_000);
      expect(pings(peer)).to.have.lengthOf(1);
      expect(connection.state).to.equal('open');
      await pass(30_000);
      expect(connection.state).to.equal('closing');
    });

    it('when reading was held only for a while since it asked', async () => {
      const { connection, peer } = rawPair('server');
      record(connection);
      await settle();
      await pass(30_000);
      expect(pings(peer)).to.have.lengthOf(1);
      connection.pause();
      connection.resume();
      await pass(30_000);
      expect(connection.state).to.equal('open');
    });

    it('while the queue is full', async () => {
      const { connection, peer } = rawPair('server', { receiveQueueMessages: 2 });
      peer.texts('1', '2', '3');
      await pass(300_000);
      expect(connection.state).to.equal('open');
      expect(await connection.receive()).to.equal('1');
    });

    it('while bytes wait to leave: there the stalled-write deadline decides', async () => {
      const { connection, peer } = rawPair('server', { writeTimeout: 200_000 });
      await settle();
      peer.transport.pause();
      void connection.send('x');
      await pass(199_000);
      expect(connection.state).to.equal('open');
      await pass(4000);
      expect((await connection.closed).error?.cause).to.have.property('code', 'ANTS_WRITE_TIMEOUT');
    });
  });

  it('is off with an interval of Infinity', async () => {
    const { connection, peer } = rawPair('server', { heartbeatInterval: Infinity });
    await settle();
    expect(clock.timers).to.equal(0);
    await pass(10_000_000);
    expect(connection.state).to.equal('open');
    expect(peer.frames).to.be.empty;
  });

  it('only asks with a timeout of Infinity', async () => {
    const { connection, peer } = rawPair('server', { heartbeatTimeout: Infinity });
    await settle();
    await pass(300_000);
    expect(connection.state).to.equal('open');
    expect(pings(peer)).to.have.lengthOf(10);
  });

  it('may have a timeout that is shorter, or longer, than the interval', async () => {
    const options = [
      { heartbeatInterval: 10_000, heartbeatTimeout: 1000, lost: 11_000, pings: 1 },
      { heartbeatInterval: 1000, heartbeatTimeout: 10_000, lost: 11_000, pings: 1 },
    ];
    for (const { lost, pings: count, ...times } of options) {
      const { connection, peer } = rawPair('server', times);
      await settle();
      await pass(lost - 1);
      expect(connection.state).to.equal('open');
      expect(pings(peer)).to.have.lengthOf(count);
      await pass(1);
      expect(connection.state).to.equal('closing');
    }
  });

  it('keeps the pings of users apart from its own', async () => {
    const { connection, peer } = rawPair('server');
    const pongs: string[] = [];
    connection.on('pong', (payload) => pongs.push(String(payload)));
    await settle();
    const first = connection.ping('mine');
    await settle();
    await pass(30_000);
    const [mine, heartbeat] = pings(peer);
    expect(String(mine)).to.equal('mine');
    // The peer may answer the latest only.
    await pass(5);
    peer.frame(Opcode.Pong, heartbeat);
    expect(await first).to.equal(30_005);
    expect(connection.latency).to.equal(5);
    // A late answer to nothing is no pong for anybody.
    peer.frame(Opcode.Pong, heartbeat);
    peer.frame(Opcode.Pong, 'unsolicited');
    await settle();
    expect(pongs).to.deep.equal(['unsolicited']);
  });

  it('stops with the connection', async () => {
    const { client, server } = connectedPair({ clock });
    await settle();
    expect(clock.timers).to.equal(1);
    await client.close();
    await server.closed;
    expect(clock.timers).to.equal(0);
  });

  it('does not judge a connection that is closing', async () => {
    const { connection, peer } = rawPair('server', { closeTimeout: Infinity });
    void connection.close();
    await settle();
    await pass(300_000);
    expect(connection.state).to.equal('closing');
    expect(pings(peer)).to.be.empty;
    peer.close(1000);
    peer.end();
    expect(await connection.closed).to.include({ code: 1000, wasClean: true });
  });

  it('keeps two ends of this library together for a day, with one timer', async () => {
    const { client, server, clientTransport, serverTransport } = connectedPair({ clock });
    const closes = [client, server].flatMap(recordCloses);
    await settle();
    for (let hour = 0; hour < 24; hour++) {
      for (let i = 0; i < 120; i++) {
        await clock.advance(30_000);
        await settle(3);
      }
      expect(clock.timers).to.equal(1);
    }
    expect(closes).to.be.empty;
    expect([client.state, server.state]).to.deep.equal(['open', 'open']);
    // A ping and its answer in each interval.
    expect(clientTransport.counts.writes + serverTransport.counts.writes).to.be.within(5000, 7000);
  });

  it('needs no timer for a busy connection beside the shared one', async () => {
    const { client, server } = connectedPair({ clock });
    server.on('message', (message) => server.send(message));
    let timers = 0;
    const fake = globalThis.setTimeout;
    globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
      timers++;
      return fake(...args);
    }) as typeof setTimeout;
    try {
      await settle();
      for (let i = 0; i < 200; i++) {
        await client.send('x'.repeat(100));
        expect(await client.receive()).to.have.lengthOf(100);
      }
    } finally {
      globalThis.setTimeout = fake;
    }
    expect(timers).to.be.below(3);
  });

  it('survives listeners that end the connection at any time', async () => {
    const ends: ((connection: Connection) => void)[] = [
      (connection) => connection.terminate(),
      (connection) => void connection.close(),
    ];
    for (const end of ends) {
      const { connection, peer } = rawPair('server');
      await settle();
      clock.block(30_000);
      end(connection);
      await settle();
      expect(pings(peer)).to.be.empty;
      await pass(100_000);
      expect((await connection.closed).code).to.equal(1006);
    }
  });
});
