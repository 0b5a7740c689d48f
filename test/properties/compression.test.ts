import { prepare } from 'ants-ws';
import { expect } from 'chai';
import fc from 'fast-check';
import type { CompressionOptions } from '#src/deflate/options.js';
import { agreements, isPublic } from '../deflate/agreements.js';
import { deflatedPair } from '../support/connections.js';
import { runs } from './settings.js';

const bits = fc.constantFrom(8, 9, 10, 15);
const compression: fc.Arbitrary<CompressionOptions> = fc.record(
  {
    level: fc.constantFrom(0, 1, 6, 9),
    memLevel: fc.constantFrom(1, 8),
    threshold: fc.constantFrom(0, 10, 100),
    windowBits: bits,
    peerWindowBits: bits,
    contextTakeover: fc.boolean(),
    peerContextTakeover: fc.boolean(),
    asyncThreshold: fc.constantFrom(0, 200, Infinity),
  },
  { requiredKeys: [] },
);

/** Has something in common with others, at all distances that a window may or may not have. */
const content = fc.oneof(
  fc
    .array(fc.constantFrom('{"type":', '"said"', ',"text":"', 'ants', '\ud83d\udc1c', '"}', '\u0000'), {
      maxLength: 40,
    })
    .map((list) => list.join('')),
  fc
    .tuple(fc.constantFrom(1, 199, 256, 300, 513, 5_000), fc.nat(20))
    .map(([size, seed]) =>
      Buffer.from(Array.from({ length: size }, (_, i) => ((i % (200 + seed)) * 7 + seed) & 255)),
    ),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
);

const message = fc.record({
  content,
  how: fc.constantFrom('send', 'send', 'prepared', 'stream', 'blob'),
  compress: fc.constantFrom(undefined, undefined, true, false),
  take: fc.constantFrom('whole', 'stream'),
});

describe('compressed messages between two ends', () => {
  it('arrive as they were sent, whatever was agreed on, and however they are sent, cut and taken', async () => {
    const property = fc.asyncProperty(
      fc.record({
        client: compression,
        server: compression,
        messages: fc.array(message, { maxLength: 8 }),
        fragmentSize: fc.constantFrom(1, 7, 100, Infinity),
        chunkSize: fc.constantFrom(1, 13, 1_000, Infinity),
        fromServer: fc.boolean(),
      }),
      async ({ client, server, messages, fragmentSize, chunkSize, fromServer }) => {
        const options = { fragmentSize, closeTimeout: 60_000 };
        const pair = deflatedPair(agreements(client, server), {
          client: options,
          server: options,
          chunks: chunkSize,
        });
        const [from, to] = fromServer ? [pair.server, pair.client] : [pair.client, pair.server];
        const sent = messages.map(({ content, how, compress }) => {
          if (how === 'prepared') return from.send(prepare(content, { compress }));
          if (how === 'blob') return from.send(new Blob([content]), { compress });
          if (how === 'send') return from.send(content, { compress });
          const half = content.length >> 1;
          return from.sendStream([content.slice(0, half), content.slice(half)] as string[], { compress });
        });
        for (const { content, how, take } of messages) {
          const expected = how === 'blob' ? Buffer.from(content) : content;
          if (take === 'whole') {
            expect(await to.receive()).to.deep.equal(expected);
            continue;
          }
          const parts: Buffer[] = [];
          for await (const part of await to.receiveStream()) parts.push(Buffer.from(part as string));
          expect(Buffer.concat(parts)).to.deep.equal(Buffer.from(expected));
        }
        await Promise.all(sent);
        const [{ wasClean }] = await Promise.all([pair.client.close(), pair.server.closed]);
        expect(wasClean).to.equal(true);
      },
    );
    await fc.assert(property, runs(isPublic ? 80 : 200));
  }).timeout(60_000);
});
