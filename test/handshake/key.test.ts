import { expect } from 'chai';
import fc from 'fast-check';
import { acceptValue, encodeKey, isKey } from '#src/handshake/key.js';
import { sampleAccept, sampleKey } from './vectors.js';

describe('handshake: key', () => {
  it('answers the key of RFC 6455 section 1.3', () => {
    expect(acceptValue(sampleKey)).to.equal(sampleAccept);
  });

  it('takes every nonce of 16 bytes, also a view into a larger buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), fc.nat(24), (bytes, start) => {
        const nonce = bytes.subarray(start, start + 16);
        const key = encodeKey(nonce);
        expect(isKey(key)).to.equal(true);
        expect([...Buffer.from(key, 'base64')]).to.deep.equal([...nonce]);
      }),
    );
  });

  it('refuses every other size', () => {
    for (const size of [0, 1, 15, 17, 18, 32]) expect(isKey(encodeKey(new Uint8Array(size)))).to.equal(false);
  });

  it('takes a string only if it is what encodeKey gives', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 24, maxLength: 24 }), (text) => {
        expect(isKey(text)).to.equal(encodeKey(Buffer.from(text, 'base64')) === text);
      }),
    );
  });
});
