import { constants, createInflateRaw, inflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import sinon from 'sinon';
import { Deflater } from '#src/deflate/deflater.js';
import { countEngines, Engine } from '#src/deflate/engine.js';
import { countContexts } from '#src/deflate/engines.js';
import type { DeflateAgreement } from '#src/deflate/extension.js';
import { runs } from '../properties/settings.js';
import { outcome, settle } from '../support/connections.js';
import { agreement, isPublic } from './agreements.js';
import { Inflating } from './inflating.js';
import { referenceInflate } from './reference-inflate.js';

const tail = Buffer.from([0, 0, 0xff, 0xff]);
const ways = isPublic ? [Infinity] : [Infinity, 0];

/** Compresses at once where that is possible; what comes out is the test's own. */
async function deflate(deflater: Deflater, bytes: Uint8Array, final = true): Promise<Buffer> {
  return deflater.isSync(bytes.length)
    ? Buffer.from(deflater.deflate(bytes, final))
    : deflater.deflateLater(bytes, final);
}

/** Inflates one message, with nothing before it. */
function inflate(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, tail]), { finishFlush: constants.Z_SYNC_FLUSH });
}

for (const asyncThreshold of ways) {
  describe(`deflater, with ${isPublic ? 'the documented zlib' : `an asyncThreshold of ${asyncThreshold}`}`, () => {
    let open: Deflater[] = [];
    const start = (
      changes: Parameters<typeof agreement>[0] = {},
      more: Partial<DeflateAgreement['options']> = {},
    ) => {
      const made = agreement({ asyncThreshold, ...changes });
      const deflater = new Deflater({ ...made, options: { ...made.options, ...more } });
      open.push(deflater);
      return deflater;
    };
    afterEach(() => {
      for (const deflater of open) deflater.close();
      open = [];
    });

    it('makes the examples of RFC 7692 section 7.2.3', async () => {
      const deflater = start();
      expect((await deflate(deflater, Buffer.from('Hello'))).toString('hex')).to.equal('f248cdc9c90700');
      expect((await deflate(deflater, Buffer.from('Hello'))).toString('hex')).to.equal('f200110000');
      expect((await deflate(deflater, Buffer.alloc(0))).toString('hex')).to.equal('00');
      expect((await deflate(start(), Buffer.alloc(0))).toString('hex')).to.equal('00');
      expect((await deflate(start({ level: 0 }), Buffer.from('Hello'))).toString('hex')).to.equal(
        '000500faff48656c6c6f00',
      );
    });

    it('begins anew for each message without context takeover', async () => {
      const deflater = start({ contextTakeover: false });
      for (let i = 0; i < 3; i++) {
        expect((await deflate(deflater, Buffer.from('Hello'))).toString('hex')).to.equal('f248cdc9c90700');
      }
    });

    it('makes messages of every size that other ends understand', async () => {
      const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255));
      for (const settings of [
        {},
        { level: 0 },
        { level: 1, memLevel: 1 },
        { windowBits: 9 },
        { contextTakeover: false },
      ]) {
        const deflater = start(settings);
        const inflating = new Inflating(agreement(settings));
        // Around the size of the memory that output is made in: what can't be compressed becomes a little larger.
        for (const size of [
          0, 1, 65_500, 65_516, 65_521, 65_526, 65_531, 65_536, 131_060, 131_072, 200_000,
        ]) {
          for (const bytes of [noise.subarray(0, size), Buffer.alloc(size)]) {
            const payload = await deflate(deflater, bytes);
            expect(
              (await inflating.message(payload))?.equals(bytes),
              `${JSON.stringify(settings)} ${size}`,
            ).to.equal(true);
          }
        }
        inflating.inflater.close();
      }
    });

    it('makes messages in parts', async () => {
      const property = fc.asyncProperty(
        fc.array(fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 4 }), {
          maxLength: 4,
        }),
        fc.boolean(),
        async (messages, contextTakeover) => {
          const deflater = start({ contextTakeover });
          const inflating = new Inflating(agreement({ contextTakeover }));
          const history: number[] = [];
          for (const parts of messages) {
            const payloads: Buffer[] = [];
            for (const [i, part] of parts.entries()) {
              payloads.push(await deflate(deflater, part, i === parts.length - 1));
            }
            const payload = Buffer.concat(payloads);
            expect(payload.length).to.be.at.least(1);
            const whole = Buffer.concat(parts);
            expect(await inflating.message(payload)).to.deep.equal(whole);
            if (!contextTakeover) history.length = 0;
            expect(referenceInflate(payload, history)).to.deep.equal(whole);
          }
          inflating.inflater.close();
          deflater.close();
        },
      );
      await fc.assert(property, runs(100));
    });

    it('starts without history after a message that was not from here', async () => {
      const deflater = start();
      const [line] = [Buffer.from('the same line again and again')];
      const first = await deflate(deflater, line);
      const second = await deflate(deflater, line);
      expect(second.length).to.be.below(first.length);
      deflater.forget();
      const third = await deflate(deflater, line);
      expect(third).to.deep.equal(first);
      expect(await deflate(deflater, line)).to.deep.equal(second);
    });

    it('shares an engine when there are too many contexts, and forgets what was before', async () => {
      const maxContexts = countContexts() + 1;
      const line = Buffer.from('the same line again and again');
      const [own, shared] = [start({}, { maxContexts }), start({}, { maxContexts })];
      const [first, again] = [await deflate(own, line), await deflate(own, line)];
      expect(countContexts()).to.equal(maxContexts);
      for (let i = 0; i < 3; i++) expect(await deflate(shared, line)).to.deep.equal(first);
      expect(countContexts()).to.equal(maxContexts);
      own.close();
      expect(countContexts()).to.equal(maxContexts - 1);
      // Now it gets one; it must not refer to what the shared engine compressed.
      expect(await deflate(shared, line)).to.deep.equal(first);
      expect(await deflate(shared, line)).to.deep.equal(again);
      expect(countContexts()).to.equal(maxContexts);
    });

    it('has a context from the first message on until it is closed', async () => {
      const [engines, contexts] = [countEngines(), countContexts()];
      const deflater = start();
      expect([countEngines(), countContexts()]).to.deep.equal([engines, contexts]);
      await deflate(deflater, Buffer.from('a'));
      await deflate(deflater, Buffer.from('b'));
      expect([countEngines(), countContexts()]).to.deep.equal([engines + 1, contexts + 1]);
      deflater.close();
      deflater.close();
      expect([countEngines(), countContexts()]).to.deep.equal([engines, contexts]);
    });

    it('gives a shared engine back when it is closed in the middle of a message', async () => {
      const settings = { contextTakeover: false, level: 2, memLevel: 3 };
      await deflate(start(settings), Buffer.from('x'));
      const engines = countEngines();
      for (let i = 0; i < 10; i++) {
        const deflater = start(settings);
        await deflate(deflater, Buffer.from('the beginning'), false);
        deflater.close();
      }
      expect(countEngines()).to.equal(engines);
      const payload = await deflate(start(settings), Buffer.from('the beginning'));
      expect(String(inflate(payload))).to.equal('the beginning');
    });

    it('works for many at a time', async () => {
      const line = Buffer.from('one line\n'.repeat(20_000));
      for (const contextTakeover of [true, false]) {
        const deflaters = Array.from({ length: 12 }, () => start({ contextTakeover }));
        const payloads = await Promise.all(deflaters.map((deflater) => deflater.deflateLater(line, true)));
        for (const payload of payloads) expect(inflate(payload).equals(line)).to.equal(true);
        for (const deflater of deflaters) deflater.close();
      }
    });

    it('begins anew behind a job that failed', async () => {
      const line = Buffer.from('one line\n'.repeat(1_000));
      for (const contextTakeover of [true, false]) {
        const engines = countEngines();
        const deflater = start({ contextTakeover });
        await deflater.deflateLater(line, true);
        const job = sinon.stub(Engine.prototype, 'start').callsFake((_flush, _input, sink) => {
          process.nextTick(() => sink.onError(new Error('no memory')));
        });
        const failed = outcome(deflater.deflateLater(line, true));
        expect(String(await failed.finally(() => job.restore()))).to.match(/no memory/);
        // The peer has neither seen the message that failed, nor does it have to remember the one before.
        expect(inflate(await deflater.deflateLater(line, true)).equals(line)).to.equal(true);
        deflater.close();
        expect(countEngines() - engines).to.be.at.most(1);
      }
    });

    it('is closed in the middle of jobs, without harm', async () => {
      const contexts = countContexts();
      const line = Buffer.from('one line\n'.repeat(100_000));
      for (const contextTakeover of [true, false]) {
        for (const turns of [0, 1, 3]) {
          const deflaters = Array.from({ length: 8 }, () => start({ contextTakeover }));
          let settled = 0;
          for (const deflater of deflaters) void deflater.deflateLater(line, true).finally(() => settled++);
          await settle(turns);
          for (const deflater of deflaters) deflater.close();
          const soFar = settled;
          expect(countContexts()).to.equal(contexts);
          // All places are free again.
          const last = start({ contextTakeover });
          expect(inflate(await last.deflateLater(line, true)).equals(line)).to.equal(true);
          expect(settled).to.equal(soFar);
          last.close();
        }
      }
      expect(String(await outcome(open[0]!.deflateLater(line, true)))).to.match(/the connection has ended/);
    });

    it('never refers farther back than a window of 8 bits, with all that it may be set to', async () => {
      // What repeats at a distance of 200 to 300 bytes, so that a reference too far would pay.
      const bytes = Buffer.from(
        Array.from({ length: 4_000 }, (_, i) => ((i % (200 + ((i >> 8) % 100))) * 7 + (i % 3)) & 255),
      );
      for (const level of [1, 3, 6, 9]) {
        for (const memLevel of [1, 8, 9]) {
          const deflater = start({ windowBits: 8, level, memLevel });
          const history: number[] = [];
          // The measure knows exactly 256 bytes; zlib gets them one by one, so that none it has still at hand help.
          const inflater = createInflateRaw({ windowBits: 8, chunkSize: 64 });
          const out: Buffer[] = [];
          inflater.on('data', (piece: Buffer) => out.push(piece));
          for (let i = 0; i < 3; i++) {
            const payload = await deflate(deflater, bytes);
            expect(payload.length).to.be.below(bytes.length);
            expect(referenceInflate(payload, history, 8)?.equals(bytes)).to.equal(true);
            for (const byte of Buffer.concat([payload, tail])) inflater.write(Buffer.from([byte]));
            await new Promise<void>((resolve) => inflater.flush(constants.Z_SYNC_FLUSH, resolve));
            expect(Buffer.concat(out.splice(0)).equals(bytes)).to.equal(true);
          }
          inflater.close();
        }
      }
    });
  });
}
