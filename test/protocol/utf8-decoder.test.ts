import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import fc from 'fast-check';
import { Utf8Decoder } from '#src/protocol/utf8-decoder.js';

describe('Utf8Decoder', () => {
  it('keeps characters whole in every split into two, and a BOM', () => {
    const text = '\ufeffa\u00e9\u07ff\u0800\u20ac\uffff\u{10000}\u{1f41c}z\u{10ffff}';
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = new Utf8Decoder();
      const first = decoder.decode(bytes, 0, cut);
      expect(first).not.to.match(/\ufffd/);
      expect(first + decoder.decode(bytes, cut, bytes.length)).to.equal(text);
    }
  });

  it('keeps characters whole when bytes come one by one', () => {
    const bytes = Buffer.from('x\u{1f41c}\u20acy');
    const decoder = new Utf8Decoder();
    const parts = [...bytes.keys()].map((i) => decoder.decode(bytes, i, i + 1));
    expect(parts).to.deep.equal(['x', '', '', '', '\u{1f41c}', '', '', '\u20ac', 'y']);
  });

  it('gives the same text for any cuts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(40)), (text, cuts) => {
        const bytes = Buffer.from(text);
        const decoder = new Utf8Decoder();
        let start = 0;
        let decoded = '';
        for (const size of [...cuts, bytes.length]) {
          const end = Math.min(start + size, bytes.length);
          decoded += decoder.decode(bytes, start, end);
          start = end;
        }
        expect(decoded).to.equal(text);
      }),
    );
  });
});
