import { expect } from 'chai';
import type sinon from 'sinon';
import type { Connection } from '#src/connection/connection.js';
import { AntsError, CloseError, TimeoutError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClock } from '../support/clock.js';
import {
  isPending,
  outcome,
  type RawPeer,
  rawPair,
  record,
  recordCloses,
  roles,
  settle,
} from '../support/connections.js';

const badArguments: [code: unknown, reason: unknown, message: RegExp][] = [
  [999, '', /close code 999 can't be sent/],
  [1004, '', /1004/],
  [1005, 'x', /1005/],
  [1006, '', /1006/],
  [1015, '', /1015/],
  [1016, '', /1016/],
  [2999, '', /2999/],
  [5000, '', /5000/],
  [-1, '', /-1/],
  [1000.5, '', /1000\.5/],
  [Number.NaN, '', /NaN/],
  ['1000', '', /1000/],
  [1000, 'x'.repeat(124), /at most 123 bytes of UTF-8; this one has 124/],
  [1000, 'ä'.repeat(62), /this one has 124/],
  [1000, 42, /must be a string, not number/],
  [1000, new Uint8Array(4), /must be a string, not object/],
];

describe('connection: the closing handshake', () => {
  let clock: sinon.SinonFakeTimers;

  beforeEach(() => {
    clock = fakeClock();
  });

  afterEach(() => {
    clock.restore();
  });

  for (const role of roles) {
    it(`begun here: code and reason go out, the echo comes back, the server ends TCP first (${role})`, async () => {
      const { connection, peer, transport } = rawPair(role);
      const closes = recordCloses(connection);
      const states: string[] = [connection.state];
      void connection.send('before');
      const closed = connection.close(4000, 'för ever');
      states.push(connection.state);
      await settle();
      expect(peer.messages).to.deep.equal(['before']);
      expect(peer.closes).to.deep.equal(['4000 för ever']);
      expect(transport.hasEnded).to.equal(false);
      peer.close(4000, 'för ever');
      await settle();
      expect(transport.hasEnded).to.equal(role === 'server');
      expect(closes).to.be.empty;
      peer.end();
      const info = await closed;
      states.push(connection.state);
      expect(info).to.deep.equal({
        code: 4000,
        reason: 'för ever',
        wasClean: true,
        unsentBytes: 0,
        error: undefined,
      });
      expect(closes).to.deep.equal([info]);
      expect(transport.hasEnded).to.equal(true);
      expect(states).to.deep.equal(['open', 'closing', 'closed']);
      expect(clock.countTimers()).to.equal(0);
      const error = await outcome(connection.receive());
      expect(error)
        .to.be.instanceOf(CloseError)
        .with.include({ closeCode: 4000, reason: 'för ever', wasClean: true });
      expect(error).to.deep.include({
        sent: { code: 4000, reason: 'för ever' },
        received: { code: 4000, reason: 'för ever' },
      });
      expect((error as Error).message).to.equal(
        'the connection has ended; sent 4000 (private use) "för ever", received 4000 (private use) "för ever"',
      );
    });

    it(`begun there: the code is echoed, and recorded on both sides (${role})`, async () => {
      const { connection, peer, transport } = rawPair(role);
      const closed = connection.closed;
      peer.close(1001, 'moving');
      await settle();
      expect(connection.state).to.equal('closing');
      expect(peer.closes).to.deep.equal(['1001']);
      expect(transport.hasEnded).to.equal(role === 'server');
      peer.end();
      expect(await closed).to.deep.equal({
        code: 1001,
        reason: 'moving',
        wasClean: true,
        unsentBytes: 0,
        error: undefined,
      });
      expect(transport.hasEnded).to.equal(true);
      expect(await outcome(connection.receive())).to.deep.include({
        sent: { code: 1001, reason: '' },
        received: { code: 1001, reason: 'moving' },
      });
    });

    it(`an empty Close is echoed empty, and is 1005 (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      peer.close();
      await settle();
      expect(peer.closes).to.deep.equal(['']);
      peer.end();
      expect(await connection.closed).to.include({ code: 1005, reason: '', wasClean: true });
    });

    it(`close(1005) sends an empty one (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      void connection.close(1005);
      await settle();
      expect(peer.closes).to.deep.equal(['']);
    });

    it(`close() is 1000, asyncDispose too (${role})`, async () => {
      for (const end of [
        (c: Connection) => c.close(),
        (c: Connection) => c.close(undefined, undefined, {}),
        (c: Connection) => c[Symbol.asyncDispose](),
      ]) {
        const { connection, peer } = rawPair(role);
        const ended = end(connection);
        await settle();
        expect(peer.closes).to.deep.equal(['1000']);
        expect(await isPending(Promise.resolve(ended))).to.equal(true);
        peer.close(1000);
        peer.end();
        await ended;
        expect(connection.state).to.equal('closed');
      }
    });

    it(`frames behind a Close are ignored (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const { messages } = record(connection);
      peer.raw(
        Buffer.concat([
          peer.encode(Opcode.Close, Buffer.of(3, 232)),
          peer.encode(Opcode.Text, 'late'),
          peer.encode(Opcode.Close, Buffer.of(15, 160)),
          Buffer.of(0xff),
        ]),
      );
      peer.texts('later');
      await settle();
      peer.end();
      expect(await connection.closed).to.include({ code: 1000, wasClean: true });
      expect(messages).to.be.empty;
      expect(peer.closes).to.deep.equal(['1000']);
    });

    it(`a second close changes nothing and resolves as the first (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const first = connection.close(4001, 'one');
      const second = connection.close(4002, 'two');
      await settle();
      expect(peer.closes).to.deep.equal(['4001 one']);
      peer.close(4001);
      peer.end();
      expect(await first).to.equal(await second);
      expect(await connection.close()).to.equal(await first);
      expect(peer.closes).to.deep.equal(['4001 one']);
    });

    it(`what cannot be sent is a TypeError in every state, and changes none (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const tryAll = (): void => {
        for (const [code, reason, message] of badArguments) {
          expect(() => connection.close(code as number, reason as string)).to.throw(TypeError, message);
        }
      };
      tryAll();
      expect(connection.state).to.equal('open');
      void connection.close(1000, 'x'.repeat(123));
      tryAll();
      peer.close();
      peer.end();
      await connection.closed;
      tryAll();
      expect(peer.closes).to.deep.equal([`1000 ${'x'.repeat(123)}`]);
    });
  }

  it('of two ends of this library', async () => {
    for (const [from, to] of [
      ['client', 'server'],
      ['server', 'client'],
    ] as const) {
      const pair = connectedPair();
      const infos = await Promise.all([pair[from].close(4000, 'bye'), pair[to].closed]);
      expect(infos[0]).to.include({ code: 4000, reason: '', wasClean: true, error: undefined });
      expect(infos[1]).to.include({ code: 4000, reason: 'bye', wasClean: true });
      expect(infos[1].error).to.be.instanceOf(CloseError);
      expect(clock.countTimers()).to.equal(0);
    }
  });

  it('begun by both at the same time: each keeps the code of the other', async () => {
    const { client, server, serverTransport, clientTransport } = connectedPair();
    await settle();
    const infos = await Promise.all([client.close(4001, 'c'), server.close(4002, 's')]);
    expect(infos[0]).to.include({ code: 4002, reason: 's', wasClean: true, error: undefined });
    expect(infos[1]).to.include({ code: 4001, reason: 'c', wasClean: true, error: undefined });
    expect([serverTransport.hasEnded, clientTransport.hasEnded]).to.deep.equal([true, true]);
    expect(serverTransport.counts.writes).to.equal(1);
  });

  it('goes on behind large data, which arrives before', async () => {
    const { client, server } = connectedPair();
    const { messages } = record(client);
    void server.send(Buffer.alloc(1_000_000, 1));
    void server.send('x'.repeat(500_000));
    expect(await server.close()).to.include({ wasClean: true, unsentBytes: 0 });
    expect(messages.map((message) => message.length)).to.deep.equal([1_000_000, 500_000]);
  });

  describe('deadline', () => {
    for (const role of roles) {
      it(`starts when our Close has left, not before (${role})`, async () => {
        const { connection, peer } = rawPair(role, { closeTimeout: 1000 });
        peer.transport.pause();
        const closed = connection.close();
        await settle();
        await clock.tickAsync(10_000);
        expect(connection.state).to.equal('closing');
        peer.transport.resume();
        await settle();
        await clock.tickAsync(999);
        expect(connection.state).to.equal('closing');
        await clock.tickAsync(1);
        const info = await closed;
        expect(info).to.include({ code: 1006, wasClean: false });
        expect(info.error?.cause).to.be.instanceOf(TimeoutError).with.property('code', 'ANTS_CLOSE_TIMEOUT');
        expect(info.error?.message).to.match(/within 1000 ms \(closeTimeout\)/);
        expect(peer.closed).to.equal(true);
        expect(clock.countTimers()).to.equal(0);
      });

      it(`ends the wait for the end of TCP, which is a clean end all the same (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        const closes = recordCloses(connection);
        peer.close(1000);
        await settle();
        await clock.tickAsync(4999);
        expect(closes).to.be.empty;
        await clock.tickAsync(1);
        await settle();
        expect(closes).to.have.lengthOf(1);
        expect(closes[0]).to.include({ code: 1000, wasClean: true, error: undefined });
        expect(peer.closed).to.equal(true);
      });

      it(`ends a peer that stays half open after its FIN (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        peer.transport.pause();
        peer.end();
        await settle();
        await clock.tickAsync(5000);
        expect(await connection.closed).to.include({ code: 1006 });
      });
    }

    it('of Infinity never ends anything', async () => {
      const { connection } = rawPair('server', { closeTimeout: Infinity, heartbeatInterval: Infinity });
      void connection.close();
      await settle();
      await clock.tickAsync(60_000);
      await settle();
      expect(connection.state).to.equal('closing');
      expect(clock.countTimers()).to.equal(0);
      connection.terminate();
      await connection.closed;
    });

    it('can be longer than a timer can', async () => {
      const { connection } = rawPair('server', { closeTimeout: 2 ** 33 });
      void connection.close();
      await settle();
      await clock.tickAsync(2 ** 33 - 1);
      expect(connection.state).to.equal('closing');
      // Long alarms ring together, up to a fiftieth later.
      await clock.tickAsync(2 ** 33 / 50);
      expect((await connection.closed).code).to.equal(1006);
    });
  });

  describe('is cut short when the peer vanishes', () => {
    const steps: Record<string, (peer: RawPeer, connection: Connection) => void | Promise<void>> = {
      'at rest': () => {},
      'in a header': (peer) => peer.raw(peer.encode(Opcode.Text, 'x'.repeat(300)).subarray(0, 3)),
      'in a frame': (peer) => peer.raw(peer.encode(Opcode.Text, 'hello').subarray(0, -1)),
      'in a control frame': (peer) => peer.raw(peer.encode(Opcode.Ping, 'hello').subarray(0, -1)),
      'in a message': (peer) => peer.frame(Opcode.Text, 'hello', false),
      'in a Close frame': (peer) => peer.raw(peer.encode(Opcode.Close, Buffer.of(3, 232)).subarray(0, -1)),
      'after our Close': async (_peer, connection) => {
        void connection.close(4000);
        await settle();
      },
    };
    for (const role of roles) {
      for (const [name, step] of Object.entries(steps)) {
        for (const way of ['end', 'reset'] as const) {
          it(`${name}, by ${way === 'end' ? 'FIN' : 'RST'} (${role})`, async () => {
            const { connection, peer } = rawPair(role);
            const closes = recordCloses(connection);
            await settle();
            await step(peer, connection);
            await settle();
            peer[way]();
            const info = await connection.closed;
            expect(info).to.include({ code: 1006, reason: '', wasClean: false });
            expect(info.error)
              .to.be.instanceOf(CloseError)
              .with.include({ closeCode: 1006, received: undefined });
            const cause = info.error?.cause as Error & { code: string };
            if (way === 'reset') expect(cause.message).to.equal('read ECONNRESET');
            else expect(cause).to.be.instanceOf(AntsError).with.property('code', 'ANTS_NO_CLOSE_FRAME');
            const isMidMessage = name.startsWith('in ');
            if (way === 'end') expect(cause.message.includes('middle of a message')).to.equal(isMidMessage);
            expect(info.error?.message).to.include(cause.message);
            await settle();
            expect(closes).to.deep.equal([info]);
            expect(peer.closed).to.equal(true);
            expect(clock.countTimers()).to.equal(0);
          });
        }
      }

      it(`after its Close, by RST: the handshake was complete if our echo had left (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        void connection.closed;
        peer.close(1000);
        await settle();
        peer.reset();
        expect(await connection.closed).to.include({ code: 1000, wasClean: true });

        const stuck = rawPair(role);
        void stuck.connection.closed;
        stuck.peer.transport.pause();
        stuck.peer.close(1000);
        await settle();
        stuck.peer.reset();
        const info = await stuck.connection.closed;
        expect(info).to.include({ code: 1000, wasClean: false });
        expect(info.unsentBytes).to.be.greaterThan(0);
      });

      it(`after both Close frames, by RST (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        const closed = connection.close();
        await settle();
        peer.close(1000);
        await settle();
        peer.reset();
        expect(await closed).to.include({ code: 1000, wasClean: true, error: undefined });
      });

      it(`before the connection has started (${role})`, async () => {
        for (const way of ['end', 'reset'] as const) {
          const { connection, peer } = rawPair(role);
          peer[way]();
          expect(await connection.closed).to.include({ code: 1006, wasClean: false });
        }
      });
    }

    it('tells when the transport closes without an error and without a Close frame', async () => {
      for (const cut of [false, true]) {
        const { connection, peer, transport } = rawPair('server');
        await settle();
        if (cut) peer.frame(Opcode.Text, 'a', false);
        await settle();
        transport.destroy();
        const { error } = await connection.closed;
        expect(error?.cause).to.have.property('code', 'ANTS_NO_CLOSE_FRAME');
        expect(error?.message).to.match(
          cut ? /without a Close frame, in the middle of a message$/ : /Close frame$/,
        );
      }
    });

    it('and has an error without a message of its own say its name', async () => {
      const { connection, transport } = rawPair('server');
      const start = transport.start.bind(transport);
      transport.start = (handler) => {
        start(handler);
        handler.onClose(new Error(''));
      };
      expect((await connection.closed).error?.message).to.match(/: Error$/);
    });
  });

  describe('FIN without a Close frame', () => {
    it('still lets out what was sent before', async () => {
      const { connection, peer } = rawPair('server');
      record(connection);
      await settle();
      void connection.send('a');
      peer.end();
      await settle();
      expect(peer.messages).to.deep.equal(['a']);
      expect(peer.ended).to.equal(true);
    });

    it('also when that is more than the transport takes at a time', async () => {
      const { connection, peer } = rawPair('client');
      record(connection);
      await settle();
      peer.transport.incoming.stall(0);
      for (let i = 0; i < 5; i++) void connection.send(`${i}`.repeat(100_000));
      peer.end();
      await settle();
      expect(connection.state).to.equal('closing');
      peer.transport.incoming.stall(Infinity);
      await settle();
      expect(peer.messages.map((message) => message.length)).to.deep.equal(Array(5).fill(100_000));
      expect(peer.ended).to.equal(true);
      expect((await connection.closed).unsentBytes).to.equal(0);
    });

    it('right behind a Close still gets the echo of it, also behind a Blob', async () => {
      for (const role of roles) {
        const { connection, peer } = rawPair(role);
        let load!: () => void;
        const blob = new Blob(['blob']);
        const arrayBuffer = blob.arrayBuffer.bind(blob);
        blob.arrayBuffer = () => new Promise<void>((resolve) => (load = resolve)).then(arrayBuffer);
        void connection.send(blob);
        peer.close(1000);
        peer.end();
        await settle();
        expect(peer.frames).to.be.empty;
        load();
        expect(await connection.closed).to.include({ code: 1000, wasClean: true });
        expect(peer.frames.map(({ opcode }) => opcode)).to.deep.equal([Opcode.Binary, Opcode.Close]);
      }
    });
  });

  describe('after a failure', () => {
    for (const role of roles) {
      it(`tells the peer why, ends TCP itself and lets what comes flow by (${role})`, async () => {
        const { connection, peer, transport } = rawPair(role, { maxMessageSize: 10 });
        const { messages, closes } = record(connection);
        peer.frame(Opcode.Text, 'x'.repeat(11));
        await settle();
        expect(peer.closes).to.deep.equal([
          '1009 a message of at least 11 bytes is larger than maxMessageSize (10)',
        ]);
        expect(transport.hasEnded).to.equal(true);
        peer.texts('a', 'b');
        peer.close(1009);
        await settle();
        expect(peer.transport.pendingBytes).to.equal(0);
        peer.end();
        await settle();
        expect(messages).to.be.empty;
        expect(closes).to.have.lengthOf(1);
        expect(closes[0]).to.include({ code: 1006, wasClean: false });
        expect(closes[0]?.error?.cause).to.have.property('code', 'ANTS_MESSAGE_TOO_BIG');
        expect(closes[0]?.error?.sent?.code).to.equal(1009);
      });

      it(`while we wait for the peer's Close: ends TCP, and sends no second one (${role})`, async () => {
        const { connection, peer, transport } = rawPair(role);
        const closed = connection.close(4000);
        await settle();
        peer.raw(Buffer.of(0xff));
        await settle();
        expect(peer.closes).to.deep.equal(['4000']);
        expect(transport.hasEnded).to.equal(true);
        peer.end();
        const info = await closed;
        expect(info.code).to.equal(1006);
        expect(info.error?.cause).to.have.property('code', 'ANTS_RESERVED_BITS');
      });

      it(`while our Close has not left: ends TCP behind it (${role})`, async () => {
        const { connection, peer, transport } = rawPair(role);
        peer.transport.pause();
        const closed = connection.close(4000);
        peer.raw(Buffer.of(0xff));
        await settle();
        expect(transport.hasEnded).to.equal(false);
        peer.transport.resume();
        await settle();
        expect(peer.closes).to.deep.equal(['4000']);
        expect(transport.hasEnded).to.equal(true);
        peer.end();
        expect((await closed).error?.cause).to.have.property('code', 'ANTS_RESERVED_BITS');
      });

      it(`has a deadline, too (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        record(connection);
        peer.raw(Buffer.of(0xff));
        await settle();
        await clock.tickAsync(5000);
        const { error } = await connection.closed;
        expect(error?.cause).to.have.property('code', 'ANTS_RESERVED_BITS');
        expect(peer.closed).to.equal(true);
      });
    }

    it('that is not the fault of the peer: 1011, and no word why', async () => {
      const { connection, peer } = rawPair('server');
      void connection.closed;
      void connection.ping('p');
      await settle();
      const failure = new RangeError('no clock');
      const { now } = performance;
      performance.now = () => {
        performance.now = now;
        throw failure;
      };
      peer.frame(Opcode.Pong, 'p');
      await settle();
      expect(performance.now).to.equal(now);
      expect(peer.closes).to.deep.equal(['1011']);
      peer.end();
      expect((await connection.closed).error?.cause).to.equal(failure);
    });
  });

  describe('terminate', () => {
    const states: Record<string, (connection: Connection, peer: RawPeer) => void | Promise<void>> = {
      'before the start': () => {},
      'when open': () => settle(),
      'when the peer does not read': async (connection, peer) => {
        peer.transport.pause();
        void connection.send('x');
        await settle();
      },
      'when closing': async (connection) => {
        void connection.close();
        await settle();
      },
      'when the peer has closed': async (connection, peer) => {
        void connection.closed;
        peer.close(1000);
        await settle();
      },
      'when failed': async (connection, peer) => {
        void connection.closed;
        peer.raw(Buffer.of(0xff));
        await settle();
      },
      'when the peer has ended TCP': async (connection, peer) => {
        void connection.closed;
        peer.transport.pause();
        peer.end();
        await settle();
      },
    };
    for (const role of roles) {
      for (const [name, reach] of Object.entries(states)) {
        it(`${name}: close follows once, nothing stays behind (${role})`, async () => {
          const { connection, peer } = rawPair(role);
          const closes = recordCloses(connection);
          await reach(connection, peer);
          connection.terminate();
          connection.terminate();
          expect(connection.state).to.equal('closing');
          const info = await connection.closed;
          connection.terminate();
          await settle();
          expect(closes).to.deep.equal([info]);
          expect(info.wasClean).to.equal(name === 'when the peer has closed');
          expect(connection.state).to.equal('closed');
          expect(peer.closed).to.equal(true);
          expect(clock.countTimers()).to.equal(0);
        });
      }
    }

    it('in a listener, over a transport that is gone at once', async () => {
      const { connection, peer, transport } = rawPair('server');
      const log: unknown[] = [];
      const start = transport.start.bind(transport);
      transport.start = (handler) => {
        transport.destroy = () => handler.onClose(undefined);
        start(handler);
      };
      connection.on('message', (message) => {
        log.push(message);
        connection.terminate();
        // The close comes when this is done, not in the middle.
        log.push(connection.state);
      });
      connection.on('close', ({ code }) => log.push(code));
      peer.texts('a', 'b');
      await settle();
      expect(log).to.deep.equal(['a', 'closing', 1006]);
    });

    it('has itself as cause', async () => {
      const { connection } = rawPair('server');
      connection.terminate();
      const { code, error } = await connection.closed;
      expect(code).to.equal(1006);
      expect(error?.cause).to.be.instanceOf(AntsError).with.include({
        code: 'ANTS_TERMINATED',
        message: 'terminate() was called',
      });
    });

    it('has the cause that it is given', async () => {
      const { connection } = rawPair('server');
      const cause = new Error('the user was banned');
      connection.terminate(cause);
      const { error } = await connection.closed;
      expect(error?.cause).to.equal(cause);
      expect(error?.message).to.include('the user was banned');
    });
  });

  describe('can be begun', () => {
    it('in listeners of message, ping and pong, and messages go on until the peer closes', async () => {
      const { connection, peer } = rawPair('server');
      const log: string[] = [];
      connection.on('message', (message) => {
        log.push(String(message));
        void connection.close(4000);
      });
      connection.on('ping', () => void connection.close(4001));
      connection.on('pong', () => void connection.close(4002));
      peer.texts('a', 'b');
      await settle();
      expect(peer.closes).to.deep.equal(['4000']);
      expect(log).to.deep.equal(['a', 'b']);
      for (const [opcode, code] of [
        [Opcode.Ping, '4001'],
        [Opcode.Pong, '4002'],
      ] as const) {
        const other = rawPair('client');
        other.connection.on('ping', () => void other.connection.close(4001));
        other.connection.on('pong', () => void other.connection.close(4002));
        other.peer.frame(opcode);
        await settle();
        expect(other.peer.closes).to.deep.equal([code]);
      }
    });

    it('in a listener of close, which is too late', async () => {
      const { connection, peer } = rawPair('server');
      const results: unknown[] = [];
      connection.on('close', (info) => {
        expect(connection.state).to.equal('closed');
        connection.terminate();
        connection.pause();
        connection.resume();
        results.push(info, connection.close(), outcome(connection.send('x')), outcome(connection.receive()));
      });
      peer.reset();
      const info = await connection.closed;
      const [seen, closed, sent, received] = await Promise.all(results);
      expect([seen, closed]).to.deep.equal([info, info]);
      expect([sent, received]).to.deep.equal([info.error, info.error]);
    });

    it('with a signal that ends the wait for it, not the closing', async () => {
      const { connection, peer } = rawPair('server');
      const controller = new AbortController();
      const closed = connection.close(1000, '', { signal: controller.signal });
      await settle();
      controller.abort('enough');
      expect(await outcome(closed)).to.equal('enough');
      expect(connection.state).to.equal('closing');
      peer.close(1000);
      peer.end();
      expect(await connection.close(1000, '', { signal: new AbortController().signal })).to.include({
        wasClean: true,
      });
    });

    it('not with a signal that was aborted before', async () => {
      const { connection } = rawPair('server');
      const closed = connection.close(1000, '', { signal: AbortSignal.abort('no') });
      expect(await outcome(closed)).to.equal('no');
      expect(connection.state).to.equal('open');
    });
  });

  it('emits close after the last message, and before closed resolves', async () => {
    const { connection, peer } = rawPair('server');
    const log: string[] = [];
    void connection.closed.then(() => log.push('closed'));
    connection.on('message', (message) => log.push(String(message)));
    connection.on('close', () => log.push('close'));
    peer.texts('a');
    peer.close(1000);
    peer.end();
    await settle();
    expect(log).to.deep.equal(['a', 'close', 'closed']);
  });
});
