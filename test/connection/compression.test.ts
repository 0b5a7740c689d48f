import { constants, deflateRawSync } from 'node:zlib';
import { CloseError, type Connection, prepare } from 'ants-ws';
import { expect } from 'chai';
import sinon from 'sinon';
import type { ConnectionOptions } from '#src/connection/options.js';
import { Deflater } from '#src/deflate/deflater.js';
import { countEngines } from '#src/deflate/engine.js';
import { countContexts } from '#src/deflate/engines.js';
import type { CompressionOptions } from '#src/deflate/options.js';
import { Opcode } from '#src/protocol/opcode.js';
import { agreement, agreements, isPublic } from '../deflate/agreements.js';
import { Inflating, zlibDeflate } from '../deflate/inflating.js';
import { deflatedPair, outcome, rawPair, record, roles, settle, until } from '../support/connections.js';
import { collectGarbage } from '../support/garbage.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const hello = hex('f2 48 cd c9 c9 07 00');

/** A message that becomes so many zeros. */
function zeros(size: number): Buffer {
  const message = deflateRawSync(Buffer.alloc(size), { finishFlush: constants.Z_SYNC_FLUSH });
  return message.subarray(0, message.length - 4);
}

/** A connection of `role` with a raw peer that has agreed on compression. */
function deflatedRaw(
  role: 'client' | 'server',
  options: ConnectionOptions = {},
  client: CompressionOptions = {},
  server: CompressionOptions = client,
) {
  return rawPair(role, options, undefined, agreements(client, server)[role]);
}

function pairOf(
  options: Parameters<typeof deflatedPair>[1] = {},
  client: CompressionOptions = {},
  server: CompressionOptions = client,
) {
  return deflatedPair(agreements(client, server), options);
}

/** How messages are worked on: at once, or in the thread pool. */
const ways = isPublic ? [Infinity] : [Infinity, 0];

