import { expect } from 'chai';
import { maskFrames } from './frame-vector.js';
import { bytesOf, frame, readNotation } from './notation.js';

describe('the notation of the vectors', () => {
  it('reads hex, text and repetitions', () => {
    expect(bytesOf("81 05 'a b' ff00*2 'é'*2").toString('hex')).to.equal(
      '8105' + '612062' + 'ff00ff00' + 'c3a9c3a9',
    );
  });

  it('counts the bytes in front of the mark', () => {
    expect(readNotation("81 'abc'| 00").mark).to.equal(4);
    expect(readNotation("81 'abc'").mark).to.equal(4);
    expect(readNotation('').mark).to.equal(0);
  });

  it('refuses everything else', () => {
    for (const wrong of ['8', '81 5', "'open", '81 05x', 'AA', '(81)*2']) {
      expect(() => bytesOf(wrong), wrong).to.throw('bad notation');
    }
  });

  it('makes frames with the right length', () => {
    expect(bytesOf(frame(0x81, "'Hello'"))).to.deep.equal(bytesOf("81 05 'Hello'"));
    expect(bytesOf(frame(0x82, '00*125')).subarray(0, 3).toString('hex')).to.equal('827d00');
    expect(bytesOf(frame(0x82, '00*126')).subarray(0, 5).toString('hex')).to.equal('827e007e00');
    expect(bytesOf(frame(0x82, '00*65536')).subarray(0, 11).toString('hex')).to.equal(
      '827f000000000001000000',
    );
  });

  it('masks every frame, and those that are cut as far as they go', () => {
    expect(maskFrames(bytesOf('81 01 00 82 02 0000')).toString('hex')).to.equal(
      '8181' + '37fa2180' + '37' + '8282' + '38f92181' + '38f9',
    );
    expect(maskFrames(bytesOf('81')).toString('hex')).to.equal('81');
    expect(maskFrames(bytesOf('82 7e 01')).toString('hex')).to.equal('82fe01');
    expect(maskFrames(bytesOf('82 7f ffffffffffffffff 00')).toString('hex')).to.equal(
      '82ffffffffffffffffff' + '37fa2180' + '37',
    );
  });
});
