import { expect } from 'chai';
import type sinon from 'sinon';
import { CloseError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClock } from '../support/clock.js';
import { isPending, outcome, rawPair, roles, settle } from '../support/connections.js';

describe('connection: ping', () => {
  let clock: sinon.SinonFakeTimers;

  beforeEach(() => {
    clock = fakeClock();
  });

  afterEach(() => {
    clock.restore();
  });

  for (const role of roles) {
    it(`resolves to milliseconds (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      expect(connection.latency).to.equal(undefined);
      const pong = connection.ping('p');
      await settle();
      expect(peer.frames).to.deep.equal([{ opcode: Opcode.Ping, fin: true, payload: Buffer.from('p') }]);
      await clock.tickAsync(42);
      peer.frame(Opcode.Pong, 'p');
      expect(await pong).to.equal(42);
      expect(connection.latency).to.equal(42);
      expect(clock.countTimers()).to.equal(1);
    });

    it(`tells the listeners of ping and pong (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const log: unknown[] = [];
      connection.on('ping', (payload) => log.push('ping', payload));
      connection.on('pong', (payload) => log.push('pong', payload));
      peer.frame(Opcode.Ping, 'a');
      peer.frame(Opcode.Pong, 'b');
      peer.frame(Opcode.Ping);
      await settle();
      expect(log).to.deep.equal([
        'ping',
        Buffer.from('a'),
        'pong',
        Buffer.from('b'),
        'ping',
        Buffer.alloc(0),
      ]);
      expect(peer.pongs).to.deep.equal(['a', '']);
    });
  }

  it('is answered by the other end', async () => {
    const { client, server } = connectedPair();
    const answers = await Promise.all([client.ping(), server.ping(), client.ping(Buffer.alloc(125))]);
    expect(answers).to.deep.equal([0, 0, 0]);
  });

  it('without a payload has one of its own each time', async () => {
    const { connection, peer } = rawPair('server');
    for (let i = 0; i < 300; i++) void connection.ping();
    await settle();
    expect(new Set(peer.frames.map(({ payload }) => payload.toString('hex'))).size).to.equal(300);
  });

  it('is answered by a later pong too, and not by an earlier one', async () => {
    const { connection, peer } = rawPair('server');
    const pongs = ['1', '2', '3'].map((payload) => connection.ping(payload));
    await clock.tickAsync(10);
    peer.frame(Opcode.Pong, '2');
    expect(await pongs[0]).to.equal(10);
    expect(await pongs[1]).to.equal(10);
    expect(await isPending(pongs[2]!)).to.equal(true);
    await clock.tickAsync(10);
    peer.frame(Opcode.Pong, '3');
    expect(await pongs[2]).to.equal(20);
  });

  it('with the same payload twice: the pong answers both, as they cannot be told apart', async () => {
    const { connection, peer } = rawPair('server');
    const pongs = [connection.ping('same'), connection.ping('same')];
    await settle();
    peer.frame(Opcode.Pong, 'same');
    expect(await Promise.all(pongs)).to.deep.equal([0, 0]);
  });

  it('is left alone by pongs that nobody asked for', async () => {
    const { connection, peer } = rawPair('server');
    peer.frame(Opcode.Pong, 'early');
    await settle();
    const pong = connection.ping('mine');
    peer.frame(Opcode.Pong, 'yours');
    await settle();
    expect(await isPending(pong)).to.equal(true);
    peer.frame(Opcode.Pong, 'mine');
    expect(await pong).to.equal(0);
    expect(connection.state).to.equal('open');
  });

  it('keeps a copy of the payload', async () => {
    const { connection, peer } = rawPair('server');
    const payload = Buffer.from('before');
    const pong = connection.ping(payload);
    payload.fill('x');
    await settle();
    peer.frame(Opcode.Pong, 'before');
    expect(await pong).to.equal(0);
  });

  it('rejects when the connection ends first', async () => {
    const { connection, peer } = rawPair('server');
    const pong = connection.ping();
    const { signal } = new AbortController();
    const watched = connection.ping('x', { signal });
    await settle();
    peer.reset();
    const { error } = await connection.closed;
    expect(await outcome(pong)).to.equal(error);
    expect(await outcome(watched)).to.equal(error);
    expect(await outcome(connection.ping())).to.be.instanceOf(CloseError);
  });

  it("can be given up, and is then nobody's", async () => {
    const { connection, peer } = rawPair('server');
    const controller = new AbortController();
    const first = connection.ping('1');
    const second = connection.ping('2', { signal: controller.signal });
    const third = connection.ping('3', { signal: controller.signal });
    await settle();
    peer.frame(Opcode.Pong, '1');
    expect(await first).to.equal(0);
    controller.abort('enough');
    expect(await Promise.all([second, third].map(outcome))).to.deep.equal(['enough', 'enough']);
    peer.frame(Opcode.Pong, '3');
    await settle();
    expect(connection.state).to.equal('open');
    expect(await outcome(connection.ping('4', { signal: controller.signal }))).to.equal('enough');
    await settle();
    expect(peer.frames.filter(({ opcode }) => opcode === Opcode.Ping)).to.have.lengthOf(3);
  });

  it('takes text and bytes of at most 125 bytes, exactly those inside the view', async () => {
    const { connection, peer } = rawPair('server');
    const block = new Uint8Array([1, 2, 3, 4]).buffer;
    void connection.ping('ä');
    void connection.ping(new Uint8Array(block, 1, 2));
    void connection.ping(new DataView(block, 3));
    void connection.ping(block);
    void connection.ping('x'.repeat(125));
    void connection.ping('');
    await settle();
    expect(peer.frames.map(({ payload }) => payload.toString('latin1'))).to.deep.equal([
      '\xc3\xa4',
      '\x02\x03',
      '\x04',
      '\x01\x02\x03\x04',
      'x'.repeat(125),
      '',
    ]);
  });

  it('refuses numbers, which are no sizes of anything, and all else that holds no bytes', async () => {
    const { connection, peer } = rawPair('server');
    for (const data of [0, 100, null, {}, [1], true, new Blob(['x'])]) {
      expect(() => connection.ping(data as unknown as string)).to.throw(
        TypeError,
        /the payload of a ping must be/,
      );
    }
    for (const data of ['x'.repeat(126), 'ä'.repeat(63), new Uint8Array(126)]) {
      expect(() => connection.ping(data)).to.throw(TypeError, /at most 125 bytes; this one has 126/);
    }
    connection.terminate();
    expect(() => connection.ping(100 as unknown as string)).to.throw(TypeError);
    await settle();
    expect(peer.frames).to.be.empty;
  });
});
