import { expect } from 'chai';
import fc from 'fast-check';
import { isAboutCredentials, isFinal, retryAfterOf, retryDelay } from '#src/client/retry.js';
import { HandshakeError, TimeoutError } from '#src/errors.js';

function refusal(status: number, headers: Record<string, string> = {}): HandshakeError {
  return new HandshakeError('ANTS_HANDSHAKE_REFUSED', 'refused', {
    response: { status, headers: new Headers(headers), body: '' },
  });
}

function unreachable(code: string): HandshakeError {
  const cause = Object.assign(new Error(code), { code });
  return new HandshakeError('ANTS_CONNECT_FAILED', 'cannot connect', { cause });
}

describe('client: retry', () => {
  const times = { minDelay: 1_000, maxDelay: 30_000, maxRetryAfter: 60_000 };
  const almostOne = 1 - 2 ** -53;

  it('waits for anything up to a bound that doubles, and is capped', () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 2_000].map((failures) => retryDelay(failures, 0, times, almostOne));
    expect(bounds).to.deep.equal([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(retryDelay(5, 0, times, 0)).to.equal(0);
    expect(retryDelay(3, 0, times, 0.5)).to.equal(2_000);
  });

  it('waits for what the server asked first, up to a cap', () => {
    expect(retryDelay(1, 5_000, times, 0.5)).to.equal(5_500);
    expect(retryDelay(1, Infinity, times, 0)).to.equal(60_000);
  });

  it('never waits for a negative time, a fraction, or longer than both caps', () => {
    const numbers = fc.integer({ min: 1, max: 1_000_000 });
    const random = fc.double({ min: 0, max: almostOne, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.nat(),
        numbers,
        numbers,
        fc.nat(),
        random,
        (...args) => {
          const [failures, retryAfter, a, b, maxRetryAfter, chance] = args;
          const [minDelay, maxDelay] = a < b ? [a, b] : [b, a];
          const delay = retryDelay(failures, retryAfter, { minDelay, maxDelay, maxRetryAfter }, chance);
          expect(Number.isInteger(delay)).to.equal(true);
          expect(delay).to.be.within(Math.min(retryAfter, maxRetryAfter), maxDelay + maxRetryAfter);
        },
      ),
    );
  });

  it('reads Retry-After as seconds or as a date', () => {
    const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');
    for (const [value, ms] of [
      ['120', 120_000],
      ['0', 0],
      ['Wed, 21 Oct 2026 07:29:00 GMT', 60_000],
      ['Wednesday, 21-Oct-26 07:29:00 GMT', 60_000],
      ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
      ['-5', 0],
      ['1.5', 0],
      ['soon', 0],
      ['Soon', 0],
      ['', 0],
      ['9'.repeat(16), 0],
    ] as const) {
      expect(retryAfterOf(refusal(503, { 'Retry-After': value }), now), value).to.equal(ms);
    }
    expect(retryAfterOf(refusal(503), now)).to.equal(0);
    expect(retryAfterOf(new Error('x'), now)).to.equal(0);
    fc.assert(
      fc.property(fc.string(), (value) => {
        const headers = new Headers();
        try {
          headers.set('retry-after', value);
        } catch {
          return;
        }
        const error = new HandshakeError('ANTS_HANDSHAKE_REFUSED', 'x', {
          response: { status: 503, headers, body: '' },
        });
        expect(retryAfterOf(error, now)).to.be.at.least(0);
      }),
    );
  });

  it('gives up on refusals for what the request is, and on no other', () => {
    const final = (status: number) => isFinal(refusal(status), false);
    for (const status of [400, 401, 403, 404, 407, 410, 426, 499])
      expect(final(status), String(status)).to.equal(true);
    for (const status of [200, 302, 408, 425, 429, 500, 503, 599])
      expect(final(status), String(status)).to.equal(false);
  });

  it('asks once more for credentials where there may be better ones', () => {
    for (const status of [401, 403]) {
      expect(isFinal(refusal(status), true)).to.equal(false);
      expect(isAboutCredentials(refusal(status))).to.equal(true);
    }
    expect(isFinal(refusal(404), true)).to.equal(true);
    expect(isAboutCredentials(refusal(404))).to.equal(false);
    expect(isAboutCredentials(new Error('x'))).to.equal(false);
  });

  it('gives up on certificates and on what cannot be dialled, and on no network', () => {
    for (const code of [
      'CERT_HAS_EXPIRED',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'HOSTNAME_MISMATCH',
      'INVALID_PURPOSE',
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    ]) {
      expect(isFinal(unreachable(code), false), code).to.equal(true);
    }
    expect(isFinal(new TypeError('no URL'), false)).to.equal(true);
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'ETIMEDOUT', 'EPROTO', 'EAI_AGAIN', '']) {
      expect(isFinal(unreachable(code), false), code).to.equal(false);
    }
    for (const error of [
      new HandshakeError('ANTS_CONNECT_FAILED', 'no cause'),
      new HandshakeError('ANTS_HANDSHAKE_INVALID', 'no HTTP'),
      new TimeoutError('ANTS_HANDSHAKE_TIMEOUT', 'late'),
      new Error('of a provider'),
    ]) {
      expect(isFinal(error, false), error.message).to.equal(false);
    }
  });
});
