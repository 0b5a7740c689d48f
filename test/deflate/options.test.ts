import { expect } from 'chai';
import { compressionDefaults, defaultThreshold, resolveCompression } from '#src/deflate/options.js';

describe('the option compression', () => {
  it('is off with false, without it and with an empty list', () => {
    for (const off of [undefined, false, []]) expect(resolveCompression(off)).to.deep.equal([]);
  });

  it('is the defaults with true, {} and undefined values', () => {
    for (const on of [true, {}, [{}], { level: undefined, contextTakeover: undefined }]) {
      expect(resolveCompression(on)).to.deep.equal([compressionDefaults]);
    }
    expect(compressionDefaults).to.deep.equal({
      level: 6,
      memLevel: 8,
      threshold: undefined,
      windowBits: 15,
      peerWindowBits: 15,
      contextTakeover: true,
      peerContextTakeover: true,
      asyncThreshold: 65_536,
      maxContexts: 2_048,
    });
  });

  it('keeps the order of a list', () => {
    const ways = resolveCompression([
      { level: 1 },
      {},
      { contextTakeover: false, peerContextTakeover: false },
    ]);
    expect(ways.map(({ level, contextTakeover }) => [level, contextTakeover])).to.deep.equal([
      [1, true],
      [6, true],
      [6, false],
    ]);
  });

  const ranges: Record<string, readonly [least: number, most: number]> = {
    level: [0, 9],
    memLevel: [1, 9],
    threshold: [0, Infinity],
    windowBits: [8, 15],
    peerWindowBits: [8, 15],
    asyncThreshold: [0, Infinity],
    maxContexts: [0, Infinity],
  };
  for (const [name, [least, most]] of Object.entries(ranges)) {
    it(`takes ${name} from ${least} to ${most}`, () => {
      for (const value of [least, least + 1, most]) {
        expect(resolveCompression({ [name]: value })[0]).to.include({ [name]: value });
      }
      const wrong = [least - 1, least + 0.5, NaN, -Infinity, String(least), true, null, 10n, [9], {}];
      if (most < Infinity) wrong.push(most + 1, Infinity);
      for (const value of wrong) {
        expect(() => resolveCompression({ [name]: value })).to.throw(
          TypeError,
          `compression.${name} must be a whole number ${most < Infinity ? `from ${least} to ${most}` : `of at least ${least}, or Infinity`}`,
        );
      }
    });
  }

  for (const name of ['contextTakeover', 'peerContextTakeover']) {
    it(`takes true and false as ${name}`, () => {
      for (const value of [true, false]) {
        expect(resolveCompression({ [name]: value })[0]).to.include({ [name]: value });
      }
      for (const value of [0, 1, 'true', null, {}]) {
        expect(() => resolveCompression({ [name]: value })).to.throw(
          TypeError,
          `compression.${name} must be true or false`,
        );
      }
    });
  }

  it('knows no other names', () => {
    for (const name of ['serverNoContextTakeover', 'constructor', 'toString', 'Level', '']) {
      expect(() => resolveCompression({ [name]: 1 })).to.throw(
        TypeError,
        `unknown option "${name}" of compression; there are level, memLevel`,
      );
    }
    const proto = JSON.parse('{"__proto__": 1}');
    expect(() => resolveCompression(proto)).to.throw(TypeError, 'unknown option "__proto__"');
  });

  it('is no other kind of value', () => {
    for (const value of [null, 1, 'true', () => true, [true], [[]], [null]]) {
      expect(() => resolveCompression(value)).to.throw(
        TypeError,
        'compression must be true, false, an object',
      );
    }
  });

  it('has a threshold by default that depends on what is agreed', () => {
    expect(defaultThreshold(true)).to.equal(64);
    expect(defaultThreshold(false)).to.equal(1_024);
  });
});
