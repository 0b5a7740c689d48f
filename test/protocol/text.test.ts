import { Buffer, transcode } from 'node:buffer';
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeText, detourOn, toText } from '#src/protocol/text.js';

/** Around the sizes where decoding goes another way. */
const sizes = [0, 1, 7, 8, 9, 100, 4095, 4096, 4097, 70_000];

const samples = ['plain', 'Grüße, ', 'Ελληνικά', '世界', '😀😃', '\u0000\ufeff', '\ufffd'];

/** Bytes with others around them, and where they are. */
function within(payload: Buffer): [bytes: Buffer, start: number, end: number] {
  return [Buffer.concat([Buffer.from('\xff<'), payload, Buffer.from('>\xff')]), 3, 3 + payload.length];
}

describe('detourOn', () => {
  it('takes another way where the decoder is slow', () => {
    expect(detourOn('20.19.0')).to.equal(transcode);
    expect(detourOn('22.1.0')).to.equal(transcode);
    expect(detourOn('24.0.0')).to.equal(undefined);
    expect(detourOn('26.10.0')).to.equal(undefined);
  });
});

describe('decodeText', () => {
  it('gives the text of its bytes and of no others, at all sizes', () => {
    for (const sample of samples) {
      for (const size of sizes) {
        const text = sample.repeat(size / Buffer.byteLength(sample));
        expect(decodeText(...within(Buffer.from(text))) === text, `${sample}, ${size} bytes`).to.equal(true);
      }
    }
  });

  it('keeps a byte order mark', () => {
    for (const size of sizes) {
      const text = `\ufeff${'é'.repeat(size / 2)}`;
      expect(decodeText(...within(Buffer.from(text))) === text, `${size} bytes`).to.equal(true);
    }
  });

  it('agrees with the strict decoder of the engine about any bytes', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const text = fc.string({ unit: 'binary' }).map((part) => Buffer.from(part));
    const part = fc.oneof(text, fc.uint8Array({ maxLength: 4 }));
    const property = fc.property(
      fc.array(part, { maxLength: 4 }),
      fc.constantFrom(...sizes),
      (parts, size) => {
        const payload = Buffer.concat([Buffer.from('é'.repeat(size / 2)), ...parts]);
        let expected: string | undefined;
        try {
          expected = strict.decode(payload);
        } catch {
          expect(() => decodeText(...within(payload)))
            .to.throw()
            .with.property('code', 'ANTS_INVALID_UTF8');
          return;
        }
        expect(decodeText(...within(payload)) === expected).to.equal(true);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

describe('toText', () => {
  it('gives the text of bytes that were checked before', () => {
    for (const size of sizes) {
      const text = '世'.repeat(size / 3);
      expect(toText(...within(Buffer.from(text))) === text, `${size} bytes`).to.equal(true);
    }
  });
});
