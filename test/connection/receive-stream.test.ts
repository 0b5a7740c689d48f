import { CloseError, LimitError, UsageError } from 'ants-ws';
import { expect } from 'chai';
import sinon from 'sinon';
import type { Message } from '#src/protocol/message-assembler.js';
import { Opcode } from '#src/protocol/opcode.js';
import { fakeClock } from '../support/clock.js';
import { isPending, outcome, rawPair, record, roles, settle } from '../support/connections.js';

const KiB = 1024;

async function collect(stream: AsyncIterable<Message>): Promise<Message[]> {
  const chunks: Message[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** All chunks as one. */
async function whole(stream: AsyncIterable<Message>): Promise<string> {
  return (await collect(stream)).map(String).join('');
}

describe('receiveStream', () => {
  afterEach(() => sinon.restore());

  for (const role of roles) {
    it(`gives one message as it comes (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const promise = connection.receiveStream();
      expect(await isPending(promise)).to.equal(true);
      peer.frame(Opcode.Binary, 'ab', false);
      const stream = await promise;
      expect(stream.type).to.equal('binary');
      expect(await stream.next()).to.deep.equal({ value: Buffer.from('ab'), done: false });
      const next = stream.next();
      expect(await isPending(next)).to.equal(true);
      peer.frame(Opcode.Continuation, '', false);
      peer.frame(Opcode.Continuation, 'cd', false);
      expect(await next).to.deep.equal({ value: Buffer.from('cd'), done: false });
      const last = stream.next();
      peer.frame(Opcode.Continuation);
      peer.texts('next');
      expect(await last).to.deep.equal({ value: undefined, done: true });
      expect(await stream.next()).to.deep.equal({ value: undefined, done: true });
      expect(await connection.receive()).to.equal('next');
    });
  }

  it('decodes text, never cuts a character and keeps a BOM', async () => {
    const { connection, peer } = rawPair('server');
    const text = '\ufeffa\u20ac\u{1f41c}';
    const bytes = Buffer.from(text);
    const promise = connection.receiveStream();
    for (const [i, byte] of bytes.entries()) {
      peer.frame(i === 0 ? Opcode.Text : Opcode.Continuation, Buffer.from([byte]), i === bytes.length - 1);
    }
    const stream = await promise;
    expect(stream.type).to.equal('text');
    expect(await collect(stream)).to.deep.equal(['\ufeff', 'a', '\u20ac', '\u{1f41c}']);
  });

  it('takes a message that is queued whole as one chunk, an empty one as none', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('one', '', 'three');
    await settle();
    expect(await collect(await connection.receiveStream())).to.deep.equal(['one']);
    expect(await collect(await connection.receiveStream())).to.deep.equal([]);
    expect(await connection.receive()).to.equal('three');
  });

  it('takes over a message that is partly here', async () => {
    const { connection, peer } = rawPair('server');
    peer.frame(Opcode.Text, 'first ', false);
    await settle();
    const stream = await connection.receiveStream();
    expect(await stream.next()).to.deep.equal({ value: 'first ', done: false });
    peer.frame(Opcode.Continuation, 'last');
    expect(await collect(stream)).to.deep.equal(['last']);
  });

  it('takes turns with receive', async () => {
    const { connection, peer } = rawPair('server');
    const first = connection.receive();
    const second = connection.receiveStream();
    const third = connection.receive();
    peer.frame(Opcode.Text, 'a', false);
    await settle();
    expect(await isPending(second)).to.equal(true);
    peer.frame(Opcode.Continuation, 'b');
    peer.texts('c', 'd');
    expect(await first).to.equal('ab');
    expect(await whole(await second)).to.equal('c');
    expect(await third).to.equal('d');
  });

  it('gets its turn when the one before gives up in the middle of a message', async () => {
    for (const rest of ['cd', 'is over maxMessageSize']) {
      const { connection, peer } = rawPair('server', { maxMessageSize: 8 });
      const controller = new AbortController();
      const first = outcome(connection.receive({ signal: controller.signal }));
      const second = connection.receiveStream();
      peer.frame(Opcode.Text, 'ab', false);
      await settle();
      controller.abort();
      await first;
      peer.frame(Opcode.Continuation, rest);
      expect(await whole(await second)).to.equal(`ab${rest}`);
    }
  });

  it('can be given up by return while it waits', async () => {
    const { connection, peer } = rawPair('server');
    const promise = connection.receiveStream();
    peer.frame(Opcode.Text, 'a', false);
    const stream = await promise;
    await stream.next();
    const waiting = stream.next();
    await stream.return();
    expect(await waiting).to.deep.equal({ value: undefined, done: true });
    peer.frame(Opcode.Continuation, 'b');
    peer.texts('next');
    expect(await connection.receive()).to.equal('next');
  });

  it('holds the peer back in the middle of a frame', async () => {
    const { connection, peer, transport } = rawPair('server');
    const promise = connection.receiveStream();
    const payload = Buffer.alloc(1024 * KiB, 'x');
    const bytes = peer.encode(Opcode.Binary, payload);
    for (let i = 0; i < bytes.length; i += 16 * KiB) peer.raw(bytes.subarray(i, i + 16 * KiB));
    peer.frame(Opcode.Ping, 'behind');
    const stream = await promise;
    await settle();
    expect(transport.isPaused).to.equal(true);
    expect(transport.peer.pendingBytes).to.be.above(1024 * KiB - 5 * 16 * KiB);
    expect(peer.pongs).to.deep.equal([]);
    let size = 0;
    for await (const chunk of stream) size += chunk.length;
    expect(size).to.equal(1024 * KiB);
    await settle();
    expect(peer.pongs).to.deep.equal(['behind']);
  });

  it('bounds tiny parts by what they cost', async () => {
    const { connection, peer, transport } = rawPair('server');
    const promise = connection.receiveStream();
    for (let i = 0; i < 4000; i++) peer.frame(i === 0 ? Opcode.Binary : Opcode.Continuation, 'x', i === 3999);
    const stream = await promise;
    await settle();
    expect(transport.isPaused).to.equal(true);
    expect((await whole(stream)).length).to.equal(4000);
  });

  it('skips the rest when the loop is left, without keeping it', async () => {
    const { connection, peer } = rawPair('server');
    const promise = connection.receiveStream();
    peer.frame(Opcode.Binary, Buffer.alloc(100 * KiB, 'a'), false);
    for await (const chunk of await promise) {
      expect(chunk.length).to.be.above(0);
      break;
    }
    for (let i = 0; i < 64; i++) peer.frame(Opcode.Continuation, Buffer.alloc(64 * KiB), false);
    peer.frame(Opcode.Continuation, 'z');
    peer.texts('next');
    expect(await connection.receive()).to.equal('next');
  });

  describe('limits', () => {
    it('maxSize fails the connection with 1009 while the message comes', async () => {
      const { connection, peer } = rawPair('server');
      const promise = connection.receiveStream({ maxSize: 4 });
      peer.frame(Opcode.Binary, 'abc', false);
      const stream = await promise;
      peer.frame(Opcode.Continuation, 'de');
      expect(await stream.next()).to.deep.equal({ value: Buffer.from('abc'), done: false });
      await settle();
      const next = stream.next();
      await settle();
      peer.end();
      const error = (await outcome(next)) as CloseError;
      expect(error).to.be.instanceOf(CloseError);
      expect(error.cause).to.be.instanceOf(LimitError).with.property('code', 'ANTS_MESSAGE_TOO_BIG');
      expect(peer.closes[0]).to.match(/^1009 .*maxSize \(4\)/);
      expect(await stream.next()).to.deep.equal({ value: undefined, done: true });
    });

    it('maxSize holds for what is queued, and for what is partly here', async () => {
      const queued = rawPair('server');
      queued.peer.texts('too long');
      await settle();
      const error = (await outcome(queued.connection.receiveStream({ maxSize: 4 }))) as CloseError;
      expect(error.cause).to.be.instanceOf(LimitError);
      await settle();
      expect(queued.peer.closes[0]).to.match(/^1009 .*maxSize \(4\)/);

      const partly = rawPair('server');
      partly.peer.frame(Opcode.Text, 'too long', false);
      await settle();
      const stream = await partly.connection.receiveStream({ maxSize: 4 });
      const next = outcome(stream.next());
      await settle();
      partly.peer.end();
      expect(((await next) as CloseError).cause).to.be.instanceOf(LimitError);
    });

    it('maxMessageSize and maxFragments do not concern streams', async () => {
      const { connection, peer } = rawPair('server', { maxMessageSize: 2, maxFragments: 2 });
      const promise = connection.receiveStream();
      for (const [i, part] of ['ab', 'cd', 'ef', 'gh'].entries()) {
        peer.frame(i === 0 ? Opcode.Text : Opcode.Continuation, part, i === 3);
      }
      expect(await whole(await promise)).to.equal('abcdefgh');
    });

    it('are numbers of bytes', () => {
      const { connection } = rawPair('server');
      for (const maxSize of [-1, 1.5, Number.NaN, '1' as unknown as number]) {
        expect(() => connection.receiveStream({ maxSize })).to.throw(TypeError, /maxSize/);
      }
    });
  });

  describe('a message over maxMessageSize that comes while nobody reads', () => {
    function tooBig() {
      const pair = rawPair('server', { maxMessageSize: 4 });
      pair.peer.texts('one');
      pair.peer.frame(Opcode.Text, 'ab', false);
      pair.peer.frame(Opcode.Continuation, 'cdefg');
      pair.peer.texts('two');
      return pair;
    }

    it('waits, and a stream takes it over', async () => {
      const { connection, peer, transport } = tooBig();
      await settle();
      expect(connection.state).to.equal('open');
      expect(transport.isPaused).to.equal(true);
      expect(await connection.receive()).to.equal('one');
      await settle();
      expect(peer.closes).to.deep.equal([]);
      expect(await collect(await connection.receiveStream())).to.deep.equal(['ab', 'cdefg']);
      expect(await connection.receive()).to.equal('two');
    });

    it('fails for a reader of whole messages, behind the messages before it', async () => {
      const { connection, peer } = tooBig();
      await settle();
      expect(await connection.receive()).to.equal('one');
      const next = outcome(connection.receive());
      await settle();
      expect(peer.closes[0]).to.match(/^1009 .*maxMessageSize \(4\)/);
      peer.end();
      expect(await next).to.be.instanceOf(CloseError);
    });

    it('fails for a listener', async () => {
      const { connection, peer } = tooBig();
      await settle();
      const { messages } = record(connection);
      await settle();
      expect(messages).to.deep.equal(['one']);
      expect(peer.closes[0]).to.match(/^1009/);
    });

    it('fails when messages are ignored', async () => {
      const { connection, peer } = tooBig();
      await settle();
      connection.ignoreMessages();
      await settle();
      expect(peer.closes[0]).to.match(/^1009/);
    });

    it('fails for someone who waits for the end', async () => {
      for (const early of [true, false]) {
        const { connection, peer } = rawPair('server', { maxMessageSize: 4 });
        if (early) void connection.closed;
        peer.texts('too big');
        await settle();
        if (!early) void connection.closed;
        await settle();
        expect(peer.closes[0]).to.match(/^1009/);
      }
    });

    it('does not wait when someone reads', async () => {
      const { connection, peer } = rawPair('server', { maxMessageSize: 4 });
      void outcome(connection.receive());
      peer.texts('too big');
      await settle();
      expect(peer.closes[0]).to.match(/^1009/);
    });

    it('fails with the header alone', async () => {
      const { connection, peer } = rawPair('server', { maxMessageSize: 4 });
      peer.raw(peer.encode(Opcode.Text, 'too big').subarray(0, 6));
      await settle();
      expect(peer.closes).to.deep.equal([]);
      void outcome(connection.receive());
      await settle();
      expect(peer.closes[0]).to.match(/^1009/);
    });

    it('fails when this end closes', async () => {
      const { connection, peer } = tooBig();
      await settle();
      const closed = connection.close();
      await settle();
      expect(peer.closes).to.deep.equal(['1000']);
      peer.end();
      const { error } = await closed;
      expect((error as CloseError).cause).to.be.instanceOf(LimitError);
    });

    it('fails at the deadline when the peer has gone', async () => {
      const clock = fakeClock();
      const { connection, peer } = tooBig();
      await settle();
      peer.reset();
      await settle();
      expect(connection.state).to.equal('closing');
      clock.tick(2_500);
      await settle();
      const { error } = await connection.closed;
      expect(error?.cause).to.be.instanceOf(LimitError);
    });
  });

  describe('an end in the middle', () => {
    it('never looks like the end of the message', async () => {
      const ends: Record<string, (peer: ReturnType<typeof rawPair>['peer']) => void> = {
        'a Close frame with 1000': (peer) => {
          peer.close(1000);
          peer.end();
        },
        'the end of TCP': (peer) => peer.end(),
        'a reset': (peer) => peer.reset(),
      };
      for (const [name, end] of Object.entries(ends)) {
        const { connection, peer } = rawPair('server');
        const promise = connection.receiveStream();
        peer.frame(Opcode.Text, 'ab', false);
        const stream = await promise;
        await settle();
        end(peer);
        const chunks: Message[] = [];
        const error = await outcome(
          (async () => {
            for await (const chunk of stream) chunks.push(chunk);
          })(),
        );
        expect(chunks, name).to.deep.equal(['ab']);
        expect(error, name).to.be.instanceOf(CloseError);
      }
    });

    it('tells of bad text at once', async () => {
      const { connection, peer } = rawPair('server');
      const promise = connection.receiveStream();
      peer.frame(Opcode.Text, 'ab', false);
      const stream = await promise;
      const result = outcome(collect(stream));
      peer.frame(Opcode.Continuation, Buffer.from([0xc0]), false);
      await settle();
      expect(peer.closes[0]).to.match(/^1007/);
      peer.end();
      expect(((await result) as CloseError).cause).to.include({ code: 'ANTS_INVALID_UTF8' });
    });

    it('behind the message leaves it whole', async () => {
      const { connection, peer } = rawPair('server');
      const promise = connection.receiveStream();
      peer.frame(Opcode.Text, 'ab', false);
      peer.frame(Opcode.Continuation, 'cd');
      peer.close(1011);
      peer.end();
      const stream = await promise;
      await settle();
      expect(await whole(stream)).to.equal('abcd');
      expect(await outcome(connection.receiveStream())).to.be.instanceOf(CloseError);
    });

    it('of our own lets a reader that keeps up finish, and cuts the message of one that does not', async () => {
      for (const keepsUp of [true, false]) {
        const { connection, peer } = rawPair('server');
        const promise = connection.receiveStream();
        peer.frame(Opcode.Binary, 'a', false);
        const stream = await promise;
        const early = keepsUp ? outcome(whole(stream)) : undefined;
        const closed = connection.close();
        for (let i = 0; i < 48; i++) {
          peer.frame(Opcode.Continuation, Buffer.alloc(32 * KiB, 'b'), i === 47);
          await settle(1);
        }
        peer.close(1000);
        peer.end();
        await closed;
        const result = await (early ?? outcome(whole(stream)));
        if (keepsUp) expect(String(result).length).to.equal(1 + 48 * 32 * KiB);
        else expect(result).to.be.instanceOf(CloseError);
      }
    });
  });

  it('rejects when the connection has ended, or ends while it waits', async () => {
    const { connection, peer } = rawPair('server');
    const waiting = outcome(connection.receiveStream());
    peer.close(1000);
    peer.end();
    expect(await waiting).to.be.instanceOf(CloseError);
    expect(await outcome(connection.receiveStream())).to.be.instanceOf(CloseError);
  });

  describe('signals', () => {
    it('end the wait, and eat no message', async () => {
      const { connection, peer } = rawPair('server');
      const controller = new AbortController();
      const promise = outcome(connection.receiveStream({ signal: controller.signal }));
      await settle();
      controller.abort(new Error('enough'));
      expect(await promise).to.equal(controller.signal.reason);
      expect(await outcome(connection.receiveStream({ signal: controller.signal }))).to.equal(
        controller.signal.reason,
      );
      peer.texts('kept');
      expect(await connection.receive()).to.equal('kept');
    });

    it('end the stream, and the rest is skipped', async () => {
      const { connection, peer } = rawPair('server');
      const controller = new AbortController();
      const promise = connection.receiveStream({ signal: controller.signal });
      peer.frame(Opcode.Binary, Buffer.alloc(100 * KiB), false);
      const stream = await promise;
      await settle();
      controller.abort(new Error('enough'));
      expect(await outcome(collect(stream))).to.equal(controller.signal.reason);
      peer.frame(Opcode.Continuation, Buffer.alloc(100 * KiB));
      peer.texts('next');
      expect(await connection.receive()).to.equal('next');
    });
  });

  it('does not go together with listeners', async () => {
    const { connection, peer } = rawPair('server');
    const promise = connection.receiveStream();
    expect(() => connection.on('message', () => {})).to.throw(UsageError);
    peer.frame(Opcode.Text, 'a', false);
    const stream = await promise;
    expect(() => connection.on('message', () => {})).to.throw(UsageError);
    await stream.return();
    connection.on('message', () => {});
    expect(await outcome(connection.receiveStream())).to.be.instanceOf(UsageError);
  });

  it('gives several calls of next their chunks in order', async () => {
    const { connection, peer } = rawPair('server');
    const promise = connection.receiveStream();
    peer.frame(Opcode.Text, '', false);
    const stream = await promise;
    const results = Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    peer.frame(Opcode.Continuation, 'a', false);
    peer.frame(Opcode.Continuation, 'b');
    expect((await results).map(({ value }) => value)).to.deep.equal(['a', 'b', undefined, undefined]);
  });
});
