import { connectedPair, seededChunks, TestClock } from 'ants-ws/testing';
import { expect } from 'chai';
import fc from 'fast-check';
import { type CloseError, ProtocolError, TimeoutError } from '#src/errors.js';
import { outcome, record, settle } from '../support/connections.js';

describe('testing: connectedPair', () => {
  it('connects two ends that are open at once, with what a handshake would have brought', async () => {
    const { client, server } = connectedPair<{ name: string }>({
      subprotocol: 'chat',
      url: '/rooms/1?x=y',
      rawHeaders: ['User-Agent', 'me'],
      serverData: { name: 'ada' },
    });
    for (const end of [client, server]) {
      expect(end).to.include({ state: 'open', subprotocol: 'chat' });
      expect(end.request.url).to.equal('/rooms/1?x=y');
      expect(end.request.headers.get('user-agent')).to.equal('me');
    }
    expect([client.role, server.role]).to.deep.equal(['client', 'server']);
    expect(server.data.name).to.equal('ada');
    expect(client.data).to.equal(undefined);
    await client.send('hello');
    expect(await server.receive()).to.equal('hello');
    expect(await client.close(1000, 'done')).to.include({ code: 1000, wasClean: true });
    expect(await server.closed).to.include({ code: 1000, reason: 'done', wasClean: true });
  });

  it('has the options of each end hold', async () => {
    const { client, server } = connectedPair({ server: { maxMessageSize: 4 } });
    void client.send('too long');
    const error = (await outcome(server.receive())) as CloseError;
    expect(error.cause).to.have.property('code', 'ANTS_MESSAGE_TOO_BIG');
    expect((await client.closed).code).to.equal(1009);
  });

  it('refuses options that it does not know, and those that cannot be', () => {
    expect(() => connectedPair({ chunk: 1 } as object)).to.throw(TypeError, /did you mean "chunks"/);
    expect(() => connectedPair({ chunks: 0 })).to.throw(RangeError, /size of a chunk/);
    expect(() => connectedPair({ chunks: [] })).to.throw(TypeError, /chunks must be/);
    expect(() => connectedPair({ chunks: 'x' as never })).to.throw(TypeError, /chunks must be/);
    expect(() => connectedPair({ delay: -1 })).to.throw(RangeError, /a delay must be/);
    expect(() => connectedPair({ delay: 'x' as never })).to.throw(TypeError, /delay must be/);
    expect(() => connectedPair({ client: { maxMessageSize: -1 } })).to.throw(TypeError, /maxMessageSize/);
  });

  describe('cuts what is written into chunks', () => {
    it('of one size, of sizes in turn, and of a function', async () => {
      for (const chunks of [1, [1, 5, 2], (index: number) => index + 1]) {
        const { client, server } = connectedPair({ chunks });
        const { messages } = record(server);
        void client.send('one');
        void client.send(Buffer.alloc(300, 7));
        await settle(10);
        expect(messages).to.deep.equal(['one', Buffer.alloc(300, 7)]);
      }
    });

    it('of seeded sizes, which are the same each time', async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 200 }), async (seed, largest) => {
          const sizes = Array.from({ length: 50 }, (_, index) => seededChunks(seed, largest)(index));
          expect(sizes).to.deep.equal(sizes.map((_, index) => seededChunks(seed, largest)(index)));
          expect(Math.min(...sizes)).to.be.at.least(1);
          expect(Math.max(...sizes)).to.be.at.most(largest);
          const { client, server } = connectedPair({ chunks: seededChunks(seed, largest) });
          void client.send('x'.repeat(500));
          expect(await server.receive()).to.have.lengthOf(500);
        }),
        { numRuns: 20 },
      );
      const varied = new Set(Array.from({ length: 100 }, (_, index) => seededChunks(1, 1000)(index)));
      expect(varied.size).to.be.above(50);
    });

    it('whose sizes are looked at when they come from a function', async () => {
      const { client, toServer } = connectedPair();
      expect(() => toServer.setChunks(Number.NaN)).to.throw(RangeError);
      expect(client.state).to.equal('open');
    });
  });

  describe('delays', () => {
    it('by the clock of the pair, in order', async () => {
      const clock = new TestClock();
      const delays = [30, 10, 20];
      const { client, server } = connectedPair({ clock, delay: (index) => delays[index % 3]! });
      const { messages } = record(server);
      await clock.settle();
      for (const message of ['a', 'b', 'c']) {
        void client.send(message);
        await clock.settle();
      }
      await clock.advance(29);
      expect(messages).to.deep.equal([]);
      await clock.advance(1);
      expect(messages).to.deep.equal(['a', 'b', 'c']);
    });

    it('is what a ping measures', async () => {
      const clock = new TestClock();
      const { client } = connectedPair({ clock, delay: 40 });
      const [latency] = await Promise.all([client.ping(), clock.advance(100)]);
      expect(latency).to.equal(80);
    });

    it('in real time without a clock', async () => {
      const { client, server } = connectedPair({ delay: 2 });
      void client.send('hello');
      expect(await server.receive()).to.equal('hello');
    });
  });

  describe('has faults', () => {
    it('cut: both ends lose the other', async () => {
      const { client, server, cut } = connectedPair();
      await client.send('before');
      expect(await server.receive()).to.equal('before');
      cut();
      for (const end of [client, server]) {
        const { code, wasClean, error } = await end.closed;
        expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false });
        expect(error?.cause).to.have.property('code', 'ECONNRESET');
      }
      const other = connectedPair();
      const cause = new Error('the tide came in');
      other.cut(cause);
      expect((await other.client.closed).error?.cause).to.equal(cause);
    });

    it('half-close: what was written before arrives, what comes later does not', async () => {
      const { client, server, toServer } = connectedPair();
      void client.send('before');
      await settle();
      toServer.halfClose();
      toServer.halfClose();
      void client.send('lost');
      expect(await server.receive()).to.equal('before');
      const { code, error } = await server.closed;
      expect(code).to.equal(1006);
      expect(error?.cause).to.have.property('code', 'ANTS_NO_CLOSE_FRAME');
      expect((await client.closed).code).to.equal(1006);
    });

    it('stall: nothing passes, or so many chunks, until it is resumed', async () => {
      const { client, server, toServer, toClient } = connectedPair({ chunks: 4 });
      const { messages } = record(server);
      await settle();
      toServer.stall();
      void client.send('ab');
      void client.send('cd');
      await settle();
      expect(messages).to.deep.equal([]);
      expect(toServer.pendingBytes).to.equal(16);
      toServer.stall(2);
      await settle();
      expect(messages).to.deep.equal(['ab']);
      expect(toServer.deliveredBytes).to.equal(8);
      // The other way is open.
      await server.send('still here');
      expect(await client.receive()).to.equal('still here');
      expect(toClient.pendingBytes).to.equal(0);
      toServer.resume();
      await settle();
      expect(messages).to.deep.equal(['ab', 'cd']);
    });

    it('corrupt: a byte that was not sent', async () => {
      const { client, server, toClient } = connectedPair();
      await settle();
      // The second byte of the header, whose highest bit says that the frame is masked.
      toClient.corrupt(0x80, 1);
      void server.send('x');
      const { error } = await client.closed;
      expect(error?.cause).to.be.instanceOf(ProtocolError).with.property('code', 'ANTS_MASK_FORBIDDEN');
    });

    it('corrupt: twice is not at all', async () => {
      const { client, server, toServer } = connectedPair();
      await settle();
      toServer.corrupt(0x0f, 6);
      toServer.corrupt(0x0f, 6);
      toServer.corrupt(0x01, 7);
      void client.send('aaa');
      expect(await server.receive()).to.equal('a`a');
    });
  });

  it('keeps time by its clock alone: deadlines, heartbeats, and none that is left over', async () => {
    const clock = new TestClock();
    const { client, server, toServer } = connectedPair({ clock });
    await clock.advance(300_000);
    expect([client.state, server.state]).to.deep.equal(['open', 'open']);
    toServer.stall();
    await clock.advance(30_000 + 30_000 + 5_000 + 2_000);
    const { error } = await server.closed;
    expect(error?.cause).to.be.instanceOf(TimeoutError).with.property('code', 'ANTS_HEARTBEAT_TIMEOUT');
    await client.closed;
    expect(clock.timers).to.equal(0);
  });
});