for (const asyncThreshold of ways) {
  const way = { asyncThreshold };
  describe(`compressed messages, ${isPublic ? 'the documented zlib' : `asyncThreshold ${asyncThreshold}`}`, () => {
    let engines: number;
    let contexts: number;
    before(() => {
      engines = countEngines();
      contexts = countContexts();
    });
    after(async () => {
      await until(() => countContexts() === contexts);
      // Shared ones stay: at most four of a kind, and there are few kinds here.
      expect(countEngines() - engines).to.be.at.most(countKinds * 4);
    });
    const countKinds = 8;

    for (const role of roles) {
      describe(`to a ${role}`, () => {
        it('are inflated, fragments with control frames between them too', async () => {
          const { connection, peer } = deflatedRaw(role, {}, way);
          const got = record(connection);
          const pings: string[] = [];
          connection.on('ping', (payload) => pings.push(String(payload)));
          peer.frame(Opcode.Text, hello, true, true);
          peer.frame(Opcode.Binary, hex('f2 00 11'), false, true);
          peer.frame(Opcode.Ping, 'between');
          peer.frame(Opcode.Continuation, '', false);
          peer.frame(Opcode.Continuation, hex('00 00'));
          peer.frame(Opcode.Text, 'plain');
          peer.frame(Opcode.Text, hex('00'), true, true);
          peer.frame(Opcode.Ping, 'behind');
          await until(() => pings.length === 2);
          expect(got.messages).to.deep.equal(['Hello', Buffer.from('Hello'), 'plain', '']);
          expect(pings).to.deep.equal(['between', 'behind']);
          connection.terminate();
        });

        const wrong: readonly (readonly [
          string,
          number,
          (peer: ReturnType<typeof deflatedRaw>['peer']) => void,
        ])[] = [
          [
            'RSV1 in a continuation',
            1002,
            (peer) => {
              peer.frame(Opcode.Text, hello.subarray(0, 3), false, true);
              peer.frame(Opcode.Continuation, hello.subarray(3), true, true);
            },
          ],
          ['RSV1 in a ping', 1002, (peer) => peer.frame(Opcode.Ping, '', true, true)],
          ['RSV1 in a Close frame', 1002, (peer) => peer.frame(Opcode.Close, '', true, true)],
          ['no payload', 1007, (peer) => peer.frame(Opcode.Text, '', true, true)],
          ['an end in the middle', 1007, (peer) => peer.frame(Opcode.Text, hello.subarray(0, 4), true, true)],
          ['no DEFLATE', 1007, (peer) => peer.frame(Opcode.Text, 'no DEFLATE', true, true)],
          [
            'text that is no UTF-8',
            1007,
            (peer) => peer.frame(Opcode.Text, hex('00 01 00 fe ff ff 00'), true, true),
          ],
          [
            'text that ends in a character',
            1007,
            (peer) => peer.frame(Opcode.Text, hex('00 01 00 fe ff c3 00'), true, true),
          ],
        ];
        for (const [name, code, send] of wrong) {
          it(`fail it with ${code}: ${name}; what came before is delivered`, async () => {
            const { connection, peer } = deflatedRaw(role, {}, way);
            const got = record(connection);
            peer.frame(Opcode.Text, hello, true, true);
            send(peer);
            peer.frame(Opcode.Text, 'never seen');
            await until(() => peer.closes.length > 0);
            expect(peer.closes[0]).to.match(new RegExp(`^${code}\\b`));
            expect(got.messages).to.deep.equal(['Hello']);
            peer.end();
            await connection.closed;
          });
        }

        it('fail it with 1002 where nothing was agreed', async () => {
          const { connection, peer } = rawPair(role);
          peer.frame(Opcode.Text, hello, true, true);
          await until(() => peer.closes.length > 0);
          expect(peer.closes[0]).to.match(/^1002/);
          connection.terminate();
        });

        it('fail it as soon as text is not UTF-8, before the message is complete', async () => {
          const { connection, peer } = deflatedRaw(role, {}, way);
          const got = record(connection);
          // A stored block each: c3, then 28, which can't follow.
          peer.frame(Opcode.Text, hex('00 01 00 fe ff c3'), false, true);
          peer.frame(Opcode.Continuation, hex('00 01 00 fe ff 28'), false);
          await until(() => peer.closes.length > 0);
          expect(peer.closes[0]).to.match(/^1007/);
          expect(got.messages).to.deep.equal([]);
          connection.terminate();
        });

        it('may cut characters between fragments', async () => {
          const { connection, peer } = deflatedRaw(role, {}, way);
          peer.frame(Opcode.Text, hex('00 01 00 fe ff c3'), false, true);
          peer.frame(Opcode.Continuation, hex('00 01 00 fe ff a9 00'));
          expect(await connection.receive()).to.equal('é');
          connection.terminate();
        });

        it('are refused with 1009 beyond maxMessageSize, having cost no more than that', async () => {
          const { connection, peer } = deflatedRaw(role, { maxMessageSize: 300_000 }, way);
          const receiving = outcome(connection.receive());
          // 1 GiB, of pieces that each stand for themselves.
          const piece = Buffer.concat([zeros(16 * 1024 * 1024), hex('00 00 ff ff')]);
          const bomb = Buffer.concat([...Array<Buffer>(64).fill(piece), hex('00')]);
          const before = process.memoryUsage().arrayBuffers;
          peer.frame(Opcode.Binary, bomb, true, true);
          await until(() => peer.closes.length > 0);
          expect(peer.closes[0]).to.match(/^1009/);
          expect(process.memoryUsage().arrayBuffers - before).to.be.below(8 * 1024 * 1024);
          peer.end();
          expect(await receiving).to.be.instanceOf(CloseError);
        });

        for (const size of [1_001, 70_000, 1_000_000]) {
          it(`of ${size} bytes wait beyond the limit for a reader: a whole message is refused`, async () => {
            const { connection, peer } = deflatedRaw(role, { maxMessageSize: 1_000 }, way);
            peer.frame(Opcode.Binary, zeros(size), true, true);
            await settle(30);
            expect(peer.closes).to.deep.equal([]);
            const receiving = outcome(connection.receive());
            await until(() => peer.closes.length > 0);
            expect(peer.closes[0]).to.match(/^1009/);
            peer.end();
            expect(await receiving).to.be.instanceOf(CloseError);
          });

          it(`of ${size} bytes wait beyond the limit for a reader: a stream takes them over`, async () => {
            const { connection, peer } = deflatedRaw(role, { maxMessageSize: 1_000 }, way);
            peer.frame(Opcode.Binary, zeros(size), true, true);
            peer.frame(Opcode.Text, hello, true, true);
            await settle(30);
            const got: Buffer[] = [];
            for await (const part of await connection.receiveStream()) got.push(Buffer.from(part as Buffer));
            expect(Buffer.concat(got).equals(Buffer.alloc(size))).to.equal(true);
            expect(await connection.receive()).to.equal('Hello');
            connection.terminate();
          });

          it(`of ${size} bytes wait beyond the limit for nobody once this end closes`, async () => {
            const { connection, peer } = deflatedRaw(role, { maxMessageSize: 1_000 }, way);
            peer.frame(Opcode.Binary, zeros(size), true, true);
            await settle(30);
            const closing = connection.close();
            peer.close(1000);
            await until(() => peer.closes.length > 0);
            peer.end();
            const info = await closing;
            expect(info.code).to.be.oneOf([1000, 1006, 1009]);
          });
        }

        it('are streamed in bounded memory, at the pace of the reader', async () => {
          const { connection, peer } = deflatedRaw(role, { maxMessageSize: 1_000 }, way);
          const size = 64 * 1024 * 1024;
          const payload = zeros(size);
          const before = process.memoryUsage().arrayBuffers;
          peer.frame(Opcode.Binary, payload, true, true);
          const stream = await connection.receiveStream({ maxSize: Infinity });
          await settle(30);
          let most = 0;
          let got = 0;
          for await (const part of stream) {
            got += part.length;
            if (got % (8 * 1024 * 1024) >= part.length) continue;
            await settle(2);
            collectGarbage();
            most = Math.max(most, process.memoryUsage().arrayBuffers - before);
          }
          expect(got).to.equal(size);
          expect(most).to.be.below(size / 2);
          connection.terminate();
        });

        it('end with the connection, at the latest at the deadline, when their reader stays away', async () => {
          for (const contextTakeover of [true, false]) {
            const { connection, peer } = deflatedRaw(
              role,
              { closeTimeout: 50, maxMessageSize: 1_000 },
              { ...way, contextTakeover, peerContextTakeover: contextTakeover },
            );
            peer.frame(Opcode.Binary, zeros(3_000_000), true, true);
            const stream = await connection.receiveStream({ maxSize: Infinity });
            expect((await stream.next()).done).to.equal(false);
            await settle();
            peer.reset();
            expect((await connection.closed).code).to.equal(1006);
          }
        });

        for (const end of ['terminate', 'close', 'reset', 'break'] as const) {
          it(`survive ${end} in the middle`, async () => {
            for (const turns of [0, 1, 2, 4, 8]) {
              const { connection, peer } = deflatedRaw(
                role,
                { maxMessageSize: 50_000_000, closeTimeout: 50 },
                way,
              );
              const got = record(connection);
              peer.frame(Opcode.Binary, zeros(20_000_000), true, true);
              peer.frame(Opcode.Text, hello, true, true);
              await settle(turns + 1);
              if (end === 'terminate') connection.terminate();
              else if (end === 'close') void connection.close();
              else if (end === 'reset') peer.reset();
              else {
                // In the middle of a message, as seen from here.
                peer.frame(Opcode.Ping, '', true, true);
                peer.end();
              }
              if (end === 'close') peer.close(1000);
              if (end === 'close') await until(() => peer.closes.length > 0);
              peer.end();
              await connection.closed;
              for (const message of got.messages) expect(message.length).to.be.oneOf([20_000_000, 5]);
            }
          });
        }
      });
    }

    describe('between two ends', () => {
      it('keep their order, whatever their sizes and ways', async () => {
        const { client, server } = pairOf({}, isPublic ? {} : { asyncThreshold: 1_000 });
        const sizes = [10, 5_000, 100, 0, 70_000, 63, 64, 999, 1_000, 200_000, 1, 3_000];
        const messages = sizes.map((size, i) =>
          i % 2 === 0 ? 'ab'.repeat(size / 2 + i) : Buffer.alloc(size, i),
        );
        const sent = messages.map((message, i) =>
          client.send(message, { compress: i % 5 === 0 ? false : undefined }),
        );
        for (const message of messages) expect(await server.receive()).to.deep.equal(message);
        await Promise.all(sent);
        await Promise.all([client.close(), server.closed]);
      });

      it('wait for a message in the thread pool also with a ping, a stream and a Close frame', async () => {
        const { client, server } = pairOf({}, way);
        const closing: Promise<unknown>[] = [];
        void client.send('x'.repeat(300_000));
        void client.sendStream(['a stream, ', 'in two']);
        void client.send(new Blob(['blob '.repeat(100)]));
        void client.send('last');
        closing.push(client.close(1000));
        const got: unknown[] = [];
        for await (const message of server) got.push(message);
        expect(got).to.deep.equal([
          'x'.repeat(300_000),
          'a stream, in two',
          Buffer.from('blob '.repeat(100)),
          'last',
        ]);
        await Promise.all(closing);
      });

      it('survive the end of either end while they are compressed', async () => {
        for (const end of ['terminate', 'close', 'reset'] as const) {
          for (const turns of [0, 1, 2, 4, 8]) {
            const { client, server, serverTransport } = pairOf(
              { client: { closeTimeout: 50 }, server: { maxMessageSize: 10_000_000, closeTimeout: 50 } },
              way,
            );
            const got = record(server);
            const sending = Array.from({ length: 3 }, (_, i) =>
              outcome(client.send(Buffer.alloc(3_000_000, i))),
            );
            await settle(turns);
            if (end === 'terminate') client.terminate();
            else if (end === 'close') await client.close();
            else serverTransport.destroy();
            for (const result of await Promise.all(sending)) {
              if (result !== undefined) expect(result).to.be.instanceOf(CloseError);
            }
            await Promise.all([client.closed, server.closed]);
            for (const message of got.messages) expect(message.length).to.equal(3_000_000);
          }
        }
      });

      it('are as small as it was agreed, and shrink with what went before', async () => {
        const { connection, peer } = deflatedRaw('server', {}, way);
        const line = 'the same line of chat, said again and again, and again';
        for (let i = 0; i < 3; i++) await connection.send(line + line);
        await until(() => peer.frames.length === 3);
        expect(peer.frames.map(({ rsv1 }) => rsv1)).to.deep.equal([true, true, true]);
        expect(peer.frames[1]!.payload.length).to.be.below(peer.frames[0]!.payload.length / 2);
        connection.terminate();
      });

      it('go plain below the threshold, or as send wants it', async () => {
        const { connection, peer } = deflatedRaw('server', {}, { ...way, threshold: 10 });
        void connection.send('123456789');
        void connection.send('1234567890');
        void connection.send('1', { compress: true });
        void connection.send('1234567890', { compress: false });
        void connection.send(Buffer.alloc(9));
        void connection.send(Buffer.alloc(10));
        void connection.send(new Blob(['1234567890']));
        void connection.send(new Blob(['123456789']));
        void connection.sendStream(['1']);
        void connection.sendStream(['1'], { compress: false });
        await until(() => peer.frames.filter(({ fin }) => fin).length === 10);
        expect(peer.frames.filter(({ opcode }) => opcode > 0).map(({ rsv1 }) => rsv1 === true)).to.deep.equal(
          [false, true, true, false, false, true, true, false, true, false],
        );
        expect(() => connection.send('x', { compress: 1 as never })).to.throw(
          TypeError,
          'compress must be true or false',
        );
        connection.terminate();
      });

      it('have RSV1 in their first fragment alone', async () => {
        for (const role of roles) {
          const { connection, peer } = deflatedRaw(role, { fragmentSize: 20 }, way);
          const inflating = new Inflating(agreement());
          const text = 'what has few repetitions: 0123456789 abcdefghijklmnopqrstuvwxyz'.repeat(2);
          void connection.send(text);
          void connection.sendStream([text, text]);
          await until(() => peer.frames.filter(({ fin }) => fin).length === 2);
          let payload: Buffer[] = [];
          for (const frame of peer.frames) {
            expect(frame.rsv1 === true).to.equal(payload.length === 0);
            expect(frame.opcode).to.equal(payload.length === 0 ? Opcode.Text : Opcode.Continuation);
            payload.push(frame.payload);
            if (!frame.fin) continue;
            expect(payload.length).to.be.above(1);
            expect(await inflating.message(Buffer.concat(payload))).to.not.equal(undefined);
            payload = [];
          }
          expect(inflating.messages.map(String)).to.deep.equal([text, text + text]);
          inflating.inflater.close();
          connection.terminate();
        }
      });

      it('fail the connection when the source of a stream fails in the middle', async () => {
        const { client, server } = pairOf({}, way);
        const reading = outcome(server.receive());
        async function* source(): AsyncGenerator<string> {
          yield 'x'.repeat(100_000);
          await settle();
          throw new Error('the source is dry');
        }
        expect(await outcome(client.sendStream(source()))).to.be.instanceOf(Error);
        expect(await reading).to.be.instanceOf(CloseError);
        expect((await client.closed).error?.message).to.match(/the source is dry/);
      });

      it('are complete when a stream is given up behind its last fragment', async () => {
        const line = 'a line of a stream that others refer to';
        for (const turns of [0, 1, 2, 3, 4, 5, 6]) {
          const { client, server } = pairOf({}, way);
          const giveUp = new AbortController();
          const sending = outcome(client.sendStream([line], { signal: giveUp.signal }));
          await settle(turns);
          giveUp.abort(new Error('enough'));
          await sending;
          const behind = [outcome(client.send(line.repeat(9))), outcome(client.send(line.repeat(9)))];
          const got: unknown[] = [];
          const reading = outcome(
            (async () => {
              for await (const message of server) got.push(message);
            })(),
          );
          await Promise.all(behind);
          await client.close();
          await reading;
          // All of the stream came or nothing, and what is behind it is understood.
          if (got[0] === line) got.shift();
          expect(got, `after ${turns} turns`).to.deep.equal([line.repeat(9), line.repeat(9)]);
        }
      });

      it('make an engine at each end when it is first needed, and free it at the end', async () => {
        const [enginesBefore, contextsBefore] = [countEngines(), countContexts()];
        const { client, server } = pairOf({}, way);
        expect(countEngines()).to.equal(enginesBefore);
        await client.send('short');
        expect(await server.receive()).to.equal('short');
        expect(countEngines()).to.equal(enginesBefore);
        await client.send('x'.repeat(100));
        await server.receive();
        // A compressor here, a decompressor there, and the two decompressors that may be needed.
        expect([countEngines() - enginesBefore, countContexts() - contextsBefore]).to.deep.equal([2, 3]);
        await Promise.all([client.close(), server.closed]);
        expect([countEngines(), countContexts()]).to.deep.equal([enginesBefore, contextsBefore]);
      });
    });

    describe('prepared once', () => {
      const line = 'a line that everybody gets, and that others refer to';

      it('do not confuse the histories of a connection', async () => {
        for (const settings of [{}, { contextTakeover: false, peerContextTakeover: false }]) {
          const { client, server } = pairOf({}, { ...way, threshold: 0, ...settings });
          const prepared = prepare(line, { compress: true });
          const own = [line, prepared, line, prepared, prepared, line, `${line}!`, 'plain', prepared, line];
          for (const end of [
            [client, server],
            [server, client],
          ] as [Connection, Connection][]) {
            for (const message of own) void end[0].send(message);
            for (const message of own) {
              expect(await end[1].receive()).to.equal(message === prepared ? line : message);
            }
          }
          await Promise.all([client.close(), server.closed]);
        }
      });

      it('have a window for each size that was agreed, made once', async () => {
        const prepared = prepare(
          Buffer.from(Array.from({ length: 5_000 }, (_, i) => ((i % 700) * 7) & 255)),
          {
            compress: true,
          },
        );
        for (const bits of [15, 8, 10, 15, 8]) {
          const { connection, peer } = deflatedRaw('server', {}, { ...way, peerWindowBits: bits }, way);
          await connection.send(prepared);
          await until(() => peer.frames.length === 1);
          const { payload, rsv1 } = peer.frames[0]!;
          expect(rsv1).to.equal(true);
          const inflating = new Inflating(agreement({ windowBits: bits }));
          expect((await inflating.message(payload))?.equals(prepared.payload)).to.equal(true);
          inflating.inflater.close();
          expect(await prepared.deflated(bits)).to.equal(await prepared.deflated(bits));
          connection.terminate();
        }
      });

      it('go plain where that is wanted, or agreed', async () => {
        const agreed = deflatedRaw('client', {}, way);
        void agreed.connection.send(prepare(line, { compress: true }), { compress: false });
        void agreed.connection.send(prepare(line, { compress: false }));
        void agreed.connection.send(prepare(line));
        void agreed.connection.send(prepare(line, { threshold: 10 }));
        const plain = rawPair('server');
        void plain.connection.send(prepare(line, { compress: true }));
        await until(() => agreed.peer.frames.length === 4 && plain.peer.frames.length === 1);
        expect(agreed.peer.frames.map(({ rsv1 }) => rsv1 === true)).to.deep.equal([
          false,
          false,
          false,
          true,
        ]);
        expect(agreed.peer.messages.slice(0, 3)).to.deep.equal([line, line, line]);
        expect(plain.peer.messages).to.deep.equal([line]);
        agreed.connection.terminate();
        plain.connection.terminate();
      });

      it('are sent in fragments, and by reference when they are large', async () => {
        const noise = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255));
        for (const role of roles) {
          for (const fragmentSize of [Infinity, 7_000]) {
            const { client, server } = pairOf({ client: { fragmentSize }, server: { fragmentSize } }, way);
            const [from, to] = role === 'client' ? [client, server] : [server, client];
            for (const compress of [true, false]) {
              await from.send(prepare(noise, { compress }));
              expect(((await to.receive()) as Buffer).equals(noise)).to.equal(true);
            }
            await Promise.all([client.close(), server.closed]);
          }
        }
      });
    });
  });
}

