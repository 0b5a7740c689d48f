import { Blob } from 'node:buffer';
import { expect } from 'chai';
import fc from 'fast-check';
import { acquireSlab, releaseSlab } from '#src/connection/slab-pool.js';
import { CloseError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { isPending, outcome, rawPair, record, roles, settle } from '../support/connections.js';
import { watchSignal } from '../support/signals.js';

const bytes = (...values: number[]): Buffer => Buffer.from(values);

/** A Blob whose bytes come when they are let. */
function slowBlob(text: string): { blob: Blob; load: () => void; fail: (error: Error) => void } {
  const blob = new Blob([text]);
  let load!: () => void;
  let fail!: (error: Error) => void;
  const gate = new Promise<void>((resolve, reject) => {
    load = resolve;
    fail = reject;
  });
  const arrayBuffer = blob.arrayBuffer.bind(blob);
  blob.arrayBuffer = () => gate.then(arrayBuffer);
  return { blob, load, fail };
}

describe('connection: send', () => {
  fakeClockInEachTest();

  for (const role of roles) {
    it(`sends strings as text and bytes as binary, in order with control frames (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      void connection.send('häl');
      void connection.send(bytes(1, 2));
      void connection.ping('p');
      void connection.send('');
      void connection.send(new Uint8Array(0));
      await settle();
      expect(peer.frames).to.deep.equal([
        { opcode: Opcode.Text, fin: true, payload: Buffer.from('häl') },
        { opcode: Opcode.Binary, fin: true, payload: bytes(1, 2) },
        { opcode: Opcode.Ping, fin: true, payload: Buffer.from('p') },
        { opcode: Opcode.Text, fin: true, payload: Buffer.alloc(0) },
        { opcode: Opcode.Binary, fin: true, payload: Buffer.alloc(0) },
      ]);
    });

    it(`sends exactly the bytes inside the view (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const block = new ArrayBuffer(16);
      new Uint8Array(block).set(Array.from({ length: 16 }, (_, i) => i));
      const shared = new SharedArrayBuffer(2);
      new Uint8Array(shared).set([7, 8]);
      const inputs = [
        new Uint8Array(block, 3, 2),
        new Uint16Array(block, 2, 2),
        new DataView(block, 5, 3),
        new Float64Array(block, 8, 1),
        new BigInt64Array(block, 8, 0),
        block.slice(14),
        new ArrayBuffer(0),
        shared,
        new SharedArrayBuffer(0),
        new Uint8Array(shared, 1),
        Buffer.from(block).subarray(1, 2),
      ];
      for (const input of inputs) void connection.send(input);
      await settle();
      expect(peer.frames.map(({ payload }) => [...payload])).to.deep.equal([
        [3, 4],
        [2, 3, 4, 5],
        [5, 6, 7],
        [8, 9, 10, 11, 12, 13, 14, 15],
        [],
        [14, 15],
        [],
        [7, 8],
        [],
        [8],
        [1],
      ]);
      expect(peer.frames.every(({ opcode }) => opcode === Opcode.Binary)).to.equal(true);
    });

    it(`leaves the caller's memory as it was (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      for (const size of [10, 1000, 20_000, 200_000]) {
        const data = Buffer.alloc(size, 'abc');
        const sent = connection.send(data);
        expect(data.equals(Buffer.alloc(size, 'abc'))).to.equal(true);
        await sent;
        await settle();
        expect(data.equals(Buffer.alloc(size, 'abc'))).to.equal(true);
        expect(peer.frames.at(-1)?.payload.equals(data)).to.equal(true);
      }
    });

    it(`sends messages of any size and mix, whatever the chunks (${role})`, async () => {
      const sizes = fc.array(
        fc.oneof(fc.nat(300), fc.integer({ min: 16_000, max: 17_000 }), fc.nat(150_000)),
        {
          maxLength: 12,
        },
      );
      await fc.assert(
        fc.asyncProperty(sizes, fc.integer({ min: 1000, max: 70_000 }), async (lengths, chunkSize) => {
          const { client, server } = connectedPair({ chunks: chunkSize });
          const [from, to] = role === 'server' ? [server, client] : [client, server];
          const { messages } = record(to);
          const sent = lengths.map((length, i) =>
            i % 2 === 0 ? 'x'.repeat(length) : Buffer.alloc(length, i),
          );
          for (const message of sent) void from.send(message);
          const wasClosed = Promise.all([from.close(), to.closed]);
          await wasClosed;
          expect(messages).to.deep.equal(sent);
        }),
        { numRuns: 15 },
      );
    });
  }

  it('replaces lone surrogates, as UTF-8 has none', async () => {
    const { connection, peer } = rawPair('server');
    void connection.send('a\ud800b');
    await settle();
    expect(peer.messages).to.deep.equal(['a\ufffdb']);
  });

  it('throws a TypeError at once for what it cannot send', () => {
    const { connection } = rawPair('server');
    const wrong: [unknown, RegExp][] = [
      [undefined, /not undefined/],
      [null, /not null/],
      [42, /not number/],
      [{ a: 1 }, /not object; turn objects into text with JSON.stringify/],
      [['a'], /not object/],
      [Symbol('s'), /not symbol/],
    ];
    for (const [data, message] of wrong) {
      expect(() => connection.send(data as string)).to.throw(TypeError, message);
    }
    expect(connection.bufferedAmount).to.equal(0);
  });

  it('throws a TypeError for memory that was transferred away', () => {
    const { connection } = rawPair('server');
    const views: ((block: ArrayBuffer) => ArrayBufferView | ArrayBuffer)[] = [
      (block) => block,
      (block) => new Uint8Array(block),
      (block) => new DataView(block),
      (block) => Buffer.from(block),
    ];
    for (const view of views) {
      const block = new ArrayBuffer(8);
      const data = view(block);
      structuredClone(block, { transfer: [block] });
      expect(() => connection.send(data)).to.throw(TypeError, /detached/);
    }
    expect(connection.bufferedAmount).to.equal(0);
  });

  describe('returns', () => {
    it('the same resolved promise while data is copied and below the mark', async () => {
      const { connection } = rawPair('server');
      const first = connection.send('a');
      expect(connection.send('b')).to.equal(first);
      expect(connection.send(Buffer.alloc(100))).to.equal(first);
      expect(rawPair('client').connection.send('c')).to.equal(first);
      expect(await isPending(first)).to.equal(false);
    });

    it('one shared pending promise above the mark, which resolves when the buffer has drained', async () => {
      const { connection, peer } = rawPair('client', { highWaterMark: 1000 });
      peer.transport.pause();
      const below = connection.send('x'.repeat(500));
      const above = connection.send('x'.repeat(600));
      expect(above).not.to.equal(below);
      expect(connection.send('y')).to.equal(above);
      await settle();
      expect(await isPending(above)).to.equal(true);
      peer.transport.resume();
      await above;
      expect(connection.send('z')).to.equal(below);
    });

    it('an own promise where memory is referenced, resolved when it was written', async () => {
      const { connection, peer } = rawPair('server', { highWaterMark: 1_000_000 });
      peer.transport.pause();
      const first = Buffer.alloc(48 * 1024, 1);
      const second = Buffer.alloc(300_000, 2);
      const sent = [connection.send(first), connection.send(second)];
      expect(sent[0]).not.to.equal(sent[1]);
      const copied = connection.send(Buffer.alloc(48 * 1024 - 1));
      expect(await isPending(copied)).to.equal(false);
      await settle();
      expect(await isPending(sent[0]!)).to.equal(true);
      expect(await isPending(sent[1]!)).to.equal(true);
      peer.transport.resume();
      // As soon as it resolves, the memory is the caller's.
      await sent[0];
      first.fill(0xff);
      await sent[1];
      second.fill(0xff);
      await settle();
      expect(peer.frames.map(({ payload }) => payload.length)).to.deep.equal([
        48 * 1024,
        300_000,
        48 * 1024 - 1,
      ]);
      expect(peer.frames[0]!.payload.equals(Buffer.alloc(48 * 1024, 1))).to.equal(true);
      expect(peer.frames[1]!.payload.equals(Buffer.alloc(300_000, 2))).to.equal(true);
    });

    it('at most memory that was copied on clients, as they mask', async () => {
      const { connection, peer } = rawPair('client', { highWaterMark: 1_000_000 });
      peer.transport.pause();
      const data = Buffer.alloc(100_000, 1);
      expect(await isPending(connection.send(data))).to.equal(false);
      data.fill(2);
      peer.transport.resume();
      await settle();
      expect(peer.frames[0]!.payload.equals(Buffer.alloc(100_000, 1))).to.equal(true);
    });

    it('a promise that can be given up; the message goes out all the same', async () => {
      const { connection, peer } = rawPair('client', { highWaterMark: 10 });
      peer.transport.pause();
      const controller = new AbortController();
      const sent = connection.send('x'.repeat(100), { signal: controller.signal });
      await settle();
      controller.abort('enough');
      expect(await outcome(sent)).to.equal('enough');
      peer.transport.resume();
      await settle();
      expect(peer.messages).to.deep.equal(['x'.repeat(100)]);
    });

    it('the rejection of a signal that was aborted before, and sends nothing', async () => {
      const { connection, peer } = rawPair('client');
      expect(await outcome(connection.send('x', { signal: AbortSignal.abort('no') }))).to.equal('no');
      await settle();
      expect(peer.frames).to.be.empty;
    });

    it('and no listener on the signal, as ping and close', async () => {
      const { connection, peer } = rawPair('client', { highWaterMark: 10 });
      const { signal } = new AbortController();
      const counts = watchSignal(signal);
      const waits: Promise<unknown>[] = [
        connection.send('x', { signal }),
        connection.send('x'.repeat(100), { signal }),
        connection.ping('p', { signal }),
        connection.ping('q', { signal }),
        connection.close(1000, '', { signal }),
      ];
      expect(counts.listeners).to.equal(5);
      await settle();
      peer.frame(Opcode.Pong, 'p');
      await waits[2];
      await settle();
      // What is left is the second ping, and the close.
      expect(counts.listeners).to.equal(2);
      peer.close(1000);
      peer.end();
      await Promise.all(waits.map(outcome));
      await settle();
      expect(counts.listeners).to.equal(0);
    });

    it('what the signal leaves alone', async () => {
      const { connection, peer } = rawPair('client', { highWaterMark: 10 });
      const { signal } = new AbortController();
      await connection.send('x'.repeat(100), { signal });
      expect(peer.messages).to.have.lengthOf(1);
    });
  });

  describe('after the end', () => {
    it('rejects with CloseError, which may be left unhandled, as those of ping and receive', async () => {
      const unhandled: unknown[] = [];
      const note = (error: unknown): number => unhandled.push(error);
      process.on('unhandledRejection', note);
      const { connection, peer } = rawPair('server', { highWaterMark: 10 });
      peer.transport.pause();
      void connection.send('x'.repeat(100));
      void connection.send('y', { signal: new AbortController().signal });
      void connection.send(Buffer.alloc(20_000));
      void connection.send(new Blob(['blob']));
      void connection.ping();
      void connection.ping('x', { signal: new AbortController().signal });
      void connection.receive();
      void connection.close(4000);
      void connection.send('closing');
      void connection.send(new Blob(['closing']));
      void connection.ping();
      void connection.send('aborted', { signal: AbortSignal.abort() });
      void connection.ping('aborted', { signal: AbortSignal.abort() });
      const closing = await outcome(connection.send('closing'));
      expect(closing).to.be.instanceOf(CloseError).with.include({ closeCode: 4000, wasClean: false });
      expect((closing as Error).message).to.match(/the connection is closing; sent 4000 \(private use\)/);
      connection.terminate();
      await connection.closed;
      void connection.send('closed');
      void connection.ping();
      void connection.receive();
      expect(await outcome(connection.send('closed'))).to.be.instanceOf(CloseError);
      await settle();
      process.off('unhandledRejection', note);
      expect(unhandled).to.be.empty;
    });

    it('still throws a TypeError for what it cannot send', async () => {
      const { connection } = rawPair('server');
      connection.terminate();
      expect(() => connection.send(1 as unknown as string)).to.throw(TypeError);
      await connection.closed;
      expect(() => connection.send(1 as unknown as string)).to.throw(TypeError);
    });

    it('rejects what still waits, with the CloseError of the end', async () => {
      const { connection, peer } = rawPair('server', { highWaterMark: 10 });
      peer.transport.pause();
      const waits = [
        connection.send('x'.repeat(100)),
        connection.send(Buffer.alloc(20_000)),
        connection.ping(),
      ];
      await settle();
      peer.reset();
      const errors = await Promise.all(waits.map(outcome));
      const { error } = await connection.closed;
      expect(errors).to.deep.equal([error, error, error]);
      expect(error).to.be.instanceOf(CloseError);
    });
  });

  describe('with fragmentSize', () => {
    for (const role of roles) {
      it(`cuts messages into frames, control frames in their place (${role})`, async () => {
        const { connection, peer } = rawPair(role, { fragmentSize: 4 });
        void connection.send('äbcdefg');
        void connection.send(bytes(1, 2, 3, 4));
        void connection.send(bytes(1, 2, 3, 4, 5));
        void connection.send('');
        await settle();
        expect(peer.frames.map(({ opcode, fin, payload }) => [opcode, fin, payload.length])).to.deep.equal([
          [Opcode.Text, false, 4],
          [Opcode.Continuation, true, 4],
          [Opcode.Binary, true, 4],
          [Opcode.Binary, false, 4],
          [Opcode.Continuation, true, 1],
          [Opcode.Text, true, 0],
        ]);
        expect(Buffer.concat(peer.frames.slice(0, 2).map(({ payload }) => payload)).toString()).to.equal(
          'äbcdefg',
        );
      });
    }

    it('copies large messages, so the memory is free at once', async () => {
      const { connection, peer } = rawPair('server', { fragmentSize: 30_000, highWaterMark: 1_000_000 });
      const data = Buffer.alloc(100_000, 1);
      expect(await isPending(connection.send(data))).to.equal(false);
      data.fill(2);
      await settle();
      const received = Buffer.concat(peer.frames.map(({ payload }) => payload));
      expect(received.equals(Buffer.alloc(100_000, 1))).to.equal(true);
    });
  });

  describe('with a Blob', () => {
    for (const role of roles) {
      it(`keeps the order, also of the Close frame (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        const first = slowBlob('first');
        const second = slowBlob('second');
        const sent = connection.send(first.blob);
        void connection.send('text');
        void connection.send(second.blob);
        const last = connection.send(Buffer.from('binary'));
        void connection.close(4000, 'bye');
        await settle();
        expect(peer.frames).to.be.empty;
        expect(connection.bufferedAmount).to.equal('firsttextsecondbinary'.length);
        second.load();
        await settle();
        expect(peer.frames).to.be.empty;
        first.load();
        await sent;
        await last;
        await settle();
        expect(peer.messages).to.deep.equal(['first', 'text', 'second', 'binary']);
        expect(peer.closes).to.deep.equal(['4000 bye']);
        expect(connection.bufferedAmount).to.equal(0);
      });
    }

    it('lets pings overtake', async () => {
      const { connection, peer } = rawPair('server');
      void connection.send(slowBlob('x').blob);
      void connection.ping('p');
      await settle();
      expect(peer.frames.map(({ opcode }) => opcode)).to.deep.equal([Opcode.Ping]);
    });

    it('that cannot be read: that send rejects, the others go on', async () => {
      const { connection, peer } = rawPair('server');
      const broken = slowBlob('x');
      const sent = outcome(connection.send(broken.blob));
      const behind = connection.send('behind');
      const failure = new Error('gone');
      broken.fail(failure);
      expect(await sent).to.equal(failure);
      await behind;
      await settle();
      expect(peer.messages).to.deep.equal(['behind']);
      expect(connection.state).to.equal('open');
      expect(connection.bufferedAmount).to.equal(0);
    });

    it('that cannot be read leaves a hold of reading behind no more than a mark', async () => {
      const { connection, peer } = rawPair('server', { highWaterMark: 10, readHold: 20 });
      const broken = slowBlob('x'.repeat(100));
      let drained = 0;
      connection.on('drain', () => drained++);
      void connection.send(broken.blob);
      const next = connection.receive();
      peer.texts('a');
      await settle();
      expect(peer.transport.pendingBytes).to.be.greaterThan(0);
      broken.fail(new Error('gone'));
      expect(await next).to.equal('a');
      expect(drained).to.equal(1);
    });

    it('terminated meanwhile: all that waits rejects, and nothing is sent', async () => {
      const { connection, peer } = rawPair('server');
      const slow = slowBlob('slow');
      const waits = [connection.send(slow.blob), connection.send('behind')].map(outcome);
      await settle();
      connection.terminate();
      const info = await connection.closed;
      expect(await Promise.all(waits)).to.deep.equal([info.error, info.error]);
      expect(info.unsentBytes).to.equal('slowbehind'.length);
      slow.load();
      await settle();
      expect(peer.frames).to.be.empty;
      expect(connection.bufferedAmount).to.equal(0);
    });

    it('is given up when the connection fails: the Close frame goes first', async () => {
      const { connection, peer } = rawPair('server');
      const slow = slowBlob('slow');
      const sent = outcome(connection.send(slow.blob));
      await settle();
      peer.raw(bytes(0xff));
      await settle();
      expect(peer.closes[0]).to.match(/^1002 /);
      expect(await sent).to.be.instanceOf(CloseError);
      slow.load();
      await settle();
      expect(peer.messages).to.be.empty;
      expect(connection.bufferedAmount).to.equal(0);
    });

    it('sends the empty one and the largest that fits one frame', async () => {
      const { connection, peer } = rawPair('server');
      await connection.send(new Blob([]));
      await connection.send(new Blob(['x'.repeat(65_522)]));
      await settle();
      expect(peer.messages.map((message) => message.length)).to.deep.equal([0, 65_522]);
    });
  });

  describe('writes once a turn', () => {
    it('for many messages and pongs', async () => {
      const { connection, peer, transport } = rawPair('server');
      await settle();
      for (let i = 0; i < 100; i++) void connection.send(`${i}`);
      void connection.ping();
      await settle();
      expect(peer.frames).to.have.lengthOf(101);
      expect(transport.counts.writes).to.equal(1);
    });

    it('also for handlers that answer in microtasks, some of them later than others', async () => {
      const { connection, peer, transport } = rawPair('server');
      connection.on('message', async (message) => {
        void connection.send(message);
        for (let i = 0; i < Number(message); i++) await undefined;
        void connection.send(`${message} again`);
      });
      peer.texts('0', '1', '20');
      await settle();
      expect(peer.messages).to.have.lengthOf(6);
      expect(transport.counts.writes).to.equal(1);
    });

    it('for a loop that echoes what is queued', async () => {
      const { connection, peer, transport } = rawPair('server');
      peer.texts(...Array.from({ length: 50 }, (_, i) => `${i}`));
      await settle();
      connection.run(async () => {
        for await (const message of connection) void connection.send(message);
      });
      await settle();
      expect(peer.messages).to.have.lengthOf(50);
      expect(transport.counts.writes).to.equal(1);
    });

    it('in each of many turns', async () => {
      const { connection, peer, transport } = rawPair('client');
      for (let turn = 0; turn < 50; turn++) {
        void connection.send(`${turn}`);
        void connection.send('!');
        await settle(2);
      }
      expect(peer.frames).to.have.lengthOf(100);
      expect(transport.counts.writes).to.equal(50);
    });

    it('or earlier when there is much', async () => {
      const { connection, transport } = rawPair('client');
      for (let i = 0; i < 63; i++) void connection.send('x'.repeat(1024));
      expect(transport.counts.writes).to.equal(0);
      void connection.send('x'.repeat(1024));
      expect(transport.counts.writes).to.be.greaterThan(0);
    });

    it('and gives the transport little at a time, while a stuck one collects small messages in few writes', async () => {
      const { connection, peer, transport } = rawPair('server', { highWaterMark: 1e6 });
      peer.transport.pause();
      const all = Array.from({ length: 300 }, (_, i) => `${i}`);
      for (const message of all) {
        void connection.send(message);
        await settle(1);
      }
      expect(transport.counts.writes).to.be.at.most(16);
      void connection.send(Buffer.alloc(1_000_000));
      await settle();
      expect(transport.pendingBytes).to.be.at.most(128 * 1024);
      expect(connection.bufferedAmount).to.be.greaterThan(1_000_000);
      peer.transport.resume();
      await settle(40);
      expect(peer.messages.slice(0, 300)).to.deep.equal(all);
      expect(peer.messages[300]).to.have.lengthOf(1_000_000);
      expect(connection.bufferedAmount).to.equal(0);
    });
  });

  it('takes slabs from the pool and gives them back', async () => {
    const { connection, peer } = rawPair('server');
    const slab = acquireSlab(100);
    releaseSlab(slab);
    void connection.send('x');
    expect(acquireSlab(100)).not.to.equal(slab);
    await settle();
    expect(peer.messages).to.deep.equal(['x']);
    expect(acquireSlab(100)).to.equal(slab);
    releaseSlab(slab);
  });

  it('masks each frame of a client with a key of its own', async () => {
    const { connection, transport } = rawPair('client');
    const keys = new Set<number>();
    const original = transport.write.bind(transport);
    transport.write = (chunk, written) => {
      const frames = Buffer.from(chunk);
      for (let i = 0; i < frames.length; i += 7) keys.add(frames.readInt32LE(i + 2));
      return original(chunk, written);
    };
    // More than one filling of the pool.
    for (let i = 0; i < 3000; i++) void connection.send('a');
    await settle();
    expect(keys.size).to.be.greaterThan(2990);
  });
});
