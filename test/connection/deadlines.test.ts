import { expect } from 'chai';
import type { ConnectionOptions, Role } from '#src/connection/options.js';
import { TimeoutError } from '#src/errors.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { TestClock } from '#src/testing/test-clock.js';
import { outcome, rawPair as realTimePair, record, roles, settle } from '../support/connections.js';

describe('connection: the limits of idleness and of life', () => {
  let clock: TestClock;

  beforeEach(() => {
    clock = new TestClock();
  });

  const rawPair = (role: Role, options?: ConnectionOptions) => realTimePair(role, options, clock);
  const pass = (ms: number) => clock.advance(ms);

  const limits = [
    { option: 'idleTimeout', code: 'ANTS_IDLE_TIMEOUT', reason: 'idle' },
    { option: 'maxLifetime', code: 'ANTS_LIFETIME', reason: 'lifetime' },
  ] as const;

  for (const { option, code, reason } of limits) {
    for (const role of roles) {
      it(`${option} closes with 1001 and tells why (${role})`, async () => {
        const { connection, peer } = rawPair(role, { [option]: 1000, heartbeatInterval: Infinity });
        const loop = (async () => {
          for await (const _ of connection);
        })();
        await settle();
        await pass(999);
        expect(connection.state).to.equal('open');
        await pass(1);
        expect(peer.closes).to.deep.equal([`1001 ${reason}`]);
        peer.close(1001);
        peer.end();
        const info = await connection.closed;
        expect(info).to.include({ code: 1001, wasClean: true });
        expect(info.error?.cause).to.be.instanceOf(TimeoutError).with.property('code', code);
        expect(String(info.error?.cause)).to.include(`1000 ms (${option})`);
        // An orderly end all the same.
        expect(await outcome(loop)).to.equal(undefined);
        expect(clock.timers).to.equal(0);
      });
    }

    it(`${option} is off by default`, async () => {
      const { connection } = rawPair('server', { heartbeatInterval: Infinity });
      await settle();
      await pass(1e9);
      expect(connection.state).to.equal('open');
    });

    it(`${option} has no say while the connection is closing`, async () => {
      const { connection, peer } = rawPair('server', { [option]: 1000, closeTimeout: 5000 });
      void connection.close(4000);
      await settle();
      await pass(2000);
      peer.close(4000);
      peer.end();
      const { code, error } = await connection.closed;
      expect(code).to.equal(4000);
      expect(error).to.equal(undefined);
    });
  }

  it('idleTimeout counts messages of both ways, and nothing else', async () => {
    const { client, server } = connectedPair({ clock, server: { idleTimeout: 1000 } });
    record(client);
    record(server);
    await settle();
    for (let i = 0; i < 5; i++) {
      await pass(600);
      void client.send('in');
      await pass(600);
      void server.send('out');
    }
    expect(server.state).to.equal('open');
    await pass(600);
    await Promise.all([client.ping(), server.ping(), settle()]);
    await pass(400);
    expect((await server.closed).error?.cause).to.have.property('code', 'ANTS_IDLE_TIMEOUT');
    expect(await client.closed).to.include({ code: 1001, reason: 'idle', wasClean: true });
  });

  it('maxLifetime sends first what was sent before', async () => {
    const { client, server } = connectedPair({ clock, server: { maxLifetime: 1000 } });
    const { messages } = record(client);
    await settle();
    clock.block(1000);
    void server.send('last words');
    await settle();
    expect(await client.closed).to.include({ code: 1001, reason: 'lifetime' });
    expect(messages).to.deep.equal(['last words']);
  });
});

describe('connection: a peer that reads slowly', () => {
  it('at one byte a second for five minutes, and then faster, loses nothing and is not cut', async () => {
    const clock = new TestClock();
    const { connection, peer, transport } = realTimePair('server', {}, clock);
    const sent = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(1024));
    await settle();
    transport.outgoing.setChunks(1);
    peer.transport.incoming.stall(0);
    for (const message of sent) void connection.send(message);
    for (let second = 0; second < 300; second++) {
      peer.transport.incoming.stall(1);
      await settle(2);
      await clock.advance(1000);
    }
    expect(connection.state).to.equal('open');
    expect(connection.bufferedAmount).to.be.above(300 * 1024 - 1000);
    transport.outgoing.setChunks(100);
    for (let second = 0; second < 100; second++) {
      peer.transport.incoming.stall(10);
      await settle(2);
      await clock.advance(1000);
    }
    transport.outgoing.setChunks(Number.POSITIVE_INFINITY);
    peer.transport.incoming.stall(Number.POSITIVE_INFINITY);
    await settle();
    expect(peer.messages).to.deep.equal(sent);
    expect(connection.state).to.equal('open');
  });
});

describe('connection: the closing deadline', () => {
  for (const role of roles) {
    it(`does not judge when it comes late and the answer is there unread (${role})`, async () => {
      const clock = new TestClock();
      const { connection, peer } = realTimePair(role, { closeTimeout: 1000 }, clock);
      const closed = connection.close();
      await settle();
      expect(peer.closes).to.deep.equal(['1000']);
      // Both arrive in the turn in which the timer fires, as behind a blocked event loop.
      peer.close(1000);
      peer.end();
      clock.block(60_000);
      expect(await closed).to.include({ code: 1000, wasClean: true });
      expect((await closed).error).to.equal(undefined);
      expect(clock.timers).to.equal(0);
    });

    it(`still ends what nobody answers (${role})`, async () => {
      const clock = new TestClock();
      const { connection } = realTimePair(role, { closeTimeout: 1000 }, clock);
      const closed = connection.close();
      await settle();
      clock.block(1000);
      const { error, code } = await closed;
      expect(code).to.equal(1006);
      expect(error?.cause).to.be.instanceOf(TimeoutError).with.property('code', 'ANTS_CLOSE_TIMEOUT');
    });
  }
});
