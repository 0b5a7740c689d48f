import { constants, deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { countEngines } from '#src/deflate/engine.js';
import { countContexts } from '#src/deflate/engines.js';
import { ProtocolError } from '#src/errors.js';
import { runs } from '../properties/settings.js';
import { settle, until } from '../support/connections.js';
import { agreement, isPublic } from './agreements.js';
import { Inflating, zlibDeflate } from './inflating.js';
import { referenceInflate } from './reference-inflate.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** The engines of a test: at once as far as there is such a thing, and all in the thread pool. */
const ways = isPublic ? [Infinity] : [Infinity, 0, 100];

/** What zlib makes of it at the worst: it shrinks to a thousandth. */
function zeros(size: number): Buffer {
  const message = deflateRawSync(Buffer.alloc(size), { finishFlush: constants.Z_SYNC_FLUSH });
  return message.subarray(0, message.length - 4);
}

function expectInvalid(error: Error | undefined): void {
  expect(error).to.be.instanceOf(ProtocolError);
  expect(error).to.include({ code: 'ANTS_INVALID_DEFLATE', closeCode: 1007 });
  expect(error!.message).to.match(/^a compressed message is not valid DEFLATE data: ./);
}

for (const asyncThreshold of ways) {
  const where = isPublic ? 'the documented zlib' : `an asyncThreshold of ${asyncThreshold}`;
  describe(`inflater, with ${where}`, () => {
    let open: Inflating[] = [];
    const start = (changes: Parameters<typeof agreement>[0] = {}): Inflating => {
      const inflating = new Inflating(agreement({ asyncThreshold, ...changes }));
      open.push(inflating);
      return inflating;
    };
    afterEach(() => {
      for (const { inflater } of open) inflater.close();
      open = [];
    });

    describe('the examples of RFC 7692', () => {
      const hello = 'f2 48 cd c9 c9 07 00';
      for (const pieceSize of [Infinity, 3, 1]) {
        it(`section 7.2.3.1 and 7.2.3.2: "Hello", and again from the history; pieces of ${pieceSize}`, async () => {
          const inflating = start();
          expect(String(await inflating.message(hex(hello), pieceSize))).to.equal('Hello');
          expect(String(await inflating.message(hex('f2 00 11 00 00'), pieceSize))).to.equal('Hello');
          expect(String(await inflating.message(hex(hello), pieceSize))).to.equal('Hello');
        });

        it(`section 7.2.3.3: a block without compression; pieces of ${pieceSize}`, async () => {
          const inflating = start();
          const stored = hex('00 05 00 fa ff 48 65 6c 6c 6f 00');
          expect(String(await inflating.message(stored, pieceSize))).to.equal('Hello');
          expect(String(await inflating.message(stored, pieceSize))).to.equal('Hello');
          expect(String(await inflating.message(hex('f2 00 11 00 00'), pieceSize))).to.equal('Hello');
        });

        it(`section 7.2.3.4: a block with BFINAL; pieces of ${pieceSize}`, async () => {
          const inflating = start();
          const final = hex('f3 48 cd c9 c9 07 00 00');
          expect(String(await inflating.message(final, pieceSize))).to.equal('Hello');
          expect(String(await inflating.message(final, pieceSize))).to.equal('Hello');
          expect(String(await inflating.message(hex(hello), pieceSize))).to.equal('Hello');
        });

        it(`section 7.2.3.5: two blocks in a message; pieces of ${pieceSize}`, async () => {
          const inflating = start();
          const two = hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00');
          expect(String(await inflating.message(two, pieceSize))).to.equal('Hello');
          expect(String(await inflating.message(hex(hello), pieceSize))).to.equal('Hello');
        });

        it(`section 7.2.3.6: an empty message; pieces of ${pieceSize}`, async () => {
          const inflating = start();
          expect(await inflating.message(hex('00'), pieceSize)).to.deep.equal(Buffer.alloc(0));
          expect(await inflating.message(hex('00'), pieceSize)).to.deep.equal(Buffer.alloc(0));
          // What a flush without data writes in full; the message ends with one more.
          expect(await inflating.message(hex('00 00 00 ff ff 00'), pieceSize)).to.deep.equal(Buffer.alloc(0));
          expect(String(await inflating.message(hex(hello), pieceSize))).to.equal('Hello');
        });
      }
    });

    it('takes an empty block that is the last one, and whose end the sender left out', async () => {
      const inflating = start();
      expect(await inflating.message(hex('01'))).to.deep.equal(Buffer.alloc(0));
      expect(await inflating.message(hex('01'))).to.deep.equal(Buffer.alloc(0));
      expect(String(await inflating.message(hex('f2 48 cd c9 c9 07 00')))).to.equal('Hello');
    });

    it('refuses a message without a byte', async () => {
      for (const before of [
        [],
        [hex('00')],
        [hex('f2 48 cd c9 c9 07 00')],
        [hex('f3 48 cd c9 c9 07 00 00')],
      ]) {
        const inflating = start();
        for (const message of before) await inflating.message(message);
        expect(await inflating.message(Buffer.alloc(0))).to.equal(undefined);
        expectInvalid(inflating.error);
        expect(inflating.error!.message).to.match(/ends in the middle of a block/);
      }
    });

    it('says what zlib finds wrong', async () => {
      const inflating = start();
      expect(await inflating.message(hex('ff ff ff'))).to.equal(undefined);
      expectInvalid(inflating.error);
      expect(inflating.error!.message).to.match(/invalid block type/);
      expect(inflating.error!.cause).to.be.instanceOf(Error).and.include({ code: 'Z_DATA_ERROR' });
    });

    it('hands over nothing behind the tail of a message', async () => {
      for (const trailing of ['48', '00', 'ff', '48 65 6c 6c 6f 00']) {
        const inflating = start();
        const message = hex(`f2 48 cd c9 c9 07 00 00 00 ff ff ${trailing}`);
        const expected = referenceInflate(message, []);
        const found = await inflating.message(message);
        expect(found, trailing).to.deep.equal(expected);
      }
    });

    describe('DEFLATE streams that end within', () => {
      const final = 'f3 48 cd c9 c9 07 00';
      const messages: readonly (readonly [string, string, string])[] = [
        ['without the empty block behind it', final, 'Hello'],
        ['in the middle', `${final} f2 48 cd c9 c9 07 00`, 'HelloHello'],
        ['twice, without the empty block behind', `${final} ${final}`, 'HelloHello'],
        ['twice, with it', `${final} ${final} 00`, 'HelloHello'],
        ['as stored blocks', '01 05 00 fa ff 48 65 6c 6c 6f 01 00 00 ff ff 00', 'Hello'],
        ['many times, each empty', `${'03 00 '.repeat(50)}00`, ''],
        ['many times, and nothing else', '03 00 '.repeat(50), ''],
        [
          'many times, between text',
          `${'03 00 '.repeat(9)}${final} ${'03 00 '.repeat(9)}${final} 00`,
          'HelloHello',
        ],
      ];
      for (const [name, payload, text] of messages) {
        for (const pieceSize of [Infinity, 1, 2, 3, 7]) {
          it(`${name}, in pieces of ${pieceSize}`, async () => {
            const inflating = start();
            expect(String(await inflating.message(hex(payload), pieceSize))).to.equal(text);
            // What follows begins without history.
            expect(String(await inflating.message(hex('f2 48 cd c9 c9 07 00'), pieceSize))).to.equal('Hello');
            expect(String(await inflating.message(hex(payload), pieceSize))).to.equal(text);
            const history: number[] = [];
            for (const one of [payload, 'f2 48 cd c9 c9 07 00', payload]) referenceInflate(hex(one), history);
            const old = hex('f2 00 11 00 00');
            expect(await inflating.message(old, pieceSize)).to.deep.equal(referenceInflate(old, history));
          });
        }
      }

      it('that are many cost linear time', async () => {
        const inflating = start();
        const count = isPublic ? 2_000 : 40_000;
        expect(await inflating.message(Buffer.alloc(count * 2, hex('03 00')))).to.deep.equal(Buffer.alloc(0));
      });

      it('ends output and stream at the end of the memory for it', async () => {
        // 64 KiB exactly, and one less and more.
        for (const size of [65_535, 65_536, 65_537, 131_072]) {
          const payload = deflateRawSync(Buffer.alloc(size, 7));
          for (const rest of [[0], [], [3, 0]]) {
            const inflating = start();
            const message = Buffer.concat([payload, Buffer.from(rest)]);
            expect(
              (await inflating.message(message))?.equals(Buffer.alloc(size, 7)),
              `${size} ${rest}`,
            ).to.equal(true);
            expect(await inflating.message(hex('00'))).to.deep.equal(Buffer.alloc(0));
          }
        }
      });
    });

    it('inflates what another zlib makes, whatever its size and settings', async () => {
      const text = Buffer.from(
        '{"type":"message","room":"ants","text":"a longer line of text"}'.repeat(3000),
      );
      const noise = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255));
      for (const settings of [
        {},
        { level: 0 },
        { level: 1, memLevel: 1 },
        { windowBits: 9 },
        { strategy: constants.Z_FIXED },
      ]) {
        const messages = [1, 10, 65_535, 65_536, 65_537, 130_000].flatMap((size) => [
          text.subarray(0, size),
          noise.subarray(0, size),
          Buffer.alloc(size),
        ]);
        const inflating = start({ windowBits: settings.windowBits ?? 15 });
        for (const [i, payload] of (await zlibDeflate(messages, settings)).entries()) {
          const found = await inflating.message(payload, i % 2 === 0 ? Infinity : 1_000);
          expect(found?.equals(messages[i]!), `${JSON.stringify(settings)} ${i}`).to.equal(true);
        }
      }
    });

    it('refuses what goes farther back than was agreed', async () => {
      const noise = Buffer.from(Array.from({ length: 600 }, (_, i) => (i * i * 31 + (i >> 3)) & 255));
      const [first, again] = await zlibDeflate([noise, noise]);
      const wide = start({ windowBits: 10 });
      expect((await wide.message(first!))?.equals(noise)).to.equal(true);
      expect((await wide.message(again!))?.equals(noise)).to.equal(true);
      const narrow = start({ windowBits: 9 });
      await narrow.message(first!);
      expect(await narrow.message(again!)).to.equal(undefined);
      expectInvalid(narrow.error);
    });

    it('has no history without context takeover', async () => {
      const inflating = start({ contextTakeover: false });
      expect(String(await inflating.message(hex('f2 48 cd c9 c9 07 00')))).to.equal('Hello');
      expect(await inflating.message(hex('f2 00 11 00 00'))).to.equal(undefined);
      expectInvalid(inflating.error);
      // The shared engine is none the worse.
      const other = start({ contextTakeover: false });
      expect(String(await other.message(hex('f2 48 cd c9 c9 07 00')))).to.equal('Hello');
    });

    it('does with any bytes what DEFLATE says, and delivers no part of a message', async () => {
      const piece = fc.oneof(
        {
          weight: 4,
          arbitrary: fc.constantFrom('f2 48 cd c9 c9 07 00', '00', '03 00', '00 00 ff ff', '01 00 00 ff ff'),
        },
        {
          weight: 4,
          arbitrary: fc.constantFrom(
            'f3 48 cd c9 c9 07 00',
            '00 02 00 fd ff 41 42',
            'f2 00 11 00 00',
            'ca c9 c9 07 00',
          ),
        },
        {
          weight: 1,
          arbitrary: fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes).toString('hex')),
        },
      );
      const property = fc.asyncProperty(
        fc.array(fc.array(piece, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(1, 2, 5, Infinity),
        async (messages, pieceSize) => {
          const inflating = start();
          const history: number[] = [];
          for (const message of messages) {
            const payload = hex(message.join(''));
            const expected = referenceInflate(payload, history);
            expect(await inflating.message(payload, pieceSize)).to.deep.equal(expected);
            if (expected === undefined) {
              expectInvalid(inflating.error);
              break;
            }
          }
          inflating.inflater.close();
        },
      );
      await fc.assert(property, runs(isPublic ? 150 : 400));
    });

    it('refuses every message that was cut, at every byte', async () => {
      const words = fc.constantFrom('ant', 'queen', 'leaf', ' ', '{"', '":', '\u00e9', '0123456789');
      const text = fc.array(words, { maxLength: 60 }).map((list) => Buffer.from(list.join('')));
      const settings = fc.record({
        level: fc.constantFrom(0, 1, 6, 9),
        strategy: fc.constantFrom(
          constants.Z_DEFAULT_STRATEGY,
          constants.Z_FIXED,
          constants.Z_HUFFMAN_ONLY,
          constants.Z_RLE,
        ),
      });
      const property = fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 2 }),
        settings,
        async (messages, zlib) => {
          const payloads = await zlibDeflate(messages, zlib);
          const last = payloads.pop()!;
          for (let end = 0; end < last.length; end++) {
            const inflating = start();
            const history: number[] = [];
            for (const payload of payloads) {
              referenceInflate(payload, history);
              expect(await inflating.message(payload)).to.not.equal(undefined);
            }
            const cut = last.subarray(0, end);
            // A stored block may be cut so that an empty message is left, which is a sound one.
            const expected = referenceInflate(cut, history);
            if (expected !== undefined) expect(cut).to.deep.equal(hex('00'));
            expect(await inflating.message(cut, end % 2 === 0 ? Infinity : 5), `cut at ${end}`).to.deep.equal(
              expected,
            );
            if (expected === undefined) expectInvalid(inflating.error);
            expect(inflating.messages).to.have.lengthOf(payloads.length + (expected === undefined ? 0 : 1));
            inflating.inflater.close();
          }
        },
      );
      await fc.assert(property, runs(isPublic ? 6 : 15));
    }).timeout(60_000);

    it('stops where its owner wants, and goes on from there', async () => {
      const inflating = start();
      inflating.mustWait = true;
      const size = 700_000;
      const pushing = inflating.push(zeros(size), true);
      await until(() => inflating.size > 0);
      await settle(30);
      expect(inflating.messages).to.deep.equal([]);
      // A piece of the output, and in the thread pool what was made meanwhile.
      expect(inflating.size).to.be.within(1, 3 * 65_536);
      expect(inflating.inflater.isPending).to.equal(true);
      expect(inflating.inflater.isReady).to.equal(true);
      inflating.mustWait = false;
      inflating.onInflaterReady();
      expect(await pushing).to.equal(true);
      expect(inflating.messages[0]!.equals(Buffer.alloc(size))).to.equal(true);
      expect(inflating.inflater.isPending).to.equal(false);
    });

    it('lets the event loop turn after each MiB', async () => {
      const inflating = start();
      let turns = 0;
      let isDone = false;
      const count = (): void => {
        turns++;
        if (!isDone) setImmediate(count);
      };
      setImmediate(count);
      await inflating.message(zeros(16 * 1024 * 1024));
      isDone = true;
      expect(turns).to.be.at.least(15);
      expect(inflating.messages[0]!.length).to.equal(16 * 1024 * 1024);
    });

    it('rests also after many small messages', async () => {
      const inflating = start();
      const bomb = zeros(100_000);
      const chunk = Buffer.from(bomb);
      let messages = 0;
      // All in one turn, as from one chunk of the transport.
      while (inflating.inflater.inflate(chunk, 0, chunk.length, true)) messages++;
      expect(messages).to.be.below(11);
      await until(() => inflating.ready > 0);
      expect(inflating.size + inflating.messages.length).to.be.above(0);
    });

    it('passes on what its sink throws', async () => {
      const inflating = start();
      inflating.refusal = new Error('too big');
      expect(await inflating.message(zeros(200_000))).to.equal(undefined);
      expect(inflating.error).to.equal(inflating.refusal);
    });

    it('may be closed in the middle, again and again, and tells nothing more', async () => {
      for (const contextTakeover of [true, false]) {
        const [engines, contexts] = [countEngines(), countContexts()];
        for (const turns of [0, 1, 2, 5]) {
          const inflating = start({ contextTakeover });
          inflating.mustWait = turns === 5;
          const payload = zeros(3_000_000);
          inflating.inflater.inflate(payload, 0, payload.length, true);
          await settle(turns);
          inflating.inflater.close();
          inflating.inflater.close();
          const { size, ready } = inflating;
          await settle(20);
          expect(inflating.inflater.isPending).to.equal(false);
          expect([inflating.size, inflating.ready, inflating.error]).to.deep.equal([size, ready, undefined]);
        }
        expect(countContexts()).to.equal(contexts);
        // Some of those that are lent are kept.
        if (contextTakeover) expect(countEngines()).to.equal(engines);
        else expect(countEngines() - engines).to.be.at.most(4);
      }
    });

    it('gives places in the thread pool back while it is held', async () => {
      const held = Array.from({ length: 5 }, () => start());
      const pushing = held.map((inflating) => {
        inflating.mustWait = true;
        return inflating.push(zeros(1_000_000), true);
      });
      await until(() => held.every(({ size }) => size > 0));
      const other = start();
      expect((await other.message(zeros(1_000_000)))?.length).to.equal(1_000_000);
      for (const inflating of held) {
        inflating.mustWait = false;
        inflating.onInflaterReady();
      }
      expect(await Promise.all(pushing)).to.deep.equal([true, true, true, true, true]);
      for (const inflating of held) expect(inflating.messages[0]!.length).to.equal(1_000_000);
    });

    it('makes its engine when it is first needed, and frees it when it is closed', async () => {
      const [engines, contexts] = [countEngines(), countContexts()];
      const inflating = start();
      expect(countEngines()).to.equal(engines);
      // The peer may use it at any time: it is counted from the beginning.
      expect(countContexts()).to.equal(contexts + 1);
      await inflating.message(hex('00'));
      expect(countEngines()).to.equal(engines + 1);
      await inflating.message(hex('00'));
      expect([countEngines(), countContexts()]).to.deep.equal([engines + 1, contexts + 1]);
      inflating.inflater.close();
      inflating.inflater.close();
      expect([countEngines(), countContexts()]).to.deep.equal([engines, contexts]);
      const unused = start();
      unused.inflater.close();
      expect([countEngines(), countContexts()]).to.deep.equal([engines, contexts]);
      const shared = start({ contextTakeover: false });
      await shared.message(hex('00'));
      expect(countContexts()).to.equal(contexts);
    });
  });
}
