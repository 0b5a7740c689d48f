import { Readable } from 'node:stream';
import { AntsError, CloseError, type StreamSource } from 'ants-ws';
import { expect } from 'chai';
import sinon from 'sinon';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClock } from '../support/clock.js';
import {
  isPending,
  outcome,
  type RawPeer,
  rawPair,
  roles,
  type SeenFrame,
  settle,
} from '../support/connections.js';

const KiB = 1024;

/** A source that is fed by hand. */
class ManualSource implements AsyncIterable<string | Uint8Array> {
  returned = 0;
  asked = 0;
  readonly #waiting: {
    resolve: (value: IteratorResult<string | Uint8Array>) => void;
    reject: (error: Error) => void;
  }[] = [];

  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array> {
    return {
      next: () => {
        this.asked++;
        return new Promise((resolve, reject) => {
          this.#waiting.push({ resolve, reject });
        });
      },
      return: async () => {
        this.returned++;
        return { value: undefined, done: true };
      },
    };
  }

  give(value: string | Uint8Array): void {
    this.#waiting.shift()!.resolve({ value, done: false });
  }

  end(): void {
    this.#waiting.shift()!.resolve({ value: undefined, done: true });
  }

  fail(error: Error): void {
    this.#waiting.shift()!.reject(error);
  }
}

/** Data frames as `opcode payload`, with `+` behind those that are not the last. */
function shown(frames: readonly SeenFrame[]): string[] {
  return frames.map(({ opcode, fin, payload }) => `${opcode} ${payload}${fin ? '' : '+'}`);
}

function payloadOf(peer: RawPeer): Buffer {
  return Buffer.concat(peer.frames.filter(({ opcode }) => opcode <= 2).map(({ payload }) => payload));
}

