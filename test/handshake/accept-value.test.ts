import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { acceptValue } from '#src/handshake/accept-value.js';
import { encodeKey } from '#src/handshake/key.js';
import { sampleAccept, sampleKey } from './vectors.js';

describe('handshake: the accept value', () => {
  it('answers the key of RFC 6455 section 1.3', () => {
    expect(acceptValue(sampleKey)).to.equal(sampleAccept);
  });

  it('is the SHA-1 of node:crypto for every key', () => {
    const hash = (key: string) =>
      createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    const check = (nonce: Uint8Array) => {
      const key = encodeKey(nonce);
      expect(acceptValue(key)).to.equal(hash(key));
    };
    check(new Uint8Array(16));
    check(new Uint8Array(16).fill(0xff));
    fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), check), { numRuns: 1_000 });
  });
});
