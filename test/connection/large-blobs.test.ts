import { expect } from 'chai';
import { AntsError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { outcome, rawPair, roles, settle } from '../support/connections.js';

/** A Blob of which only a part can be read, as of a file that was changed meanwhile. */
class Broken extends Blob {
  readonly #parts: number;

  constructor(size: number, parts: number) {
    super([Buffer.alloc(size)]);
    this.#parts = parts;
  }

  override stream(): ReturnType<Blob['stream']> {
    let left = this.#parts;
    return new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(70_000));
        else controller.error(new Error('unreadable'));
      },
    }) as ReturnType<Blob['stream']>;
  }
}

describe('connection: a large Blob', () => {
  fakeClockInEachTest();

  for (const role of roles) {
    it(`goes out in frames, in its place (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i));
      void connection.send('before');
      const sent = connection.send(new Blob([bytes]));
      void connection.send('behind');
      await sent;
      await settle(20);
      const [before, ...others] = peer.frames;
      const behind = others.pop();
      expect(String(before?.payload)).to.equal('before');
      expect(String(behind?.payload)).to.equal('behind');
      expect(others.map(({ opcode }) => opcode)).to.deep.equal([
        Opcode.Binary,
        ...others.slice(1).map(() => Opcode.Continuation),
      ]);
      expect(others.length).to.be.greaterThan(3);
      expect(Buffer.concat(others.map(({ payload }) => payload)).equals(bytes)).to.equal(true);
      expect(connection.stats.messagesSent).to.equal(3);
    });
  }

  it('is not read ahead of a peer that does not read', async () => {
    const { connection, peer } = rawPair('server');
    peer.transport.pause();
    const sent = connection.send(new Blob([Buffer.alloc(8 * 1024 * 1024)]));
    await settle(100);
    expect(connection.bufferedAmount).to.be.within(1, 400_000);
    peer.transport.resume();
    await sent;
    await settle(20);
    expect(peer.frames.reduce((sum, { payload }) => sum + payload.length, 0)).to.equal(8 * 1024 * 1024);
  });

  it('that can not be read is rejected, and nothing else happens', async () => {
    const { connection, peer } = rawPair('server');
    const sent = connection.send(new Broken(100_000, 0));
    void connection.send('behind');
    expect(await outcome(sent)).to.have.property('message', 'unreadable');
    await settle();
    expect(peer.messages).to.deep.equal(['behind']);
    expect(connection.state).to.equal('open');
  });

  it('that breaks off fails the connection with 1011 when a part has left', async () => {
    const { connection, peer } = rawPair('server');
    const sent = connection.send(new Broken(400_000, 2));
    expect(await outcome(sent)).to.have.property('message', 'unreadable');
    await settle(20);
    expect(peer.closes).to.deep.equal(['1011']);
    expect(peer.frames.some(({ opcode, fin }) => fin && opcode === Opcode.Continuation)).to.equal(false);
    connection.terminate();
    const { error } = await connection.closed;
    expect(error?.cause).to.be.instanceOf(AntsError).with.property('code', 'ANTS_MESSAGE_CUT');
  });
});

describe('connection: whenSlow of a stream', () => {
  fakeClockInEachTest();

  /** A source that says whether it was read, and whether it was given back. */
  function source(): { readonly chunks: AsyncIterable<string>; readonly seen: string[] } {
    const seen: string[] = [];
    const iterator = {
      next: async () => {
        seen.push('read');
        return { done: seen.length > 1, value: 'chunk' } as IteratorResult<string>;
      },
      return: async () => {
        seen.push('returned');
        return { done: true, value: undefined } as IteratorResult<string>;
      },
    };
    return { chunks: { [Symbol.asyncIterator]: () => iterator }, seen };
  }

  for (const isOption of [true, false]) {
    it(`leaves it out before it begins (${isOption ? 'of the connection' : 'of the call'})`, async () => {
      const policy = { whenSlow: 'drop' as const };
      const { connection, peer } = rawPair('server', { highWaterMark: 1000, ...(isOption ? policy : {}) });
      peer.transport.pause();
      void connection.send('a'.repeat(1100));
      await settle();
      const { chunks, seen } = source();
      await connection.sendStream(chunks, isOption ? {} : policy);
      expect(await connection.sendFile('/no/such/file', isOption ? {} : policy)).to.equal(0);
      await settle();
      expect(seen).to.deep.equal(['returned']);
      expect(connection.stats).to.include({ droppedMessages: 2, messagesSent: 1 });
      peer.transport.resume();
      await settle();
      await connection.sendStream(source().chunks, policy);
      await settle();
      expect(peer.messages.map((message) => message.slice(0, 5))).to.deep.equal(['aaaaa', 'chunk']);
    });
  }

  it('cuts the connection before it begins', async () => {
    const { connection, peer } = rawPair('server', { highWaterMark: 1000 });
    peer.transport.pause();
    void connection.send('a'.repeat(1100));
    await settle();
    const { chunks, seen } = source();
    const sent = connection.sendStream(chunks, { whenSlow: 'terminate' });
    expect(await outcome(sent)).to.have.property('code', 'ANTS_CLOSED');
    const { error } = await connection.closed;
    expect(error?.cause).to.have.property('code', 'ANTS_SLOW_PEER');
    expect(seen).to.deep.equal(['returned']);
  });

  it('lets one that has begun wait', async () => {
    const { connection, peer } = rawPair('server', { highWaterMark: 1000, whenSlow: 'drop' });
    peer.transport.pause();
    const sent = connection.sendStream(
      Array.from({ length: 20 }, () => 'x'.repeat(500)),
      { fragmentSize: 500 },
    );
    await settle(20);
    expect(connection.stats.droppedMessages).to.equal(0);
    peer.transport.resume();
    await sent;
    await settle(20);
    expect(peer.frames.map(({ payload }) => payload.length).reduce((a, b) => a + b)).to.equal(10_000);
  });

  it('is checked', () => {
    const { connection } = rawPair('server');
    expect(() => connection.sendStream(['x'], { whenSlow: 'never' as 'drop' })).to.throw(
      TypeError,
      /whenSlow/,
    );
  });
});