describe('sendStream', () => {
  afterEach(() => sinon.restore());

  for (const role of roles) {
    it(`sends one message in frames of the wanted size (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      await connection.sendStream(['ab', 'c', 'defg'], { fragmentSize: 3 });
      await connection.sendStream([Buffer.from('xyz'), new Uint8Array([0x21]).buffer], { fragmentSize: 3 });
      await connection.sendStream(['short']);
      await connection.sendStream([]);
      await connection.sendStream([''], { type: 'text' });
      await settle();
      expect(shown(peer.frames)).to.deep.equal([
        '1 abc+',
        '0 def+',
        '0 g',
        '2 xyz+',
        '0 !',
        '1 short',
        '2 ',
        '1 ',
      ]);
    });
  }

  it('takes iterables, Readables, web streams and Blobs', async () => {
    async function* generate() {
      yield 'ab';
      yield 'cd';
    }
    const sources: StreamSource[] = [
      new Set(['ab', 'cd']),
      generate(),
      Readable.from(['ab', 'cd']),
      new ReadableStream({
        start(controller) {
          controller.enqueue('ab');
          controller.enqueue('cd');
          controller.close();
        },
      }),
      new Blob(['ab', 'cd']),
      Readable.from([Buffer.from('ab'), Buffer.from('cd')]),
    ];
    const { connection, peer } = rawPair('server');
    for (const source of sources) await connection.sendStream(source, { type: 'text' });
    await settle();
    // In how many frames depends on the turns that a source takes for its chunks.
    expect(payloadOf(peer).toString()).to.equal('abcd'.repeat(6));
    expect(peer.frames.filter(({ fin }) => fin)).to.have.lengthOf(6);
  });

  it('refuses what is no source, at once', () => {
    const { connection } = rawPair('server');
    for (const source of ['text', Buffer.from('bytes'), 1, null, undefined, {}]) {
      expect(() => connection.sendStream(source as unknown as StreamSource)).to.throw(TypeError, /source/);
    }
    for (const options of [{ fragmentSize: 0 }, { fragmentSize: Infinity }, { type: 'json' as 'text' }]) {
      expect(() => connection.sendStream(['a'], options)).to.throw(TypeError);
    }
  });

  it('joins characters that are cut between strings, in long strings, and between frames', async () => {
    const { client, server } = connectedPair();
    const long = 'x'.repeat(16 * KiB - 1) + '\u{1f41c}'.repeat(10_000);
    for (const chunks of [
      ['a\ud83d', '\udc1cb'],
      ['a\ud83d', '', '\udc1cb'],
      [long, long],
      ['\ud83d', 'x', '\ud83d'],
    ]) {
      const sent = client.sendStream(chunks, { fragmentSize: 1001 });
      expect(await server.receive()).to.equal(Buffer.from(chunks.join('')).toString());
      await sent;
    }
  });

  it('checks bytes that are to be text, before they leave', async () => {
    const { connection, peer } = rawPair('server');
    const euro = Buffer.from('\u20ac');
    await connection.sendStream([euro.subarray(0, 1), euro.subarray(1)], { type: 'text' });
    for (const bytes of [Buffer.from([0x61, 0xff]), euro.subarray(0, 2)]) {
      expect(await outcome(connection.sendStream([bytes], { type: 'text' })))
        .to.be.instanceOf(TypeError)
        .with.property('message')
        .that.matches(/UTF-8/);
    }
    await settle();
    expect(peer.messages).to.deep.equal(['\u20ac']);
    expect(connection.state).to.equal('open');
  });

  it('refuses to mix text and bytes', async () => {
    const { connection, peer } = rawPair('server');
    const source = new Set(['a', Buffer.from('b')]);
    expect(await outcome(connection.sendStream(source))).to.be.instanceOf(TypeError);
    expect(await outcome(connection.sendStream([{}] as never))).to.be.instanceOf(TypeError);
    await settle();
    expect(peer.frames).to.deep.equal([]);
  });

  it('sends what it has when the source lets it wait', async () => {
    const { connection, peer } = rawPair('server');
    const source = new ManualSource();
    const sent = connection.sendStream(source);
    await settle();
    source.give('now ');
    await settle();
    expect(shown(peer.frames)).to.deep.equal(['1 now +']);
    source.give('later');
    await settle();
    source.end();
    await sent;
    await settle();
    expect(shown(peer.frames)).to.deep.equal(['1 now +', '0 later+', '0 ']);
  });

  it('sends what it has as soon as there is room, although the source still lets it wait', async () => {
    const { connection, peer, transport } = rawPair('server', { highWaterMark: 0 });
    await settle();
    transport.outgoing.stall();
    const source = new ManualSource();
    const sent = connection.sendStream(source);
    await settle();
    source.give('first');
    await settle();
    source.give('second');
    await settle();
    source.give('third');
    await settle();
    expect(connection.bufferedAmount).to.equal(2 + 'first'.length);
    transport.outgoing.resume();
    await settle();
    expect(shown(peer.frames)).to.deep.equal(['1 first+', '0 secondthird+']);
    source.end();
    await sent;
  });

  it('lets control frames in between, and keeps other messages behind it, in order', async () => {
    const { connection, peer } = rawPair('server');
    const source = new ManualSource();
    const sent = connection.sendStream(source);
    const behind = connection.send('behind');
    const second = connection.sendStream(['second']);
    await settle();
    source.give('a');
    await settle();
    peer.frame(Opcode.Ping, 'hi');
    void outcome(connection.ping('own'));
    await settle();
    expect(await isPending(behind)).to.equal(true);
    source.end();
    await Promise.all([sent, behind, second]);
    await settle();
    expect(shown(peer.frames)).to.deep.equal(['1 a+', '9 own', '10 hi', '0 ', '1 behind', '1 second']);
  });

  it('takes from the source at the pace of the peer', async () => {
    const { connection, peer, transport } = rawPair('server', { highWaterMark: 64 * KiB });
    await settle();
    transport.outgoing.stall();
    let given = 0;
    function* generate() {
      for (let i = 0; i < 100; i++) {
        given++;
        yield Buffer.alloc(32 * KiB, 'x');
      }
    }
    const sent = connection.sendStream(generate(), { fragmentSize: 32 * KiB });
    await settle();
    expect(given).to.be.within(2, 4);
    expect(connection.bufferedAmount).to.be.below(64 * KiB + 33 * KiB);
    transport.outgoing.resume();
    await sent;
    await settle();
    expect(payloadOf(peer).length).to.equal(3200 * KiB);
  });

  it('goes on although much waits behind it', async () => {
    const { client, server } = connectedPair({ server: { readHold: 128 * KiB } });
    // What the server streams comes from the client, and it must go on reading that.
    const echoed = (async () => {
      const stream = await server.receiveStream();
      const sent = server.sendStream(stream);
      for (let i = 0; i < 4; i++) void server.send(Buffer.alloc(64 * KiB));
      await sent;
    })();
    function* generate() {
      for (let i = 0; i < 64; i++) yield Buffer.alloc(32 * KiB, i);
    }
    const sent = client.sendStream(generate());
    let size = 0;
    for await (const chunk of await client.receiveStream()) size += chunk.length;
    expect(size).to.equal(64 * 32 * KiB);
    await Promise.all([sent, echoed]);
    for (let i = 0; i < 4; i++) expect((await client.receive()).length).to.equal(64 * KiB);
  });

  it('is not taken for a stalled peer while its source is slow', async () => {
    const clock = fakeClock();
    const { connection, peer } = rawPair('server', { writeTimeout: 1_000 });
    const source = new ManualSource();
    const sent = connection.sendStream(source);
    const behind = connection.send('behind');
    await settle();
    source.give('a');
    await settle();
    clock.tick(5_000);
    await settle();
    expect(connection.state).to.equal('open');
    source.end();
    await Promise.all([sent, behind]);
    await settle();
    expect(peer.messages.at(-1)).to.equal('behind');
  });

  describe('a source that fails', () => {
    it('before a part has left: only rejects, and the next message follows', async () => {
      const { connection, peer } = rawPair('server');
      const source = new ManualSource();
      const sent = outcome(connection.sendStream(source));
      void connection.send('next');
      await settle();
      const error = new Error('disk on fire');
      source.fail(error);
      expect(await sent).to.equal(error);
      await settle();
      expect(shown(peer.frames)).to.deep.equal(['1 next']);
    });

    it('in the middle: fails the connection with 1011, and never ends the message', async () => {
      const { connection, peer } = rawPair('server');
      const source = new ManualSource();
      const sent = outcome(connection.sendStream(source));
      const behind = outcome(connection.send('behind'));
      await settle();
      source.give('part');
      await settle();
      const error = new Error('disk on fire');
      source.fail(error);
      expect(await sent).to.equal(error);
      expect(await behind).to.be.instanceOf(CloseError);
      await settle();
      expect(peer.closes).to.deep.equal(['1011']);
      expect(shown(peer.frames.slice(0, -1))).to.deep.equal(['1 part+']);
      peer.end();
      const info = await connection.closed;
      const cause = info.error?.cause as AntsError;
      expect(cause).to.be.instanceOf(AntsError).with.property('code', 'ANTS_MESSAGE_CUT');
      expect(cause.message).to.match(/disk on fire/);
      expect(cause.cause).to.equal(error);
    });

    it('in the middle, behind our own close: says 1011 all the same', async () => {
      const { connection, peer } = rawPair('server');
      const source = new ManualSource();
      const sent = outcome(connection.sendStream(source));
      await settle();
      source.give('part');
      await settle();
      const closed = connection.close();
      source.fail(new Error('disk on fire'));
      await sent;
      await settle();
      expect(peer.closes).to.deep.equal(['1011']);
      peer.end();
      expect((await closed).error?.cause).to.have.property('code', 'ANTS_MESSAGE_CUT');
    });

    it('by a chunk that is wrong: is given back', async () => {
      const { connection } = rawPair('server');
      const source = new ManualSource();
      const sent = outcome(connection.sendStream(source));
      await settle();
      source.give(1 as never);
      expect(await sent).to.be.instanceOf(TypeError);
      expect(source.returned).to.equal(1);
    });
  });

  describe('signals', () => {
    it('give up a message before it leaves, also in the line', async () => {
      const { connection, peer } = rawPair('server');
      const controller = new AbortController();
      const { signal } = controller;
      const first = new ManualSource();
      const second = new ManualSource();
      const sent = connection.sendStream(first);
      const other = outcome(connection.sendStream(second, { signal }));
      const third = connection.send('third');
      controller.abort(new Error('enough'));
      expect(await other).to.equal(signal.reason);
      expect(second.returned).to.equal(1);
      await settle();
      first.give('first');
      await settle();
      first.end();
      await Promise.all([sent, third]);
      const late = new ManualSource();
      expect(await outcome(connection.sendStream(late, { signal }))).to.equal(signal.reason);
      expect(late.returned).to.equal(1);
      await settle();
      expect(shown(peer.frames)).to.deep.equal(['1 first+', '0 ', '1 third']);
      expect(second.asked).to.equal(0);
    });

    it('fail the connection in the middle', async () => {
      const { connection, peer } = rawPair('server');
      const controller = new AbortController();
      const source = new ManualSource();
      const sent = outcome(connection.sendStream(source, { signal: controller.signal }));
      await settle();
      source.give('part');
      await settle();
      controller.abort(new Error('enough'));
      expect(await sent).to.equal(controller.signal.reason);
      expect(source.returned).to.equal(1);
      await settle();
      expect(peer.closes).to.deep.equal(['1011']);
    });
  });

  describe('when the connection ends', () => {
    const ends: Record<string, (pair: ReturnType<typeof rawPair>) => void> = {
      'by a Close frame': ({ peer }) => peer.close(1000),
      'by the end of TCP': ({ peer }) => peer.end(),
      'by a reset': ({ peer }) => peer.reset(),
      'by a mistake of the peer': ({ peer }) => peer.raw(Buffer.from([0xff, 0xff])),
      'by terminate': ({ connection }) => connection.terminate(),
      'by a Close frame behind our own close': ({ connection, peer }) => {
        void connection.close();
        peer.close(1000);
      },
      'by the end of TCP behind our own close': ({ connection, peer }) => {
        void connection.close();
        peer.end();
      },
    };
    for (const [name, end] of Object.entries(ends)) {
      it(`${name}: gives the source back and rejects`, async () => {
        const pair = rawPair('server');
        const source = new ManualSource();
        const sent = outcome(pair.connection.sendStream(source));
        const behind = outcome(pair.connection.sendStream(new ManualSource()));
        await settle();
        source.give('part');
        await settle();
        end(pair);
        expect(await sent).to.be.instanceOf(CloseError);
        expect(await behind).to.be.instanceOf(CloseError);
        expect(source.returned).to.equal(1);
        source.give('more');
        await settle();
        const data = pair.peer.frames.filter(({ opcode }) => opcode <= 2);
        expect(shown(data)).to.deep.equal(['1 part+']);
        expect(pair.connection.bufferedAmount).to.equal(0);
      });
    }

    it('destroys a Readable, and cancels a web stream, that have nothing', async () => {
      const { connection, peer } = rawPair('server');
      const readable = new Readable({ read() {} });
      const first = outcome(connection.sendStream(readable));
      let reason: unknown;
      const web = new ReadableStream({
        cancel(why) {
          reason = why;
        },
      });
      const second = outcome(connection.sendStream(web));
      await settle();
      peer.reset();
      expect(await first).to.be.instanceOf(CloseError);
      expect(await second).to.equal(reason);
      expect(readable.destroyed).to.equal(true);
    });

    it('does not mind a source that fails to be given back', async () => {
      const { connection, peer } = rawPair('server');
      const web = new ReadableStream({
        cancel() {
          throw new Error('no');
        },
      });
      const bad = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<never>(() => {}),
          return: () => Promise.reject(new Error('no')),
        }),
      };
      const sent = [web, bad].map((source) => outcome(connection.sendStream(source)));
      await settle();
      peer.reset();
      for (const error of await Promise.all(sent)) expect(error).to.be.instanceOf(CloseError);
    });

    it('our own close lets the message finish first', async () => {
      const { connection, peer } = rawPair('server');
      const source = new ManualSource();
      const sent = connection.sendStream(source);
      await settle();
      const closed = connection.close();
      source.give('all');
      await settle();
      expect(peer.closes).to.deep.equal([]);
      source.end();
      await sent;
      await settle();
      expect(shown(peer.frames.slice(0, -1))).to.deep.equal(['1 all+', '0 ']);
      peer.close(1000);
      peer.end();
      expect((await closed).wasClean).to.equal(true);
      const late = new ManualSource();
      expect(await outcome(connection.sendStream(late))).to.be.instanceOf(CloseError);
      expect(late.returned).to.equal(1);
    });
  });
});
