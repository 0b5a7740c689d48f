import { Buffer, isUtf8 } from 'node:buffer';
import { expect } from 'chai';
import { Utf8Validator } from '#src/protocol/utf8.js';
import { bytesOf, readNotation } from '../vectors/notation.js';
import { cutTexts, invalidTexts, validTexts } from '../vectors/utf8.js';

/** Bytes at both sides of every border in RFC 3629 section 4. */
const borders = bytesOf('00 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff');

describe('Utf8Validator', () => {
  it('agrees with TextDecoder on all sequences of 1 and 2 bytes', () => {
    for (let first = 0; first < 256; first++) {
      expectVerdict(Buffer.of(first), decodes);
      for (let second = 0; second < 256; second++) expectVerdict(Buffer.of(first, second), decodes);
    }
  });

  it('agrees with TextDecoder on sequences of 3 and 4 bytes at every border', () => {
    // A first byte below 80 would leave a shorter sequence.
    for (const first of borders.subarray(2)) {
      for (const second of borders) {
        for (const third of borders) {
          expectVerdict(Buffer.of(first, second, third), decodes);
          if (first < 0xf0) continue;
          for (const fourth of borders) expectVerdict(Buffer.of(first, second, third, fourth), decodes);
        }
      }
    }
  });

  it('agrees with isUtf8 on all sequences of 3 bytes', () => {
    const bytes = Buffer.alloc(3);
    for (let sequence = 0x800000; sequence <= 0xffffff; sequence++) {
      bytes[0] = sequence >> 16;
      bytes[1] = sequence >> 8;
      bytes[2] = sequence;
      expectVerdict(bytes, isUtf8);
    }
  });

  for (const [name, notation] of validTexts) {
    it(`accepts ${name}, wherever it is cut, at every place around the native check`, () => {
      for (const [bytes] of around(bytesOf(notation))) {
        for (let cut = 0; cut <= bytes.length; cut++) {
          const validator = new Utf8Validator();
          expect(validator.push(bytes, 0, cut)).to.equal(true);
          expect(validator.atBoundary, `cut at ${cut}`).to.equal(decodes(bytes.subarray(0, cut)));
          expect(validator.push(bytes, cut, bytes.length)).to.equal(true);
          expect(validator.atBoundary).to.equal(true);
        }
      }
    });
  }

  for (const [name, notation] of invalidTexts) {
    it(`refuses ${name} with the part that brings the bad byte`, () => {
      const { bytes: sequence, mark } = readNotation(notation);
      for (const [bytes, before] of around(sequence)) {
        const bad = before + mark;
        for (let cut = 0; cut <= bytes.length; cut++) {
          const validator = new Utf8Validator();
          const first = validator.push(bytes, 0, cut);
          expect(first, `cut at ${cut}, bad at ${bad}`).to.equal(cut < bad);
          if (first) expect(validator.push(bytes, cut, bytes.length)).to.equal(false);
        }
      }
    });
  }

  for (const [name, notation] of cutTexts) {
    it(`waits for more behind ${name}`, () => {
      for (const before of [0, 60, 61, 62, 63, 64, 100]) {
        const bytes = Buffer.concat([Buffer.alloc(before, 'a'), bytesOf(notation)]);
        const validator = new Utf8Validator();
        expect(validator.push(bytes, 0, bytes.length)).to.equal(true);
        expect(validator.atBoundary).to.equal(false);
        expect(validator.push(bytes, 0, 0), 'nothing more').to.equal(true);
        expect(validator.atBoundary).to.equal(false);
      }
    });
  }

  it('looks only at its part', () => {
    const bytes = Buffer.concat([Buffer.from([0xff]), Buffer.alloc(100, 'a'), Buffer.from([0xff])]);
    expect(new Utf8Validator().push(bytes, 1, 101)).to.equal(true);
    expect(new Utf8Validator().push(bytes, 1, 20)).to.equal(true);
    expect(new Utf8Validator().push(bytes, 0, 101)).to.equal(false);
    expect(new Utf8Validator().push(bytes, 1, 102)).to.equal(false);
  });

  it('is as good as new at the end of a character', () => {
    const validator = new Utf8Validator();
    for (const notation of ['e0a080', 'e18080', 'ed9fbf', 'f0908080', 'f1808080', 'f48fbfbf', 'c280']) {
      const bytes = bytesOf(notation);
      for (let i = 0; i < bytes.length; i++) expect(validator.push(bytes, i, i + 1), notation).to.equal(true);
      expect(validator.atBoundary, notation).to.equal(true);
    }
  });
});

function expectVerdict(bytes: Buffer, reference: (bytes: Buffer) => boolean): void {
  const validator = new Utf8Validator();
  const valid = validator.push(bytes, 0, bytes.length) && validator.atBoundary;
  if (valid !== reference(bytes))
    expect.fail(`${bytes.toString('hex')} was taken as ${valid ? '' : 'in'}valid`);
}

/** The sequence in texts of many sizes, and how many bytes stand in front of it. */
function* around(sequence: Buffer): Generator<readonly [bytes: Buffer, before: number]> {
  for (const before of [0, 1, 59, 60, 61, 62, 63, 64, 65, 130]) {
    for (const after of [0, 1, 64]) {
      yield [Buffer.concat([Buffer.alloc(before, 'a'), sequence, Buffer.alloc(after, 'a')]), before];
    }
  }
}

const strict = new TextDecoder('utf-8', { fatal: true });

function decodes(bytes: Buffer): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
