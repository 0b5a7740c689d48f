import { expect } from 'chai';
import fc from 'fast-check';
import { encodeKey, isKey } from '#src/handshake/key.js';

describe('handshake: key', () => {
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

  it('takes the key of RFC 6455 section 4.1, whose left-over bits are not zero', () => {
    expect(isKey('AQIDBAUGBwgJCgsMDQ4PEC==')).to.equal(true);
  });

  it('takes a string only if it is base64 of 16 bytes', () => {
    const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const likely = fc.string({
      unit: fc.constantFrom(...base64, '=', '-', '_', ' '),
      minLength: 24,
      maxLength: 24,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          likely,
          fc.string({ minLength: 22, maxLength: 22 }).map((text) => `${text}==`),
        ),
        (text) => {
          const isBase64 =
            text.endsWith('==') && [...text.slice(0, 22)].every((character) => base64.includes(character));
          expect(isKey(text)).to.equal(isBase64);
        },
      ),
    );
    expect(isKey(`${'A'.repeat(22)}==\n`)).to.equal(false);
    expect(isKey(`A${'A'.repeat(22)}==`)).to.equal(false);
  });
});
