import { HandshakeError } from '../errors.js';

/** How long to wait before dialling again, in milliseconds. */
export interface RetryTimes {
  /** The bound of the first delay; each failure in a row doubles it. */
  readonly minDelay: number;
  /** The highest that bound gets. */
  readonly maxDelay: number;
  /** The most of a `Retry-After` that is heeded. */
  readonly maxRetryAfter: number;
}

/**
 * How long to wait after so many failures in a row: anything from nothing to a bound that doubles ("full jitter"), as a crowd that
 * comes back after the same time runs a server down again. What the server asked for is waited for first.
 *
 * @param failures 1 or more
 * @param retryAfter what the server asked for, in milliseconds
 * @param random a number from 0 up to but not including 1
 */
export function retryDelay(
  failures: number,
  retryAfter: number,
  { minDelay, maxDelay, maxRetryAfter }: RetryTimes,
  random: number,
): number {
  const bound = Math.min(maxDelay, minDelay * 2 ** (failures - 1));
  return Math.min(retryAfter, maxRetryAfter) + Math.floor(random * (bound + 1));
}

/**
 * The milliseconds that a refusal asks to wait with `Retry-After` (RFC 9110 section 10.2.3): a number of seconds, or a date. 0 when it
 * does not, or not so that it can be understood.
 *
 * @param now the time of day, as `Date.now()`
 */
export function retryAfterOf(error: unknown, now: number): number {
  const value = error instanceof HandshakeError ? error.headers.get('retry-after') : null;
  if (value === null) return 0;
  if (/^\d{1,15}$/.test(value)) return Number(value) * 1000;
  // A date has a name of a day in it in each of its three forms; "1.5" or "-1" would pass for a year.
  const date = /^[A-Z]/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/** What ends with these may well go better next time (RFC 9110 section 15.5.9, RFC 8470, RFC 6585). */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** The codes with which Node.js and OpenSSL reject a certificate, ours included. */
const ofCertificates =
  /CERT|_CRL|^INVALID_CA$|^INVALID_PURPOSE$|^PATH_LENGTH_EXCEEDED$|^HOSTNAME_MISMATCH$|^UNABLE_TO_VERIFY_LEAF_SIGNATURE$/;

/**
 * Whether it makes no sense to dial again: the request is refused for what it is (4xx), a certificate is not good, or what is to be
 * dialled cannot be.
 *
 * @param mayHaveBetter whether the next request may bring other credentials
 */
export function isFinal(error: unknown, mayHaveBetter: boolean): boolean {
  if (!(error instanceof HandshakeError)) return error instanceof TypeError;
  const { code, status = 0, cause } = error;
  if (code === 'ANTS_CONNECT_FAILED') {
    return ofCertificates.test((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
  }
  if (status < 400 || status > 499 || passing.has(status)) return false;
  return !(mayHaveBetter && isAboutCredentials(error));
}

/** Whether a request with other credentials may be let in. */
export function isAboutCredentials(error: unknown): boolean {
  return error instanceof HandshakeError && (error.status === 401 || error.status === 403);
}
