import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { ProtocolError } from '#src/errors.js';
import { encodeClosePayload, maxReasonBytes, parseClosePayload } from '#src/protocol/close-payload.js';
import { bytesOf } from '../vectors/notation.js';

describe('parseClosePayload', () => {
  it('reads only what stands between start and end', () => {
    const bytes = bytesOf("ff ff 03e8 'bye' ff ff");
    expect(parseClosePayload(bytes, 2, 7)).to.deep.equal({ code: 1000, reason: 'bye' });
    expect(parseClosePayload(bytes, 2, 4)).to.deep.equal({ code: 1000, reason: '' });
    expect(parseClosePayload(bytes, 2, 2)).to.deep.equal({ code: 1005, reason: '' });
  });

  it('says what is wrong', () => {
    const cases = [
      ['03', 'ANTS_INVALID_CLOSE_PAYLOAD', 1002, '1 byte'],
      ['03ee', 'ANTS_INVALID_CLOSE_CODE', 1002, '1006 (AbnormalClosure)'],
      ['0000', 'ANTS_INVALID_CLOSE_CODE', 1002, '0 (not allowed)'],
      ['03e8 ff', 'ANTS_INVALID_CLOSE_REASON', 1007, '1000'],
      ["0fa0 'a' e282", 'ANTS_INVALID_CLOSE_REASON', 1007, '4000'],
    ] as const;
    for (const [notation, code, closeCode, words] of cases) {
      const bytes = bytesOf(notation);
      expect(() => parseClosePayload(bytes, 0, bytes.length), notation)
        .to.throw(ProtocolError, words)
        .that.includes({ code, closeCode, name: 'ProtocolError' });
    }
  });
});

describe('encodeClosePayload', () => {
  it('writes the code and the reason', () => {
    expect(encodeClosePayload(1000, '').toString('hex')).to.equal('03e8');
    expect(encodeClosePayload(4999, '€').toString('hex')).to.equal('1387e282ac');
    expect(encodeClosePayload(1001, 'x'.repeat(123)).equals(bytesOf("03e9 'x'*123"))).to.equal(true);
    expect(encodeClosePayload(3000, '\ud800').toString('hex'), 'half a pair').to.equal('0bb8efbfbd');
  });

  it('writes nothing for 1005', () => {
    expect(encodeClosePayload(1005, '').length).to.equal(0);
  });

  it('is read back as it was', () => {
    for (const [code, reason] of [
      [1000, ''],
      [1014, 'é'.repeat(61)],
      [1005, ''],
      [4000, '\ufeffbom'],
    ] as const) {
      const payload = encodeClosePayload(code, reason);
      expect(parseClosePayload(payload, 0, payload.length)).to.deep.equal({ code, reason });
    }
  });

  it('has memory of its own', () => {
    const payload = encodeClosePayload(1000, 'abc');
    expect(payload.buffer.byteLength).to.equal(payload.length);
  });

  it('refuses codes that must not travel', () => {
    const wrong: unknown[] = [
      0,
      999,
      1004,
      1006,
      1015,
      1016,
      2999,
      5000,
      1000.5,
      Number.NaN,
      -1,
      '1000',
      null,
      1000n,
    ];
    for (const code of wrong) {
      expect(() => encodeClosePayload(code as number, ''), String(code)).to.throw(TypeError, String(code));
    }
    expect(() => encodeClosePayload('1000' as never, '')).to.throw('it is the string "1000"');
    expect(() => encodeClosePayload(1005, 'why'), '1005 has no reason').to.throw(TypeError, '1005');
  });

  it('refuses reasons that are too long, counted in bytes, or no strings', () => {
    expect(maxReasonBytes).to.equal(123);
    expect(() => encodeClosePayload(1000, 'x'.repeat(124))).to.throw(TypeError, '124');
    expect(() => encodeClosePayload(1000, 'é'.repeat(62))).to.throw(TypeError, '124');
    for (const reason of [undefined, null, 5, Buffer.from('a'), new Uint8Array(3)]) {
      expect(() => encodeClosePayload(1000, reason as never)).to.throw(
        TypeError,
        'a close reason must be a string',
      );
    }
  });
});
