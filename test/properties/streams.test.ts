import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import fc from 'fast-check';
import { connectedPair } from '#src/testing/connected-pair.js';
import { runs } from './settings.js';

/** The chunks of a message, as its source gives them. */
const chunks: fc.Arbitrary<string[] | Uint8Array[]> = fc.oneof(
  fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1, maxLength: 6 }),
  // Any code units, so that pairs are cut and halves stand alone.
  fc.array(
    fc
      .array(fc.constantFrom('\ud83d', '\udc1c', 'a', '\u20ac', '\ufeff'), { maxLength: 8 })
      .map((units) => units.join('')),
    { minLength: 1, maxLength: 6 },
  ),
  fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }),
);

const message = fc.record({
  chunks,
  fragmentSize: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 400 })),
  /** How the other end takes it: whole, as a stream, or so many chunks of a stream. */
  take: fc.oneof(fc.constantFrom('whole', 'stream'), fc.nat(3)),
});

describe('streams between two ends', () => {
  it('carry what was put in, whatever the cuts, and however it is taken', async () => {
    const property = fc.asyncProperty(
      fc.array(message, { maxLength: 6 }),
      fc.integer({ min: 1, max: 500 }),
      async (messages, chunkSize) => {
        const { client, server } = connectedPair({ chunks: chunkSize });
        const sent = messages.map((one) =>
          client.sendStream(one.chunks as string[], { fragmentSize: one.fragmentSize }),
        );
        for (const { chunks, take } of messages) {
          const isText = typeof chunks[0] === 'string';
          const expected = isText
            ? Buffer.from((chunks as string[]).join(''))
            : Buffer.concat(chunks as Uint8Array[]);
          if (take === 'whole') {
            const whole = await server.receive();
            expect(typeof whole === 'string').to.equal(isText);
            expect(Buffer.from(whole as string).equals(expected)).to.equal(true);
            continue;
          }
          const stream = await server.receiveStream();
          expect(stream.type).to.equal(isText ? 'text' : 'binary');
          const parts: Buffer[] = [];
          let isWhole = true;
          for await (const part of stream) {
            parts.push(Buffer.from(part as string));
            if (parts.length !== take) continue;
            isWhole = false;
            break;
          }
          const taken = Buffer.concat(parts);
          expect(taken.equals(expected.subarray(0, taken.length))).to.equal(true);
          if (isWhole) expect(taken.length).to.equal(expected.length);
        }
        await Promise.all(sent);
        const [{ wasClean }] = await Promise.all([client.close(), server.closed]);
        expect(wasClean).to.equal(true);
      },
    );
    await fc.assert(property, runs(150));
  });
});