describe('a message that cannot be compressed', () => {
  const ways: Record<string, (connection: Connection) => Promise<void>> = {
    bytes: (connection) => connection.send(Buffer.alloc(5_000)),
    'a Blob': (connection) => connection.send(new Blob(['x'.repeat(5_000)])),
    'a prepared message': (connection) => connection.send(prepare('x'.repeat(100_000), { compress: true })),
  };

  for (const [name, send] of Object.entries(ways)) {
    it(`fails the connection, as the peer would miss it: ${name}`, async () => {
      const failing = sinon.stub(Deflater.prototype, 'deflateLater').rejects(new Error('no memory'));
      try {
        const { connection, peer } = deflatedRaw('server', {}, { asyncThreshold: 0 });
        const sent = outcome(send(connection));
        expect(String(await sent)).to.match(/no memory/);
        await settle();
        expect(peer.messages).to.deep.equal([]);
        expect(peer.closes).to.deep.equal(['1011']);
        expect(connection.state).to.equal('closing');
        connection.terminate();
      } finally {
        failing.restore();
      }
    });
  }
});

describe('messages of another zlib', () => {
  it('are understood, with all that it may be set to', async () => {
    const texts = ['one', 'one and two', 'one and two and three'.repeat(500), '', 'one and two'];
    for (const level of [0, 1, 9]) {
      const { connection, peer } = deflatedRaw('server');
      const payloads = await zlibDeflate(
        texts.map((text) => Buffer.from(text)),
        { level },
      );
      for (const payload of payloads) peer.frame(Opcode.Text, payload, true, true);
      for (const text of texts) expect(await connection.receive()).to.equal(text);
      connection.terminate();
    }
  });
});
