import { expect } from 'chai';
import type sinon from 'sinon';
import type { Connection } from '#src/connection/connection.js';
import { CloseError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { fakeClock } from '../support/clock.js';
import {
  closePayload,
  isPending,
  outcome,
  type RawPeer,
  rawPair,
  record,
  recordCloses,
  roles,
  settle,
} from '../support/connections.js';

/** How a peer can end: what it does, and what is on record of it when its turn has come. */
const ends: Record<
  string,
  { end: (peer: RawPeer) => void; code: number; wasClean: boolean; quiet: boolean; cause?: string }
> = {
  'Close 1000': { end: (peer) => peer.close(1000), code: 1000, wasClean: true, quiet: true },
  'Close 1001': { end: (peer) => peer.close(1001), code: 1001, wasClean: true, quiet: true },
  'an empty Close': { end: (peer) => peer.close(), code: 1005, wasClean: true, quiet: true },
  'Close 4000': { end: (peer) => peer.close(4000, 'why'), code: 4000, wasClean: true, quiet: false },
  'Close 1011': { end: (peer) => peer.close(1011), code: 1011, wasClean: true, quiet: false },
  'a protocol error': {
    end: (peer) => peer.raw(Buffer.of(0xf1, 0)),
    code: 1006,
    wasClean: false,
    quiet: false,
    cause: 'ANTS_RESERVED_BITS',
  },
  FIN: { end: (peer) => peer.end(), code: 1006, wasClean: false, quiet: false, cause: 'ANTS_NO_CLOSE_FRAME' },
  RST: { end: (peer) => peer.reset(), code: 1006, wasClean: false, quiet: false, cause: 'ECONNRESET' },
};

/** Ends TCP as a peer does that has seen the Close frame of the connection. */
async function finish(peer: RawPeer): Promise<void> {
  await settle();
  peer.end();
  await settle();
}

function expectEnd(error: unknown, name: string): void {
  const { code, wasClean, cause } = ends[name]!;
  expect(error).to.be.instanceOf(CloseError).with.include({ closeCode: code, wasClean });
  if (cause !== undefined) expect(error).to.have.nested.property('cause.code', cause);
}

/** Sends two messages and the end behind them. */
async function twoMessagesAndTheEnd(peer: RawPeer, name: string): Promise<void> {
  peer.texts('a', 'b');
  await settle();
  ends[name]!.end(peer);
  await settle();
}

describe('connection: the end comes behind the messages before it', () => {
  let clock: sinon.SinonFakeTimers;

  beforeEach(() => {
    clock = fakeClock();
  });

  afterEach(() => {
    clock.restore();
  });

  for (const [name, { quiet, code }] of Object.entries(ends)) {
    for (const role of roles) {
      it(`${name}: for await gets all, then ends (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        const closes = recordCloses(connection);
        await twoMessagesAndTheEnd(peer, name);
        expect(closes).to.be.empty;
        const seen: unknown[] = [];
        const loop = outcome(
          (async () => {
            for await (const message of connection) {
              await settle();
              expect(closes).to.be.empty;
              seen.push(message);
            }
          })(),
        );
        await settle(30);
        await finish(peer);
        const end = await loop;
        expect(seen).to.deep.equal(['a', 'b']);
        expect(closes).to.have.lengthOf(1);
        expect(closes[0]?.code).to.equal(code);
        if (quiet) expect(end).to.equal(undefined);
        else expectEnd(end, name);
        expect(closes[0]?.error).to.equal(quiet ? undefined : end);
        expect(clock.countTimers()).to.equal(0);
      });
    }

    it(`${name}: receive gets all, then rejects`, async () => {
      const { connection, peer } = rawPair('server');
      await twoMessagesAndTheEnd(peer, name);
      expect(await connection.receive()).to.equal('a');
      expect(await connection.receive()).to.equal('b');
      await settle();
      expect(peer.closes).to.be.empty;
      expect(peer.ended).to.equal(false);
      const last = outcome(connection.receive());
      await finish(peer);
      expectEnd(await last, name);
      expectEnd(await outcome(connection.receive()), name);
    });

    it(`${name}: listeners get all, then close`, async () => {
      const { connection, peer } = rawPair('server');
      await twoMessagesAndTheEnd(peer, name);
      const log: unknown[] = [];
      connection.on('message', (message) => {
        log.push(message);
        void connection.send(`${message} back`);
      });
      connection.on('close', (info) => log.push(info.code));
      await finish(peer);
      expect(log).to.deep.equal(['a', 'b', code]);
    });

    it(`${name}: is acted on after a fifth of the deadline when nobody reads, and the queue stays readable`, async () => {
      const { connection, peer } = rawPair('server', { closeTimeout: 1000 });
      const closes = recordCloses(connection);
      await twoMessagesAndTheEnd(peer, name);
      await clock.tickAsync(199);
      expect(closes).to.be.empty;
      expect(peer.closes).to.be.empty;
      await clock.tickAsync(1);
      await finish(peer);
      expect(closes).to.have.lengthOf(1);
      const seen: unknown[] = [];
      const end = await outcome(
        (async () => {
          for await (const message of connection) seen.push(message);
        })(),
      );
      expect(seen).to.deep.equal(['a', 'b']);
      if (quiet) expect(end).to.equal(undefined);
      else expectEnd(end, name);
      expect(clock.countTimers()).to.equal(0);
    });
  }

  it('is acted on when the deadline is half over while somebody is at work in a loop', async () => {
    const { connection, peer } = rawPair('server', { closeTimeout: 1000 });
    void outcome(
      (async () => {
        for await (const _ of connection) await new Promise(() => {});
      })(),
    );
    await twoMessagesAndTheEnd(peer, 'Close 1000');
    await clock.tickAsync(499);
    expect(peer.closes).to.be.empty;
    await clock.tickAsync(1);
    await settle();
    expect(peer.closes).to.deep.equal(['1000']);
  });

  it('drops nothing when the deadline comes first: who reads on gets all of it', async () => {
    const { connection, peer } = rawPair('server', { closeTimeout: 1000, receiveQueueMessages: 2 });
    const seen: unknown[] = [];
    const loop = outcome(
      (async () => {
        for await (const message of connection) {
          await new Promise((resolve) => setTimeout(resolve, 400));
          seen.push(message);
        }
      })(),
    );
    const texts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    peer.raw(
      Buffer.concat([
        ...texts.map((text) => peer.encode(Opcode.Text, text)),
        peer.encode(Opcode.Close, closePayload(1000)),
      ]),
    );
    await settle();
    // Seen at once, although most of the messages and the Close frame wait behind a full queue.
    peer.reset();
    await settle();
    for (let i = 0; i < 10; i++) {
      await clock.tickAsync(400);
      await settle();
    }
    expect(await loop).to.equal(undefined);
    expect(seen).to.deep.equal(texts);
  });

  it('is acted on at once when nobody reads and somebody waits for it, before or after it came', async () => {
    for (const isEarly of [true, false]) {
      const { connection, peer } = rawPair('server');
      if (isEarly) void connection.closed;
      await twoMessagesAndTheEnd(peer, 'Close 1000');
      expect(peer.closes).to.deep.equal(isEarly ? ['1000'] : []);
      void connection.closed;
      await settle();
      expect(peer.closes).to.deep.equal(['1000']);
      expect(await connection.receive()).to.equal('a');
    }
  });

  it('waits for the reader who came after somebody had asked for the end', async () => {
    const { connection, peer } = rawPair('server');
    void connection.closed;
    connection.run(async () => {
      for await (const message of connection) {
        await settle(5);
        await connection.send(message);
      }
    });
    await twoMessagesAndTheEnd(peer, 'Close 1000');
    await settle(30);
    expect(peer.messages).to.deep.equal(['a', 'b']);
    expect(peer.closes).to.deep.equal(['1000']);
  });

  const echoes: Record<string, (connection: Connection) => void> = {
    'for await with async work': (connection) =>
      connection.run(async () => {
        for await (const message of connection) {
          await settle(5);
          await connection.send(message);
        }
      }),
    'receive with async work': (connection) =>
      connection.run(async () => {
        for (;;) {
          const message = await connection.receive();
          await settle(5);
          void connection.send(message);
        }
      }),
    'consume, two at a time': (connection) =>
      connection.run(() =>
        connection.consume(
          async (message) => {
            await settle(5);
            void connection.send(message);
          },
          { concurrency: 2 },
        ),
      ),
    'a listener': (connection) => connection.on('message', (message) => connection.send(message)),
  };
  for (const [name, echo] of Object.entries(echoes)) {
    for (const role of roles) {
      it(`${name}: the echo of the last message goes before the echo of the Close frame (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        echo(connection);
        peer.raw(
          Buffer.concat([
            ...['a', 'b', 'c'].map((text) => peer.encode(Opcode.Text, text)),
            peer.encode(Opcode.Close, closePayload(4321)),
          ]),
        );
        await settle(60);
        expect(peer.messages).to.deep.equal(['a', 'b', 'c']);
        expect(peer.closes).to.deep.equal(['4321']);
        expect(peer.frames.at(-1)?.opcode).to.equal(Opcode.Close);
      });

      it(`${name}: and before the Close 1002 when a protocol error is in the same chunk (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        echo(connection);
        peer.raw(
          Buffer.concat([
            ...['a', 'b', 'c'].map((text) => peer.encode(Opcode.Text, text)),
            Buffer.of(0x83, 0),
            peer.encode(Opcode.Text, 'never'),
          ]),
        );
        await settle(60);
        expect(peer.messages).to.deep.equal(['a', 'b', 'c']);
        expect(peer.closes).to.have.lengthOf(1);
        expect(peer.closes[0]).to.match(/^1002 a frame has the reserved opcode 0x3/);
        expect(peer.frames.at(-1)?.opcode).to.equal(Opcode.Close);
        expect(peer.ended).to.equal(true);
      });
    }
  }

  it('close() and terminate() wait for nobody: the end that waits is acted on', async () => {
    for (const ending of ['close', 'terminate'] as const) {
      const { connection, peer } = rawPair('server');
      await twoMessagesAndTheEnd(peer, 'Close 4000');
      void connection[ending]();
      await finish(peer);
      const info = await connection.closed;
      expect(info).to.include({ code: 4000, wasClean: ending === 'close' });
      if (ending === 'terminate') expect(info.error?.cause).to.have.property('code', 'ANTS_TERMINATED');
      expect(await connection.receive()).to.equal('a');
    }
  });

  it('close() waits for nobody when the peer is gone already', async () => {
    const { connection, peer } = rawPair('server');
    await twoMessagesAndTheEnd(peer, 'RST');
    const closed = connection.close();
    await settle();
    expect(await isPending(closed)).to.equal(false);
    expect((await closed).error?.cause).to.have.property('code', 'ECONNRESET');
  });

  it('asking for closed after receive() is done with the message', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('a');
    peer.close(1000);
    expect(await connection.receive()).to.equal('a');
    await settle();
    expect(peer.closes).to.be.empty;
    const closed = connection.closed;
    await finish(peer);
    expect(await closed).to.include({ code: 1000, wasClean: true });
  });

  it('but not while a loop is at work on it', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('a');
    peer.close(1000);
    for await (const message of connection) {
      void connection.closed;
      await settle();
      expect(peer.closes).to.be.empty;
      void connection.send(message);
      void finish(peer);
    }
    expect(peer.frames.map(({ opcode }) => opcode)).to.deep.equal([Opcode.Text, Opcode.Close]);
  });

  it('adding a listener after receive() is, too', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('a');
    peer.close(1000);
    await connection.receive();
    connection.on('message', () => {});
    await finish(peer);
    expect(connection.state).to.equal('closed');
  });

  it('break and return() are, too', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('a');
    for await (const _ of connection) {
      peer.close(1000);
      await settle();
      expect(peer.closes).to.be.empty;
      break;
    }
    await finish(peer);
    expect(peer.closes).to.deep.equal(['1000']);
  });

  it('ignoreMessages() is, too', async () => {
    const { connection, peer } = rawPair('server');
    await twoMessagesAndTheEnd(peer, 'Close 1000');
    connection.ignoreMessages();
    await finish(peer);
    expect(connection.state).to.equal('closed');
  });

  for (const bad of [Buffer.of(0xf1, 0), Buffer.of(0x88, 0x80, 0, 0, 0, 0)]) {
    it(`nothing is parsed behind ${bad[0] === 0x88 ? 'a Close frame' : 'a failure'}, whatever waits`, async () => {
      const { connection, peer } = rawPair('server', { receiveQueueMessages: 2 });
      const pings: unknown[] = [];
      connection.on('ping', (payload) => pings.push(payload));
      const later = Buffer.concat([peer.encode(Opcode.Ping), peer.encode(Opcode.Text, 'never')]);
      peer.raw(Buffer.concat([peer.encode(Opcode.Text, 'a'), bad, later]));
      peer.raw(later);
      await settle();
      // Now while it is held back, then from a listener, then while closing.
      peer.raw(later);
      await settle();
      connection.pause();
      connection.resume();
      const { messages } = record(connection);
      await settle();
      peer.raw(later);
      await settle();
      expect(messages).to.deep.equal(['a']);
      expect(pings).to.be.empty;
      expect(connection.state).to.equal('closing');
    });
  }

  it('a Close frame behind a full queue waits unparsed, and is found although the peer is gone since', async () => {
    const { connection, peer } = rawPair('server', { receiveQueueMessages: 2 });
    peer.raw(
      Buffer.concat([
        ...['a', 'b', 'c', 'd'].map((text) => peer.encode(Opcode.Text, text)),
        peer.encode(Opcode.Close, closePayload(1000)),
      ]),
    );
    await settle();
    peer.reset();
    await settle();
    expect(connection.state).to.equal('closing');
    expect(await isPending(connection.closed)).to.equal(true);
    expect(await outcome(connection.send('x'))).to.be.instanceOf(CloseError);
    const seen: unknown[] = [];
    for await (const message of connection) seen.push(message);
    expect(seen).to.deep.equal(['a', 'b', 'c', 'd']);
    // Its Close frame was there; ours had no way any more.
    expect(await connection.closed).to.include({ code: 1000, wasClean: false });
  });

  it('a Close frame behind a full queue is answered although the peer has ended its side since', async () => {
    const { connection, peer } = rawPair('client', { receiveQueueMessages: 2 });
    peer.raw(
      Buffer.concat([
        ...['a', 'b', 'c', 'd'].map((text) => peer.encode(Opcode.Text, text)),
        peer.encode(Opcode.Close, closePayload(1000)),
      ]),
    );
    await settle();
    peer.end();
    await settle();
    const seen: unknown[] = [];
    for await (const message of connection) seen.push(message);
    expect(seen).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(peer.closes).to.deep.equal(['1000']);
    expect(await connection.closed).to.include({ code: 1000, wasClean: true });
  });

  it('a failure behind messages of a peer that is gone already is still the cause', async () => {
    const { connection, peer } = rawPair('server');
    peer.raw(Buffer.concat([peer.encode(Opcode.Text, 'a'), Buffer.of(0xf1, 0)]));
    await settle();
    peer.reset();
    await settle();
    expect(await connection.receive()).to.equal('a');
    const error = await outcome(connection.receive());
    expect(error).to.have.nested.property('cause.code', 'ANTS_RESERVED_BITS');
    expect(error).to.include({ sent: undefined, received: undefined });
  });

  it('terminate() in a listener stops the burst, also when messages were queued', async () => {
    for (const late of [false, true]) {
      const { connection, peer } = rawPair('server');
      const log: unknown[] = [];
      if (late) {
        peer.texts('a', 'b', 'c');
        await settle();
      }
      connection.on('message', (message) => {
        log.push(message);
        connection.terminate();
      });
      connection.on('close', ({ code }) => log.push(code));
      if (!late) peer.texts('a', 'b', 'c');
      await settle();
      expect(log).to.deep.equal(['a', 1006]);
    }
  });

  it('what is queued at the end is for late listeners, too, unless the connection was cut', async () => {
    const { connection, peer } = rawPair('server');
    await twoMessagesAndTheEnd(peer, 'Close 1000');
    void connection.close();
    await finish(peer);
    expect(connection.state).to.equal('closed');
    connection.terminate();
    const { messages } = record(connection);
    await settle();
    expect(messages).to.deep.equal(['a', 'b']);
  });

  describe('while closing', () => {
    it('messages still come, also to listeners, until the Close frame', async () => {
      const { connection, peer } = rawPair('client');
      const { messages, closes } = record(connection);
      void connection.close();
      await settle();
      peer.texts('a', 'b');
      await settle();
      expect(messages).to.deep.equal(['a', 'b']);
      peer.close(1000);
      peer.end();
      await settle();
      expect(closes).to.have.lengthOf(1);
    });

    it('reading goes on whatever held it, and what exceeds the queue is dropped', async () => {
      const { connection, peer, transport } = rawPair('client', { receiveQueueMessages: 3 });
      peer.texts('a', 'b', 'c', 'd', 'e');
      await settle();
      expect(transport.isPaused).to.equal(true);
      connection.pause();
      const closed = connection.close();
      connection.pause();
      await settle();
      peer.texts('f');
      peer.close(1000);
      peer.end();
      expect(await closed).to.include({ code: 1000, wasClean: true });
      const seen: unknown[] = [];
      for await (const message of connection) seen.push(message);
      expect(seen).to.deep.equal(['a', 'b', 'c']);
    });

    it('what follows a dropped message is dropped as well, so that there is no hole', async () => {
      const { connection, peer } = rawPair('client', { receiveQueueMessages: 2 });
      const closed = connection.close();
      await settle();
      peer.texts('a', 'b', 'c');
      await settle();
      expect(await connection.receive()).to.equal('a');
      expect(await connection.receive()).to.equal('b');
      const next = outcome(connection.receive());
      peer.texts('d', 'e');
      peer.close(1000);
      peer.end();
      await closed;
      expect(await next).to.be.instanceOf(CloseError);
    });

    it('pings are not answered any more, and are told', async () => {
      const { connection, peer } = rawPair('client');
      const pings: string[] = [];
      connection.on('ping', (payload) => pings.push(String(payload)));
      void connection.close();
      await settle();
      peer.frame(Opcode.Ping, 'p');
      await settle();
      expect(pings).to.deep.equal(['p']);
      expect(peer.pongs).to.be.empty;
    });
  });

  it('our own close ends iteration quietly, whatever the code and however it ended', async () => {
    for (const answer of ['close', 'reset', 'deadline'] as const) {
      const { connection, peer } = rawPair('server');
      const loop = (async () => {
        for await (const _ of connection) expect.fail('a message');
        return 'quiet';
      })();
      const closed = connection.close(4000);
      await settle();
      if (answer === 'close') peer.close(4000);
      if (answer === 'reset') peer.reset();
      if (answer === 'deadline') await clock.tickAsync(5000);
      else await finish(peer);
      const info = await closed;
      expect(await loop).to.equal('quiet');
      expect(info.error === undefined).to.equal(answer === 'close');
      expect(await outcome(connection.receive())).to.be.instanceOf(CloseError);
    }
  });

  it('closed never rejects, and is the same promise each time', async () => {
    const { connection, peer } = rawPair('server');
    const before = connection.closed;
    expect(connection.closed).to.equal(before);
    await settle();
    peer.reset();
    const info = await before;
    expect(info).to.include({ code: 1006, wasClean: false });
    expect(await connection.closed).to.equal(info);
    const other = rawPair('server');
    other.peer.reset();
    await settle();
    expect(await other.connection.closed).to.include({ code: 1006 });
  });
});
