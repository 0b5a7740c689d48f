import { checkOptionNames } from '../connection/option-names.js';
import { checkNumber } from '../connection/options.js';
import type { HeadersInput } from '../handshake/headers.js';
import { showValue } from '../protocol/show-value.js';
import { parseAddress } from './address.js';
import { compileOptions, type DialOptions, dialOptionNames } from './options.js';
import type { RetryTimes } from './retry.js';

/** What to dial this time. */
export interface ReconnectTarget {
  url: string | URL;
  /** Instead of the option. */
  headers?: HeadersInput | undefined;
  /** Instead of the option. */
  subprotocols?: readonly string[] | undefined;
}

/** What a function that is asked for the target is told. */
export interface ReconnectContext {
  /** 1 for the first attempt, and for the first after a connection was open; each that fails adds 1. */
  readonly attempt: number;
  /** Why the last attempt failed, or the last connection ended; undefined at first, and after an end in order. */
  readonly error: unknown;
  /** Aborted when nobody wants a connection any more. */
  readonly signal: AbortSignal;
}

/** Says what to dial, each time. */
export type ReconnectProvider = (
  context: ReconnectContext,
) => string | URL | ReconnectTarget | Promise<string | URL | ReconnectTarget>;

/** One attempt to connect, when it is over. */
export interface ReconnectAttempt {
  /** 1 for the first attempt, and for the first after a connection was open. */
  readonly attempt: number;
  /** What was dialled, without its password; undefined when the function that is asked for it failed. */
  readonly url: string | undefined;
  /** Why it failed; undefined when the connection is open. */
  readonly error: unknown;
  /** Milliseconds until the next attempt; undefined when there is none. */
  readonly delay: number | undefined;
}

/** How to stay connected. Times are milliseconds. */
export interface ReconnectOptions<Data = undefined> extends DialOptions<Data> {
  /** The first delay is at most this, and each failure in a row doubles that. Default: 1,000. */
  minDelay?: number | undefined;
  /** No delay is longer, but for a `Retry-After`. Default: 30,000. */
  maxDelay?: number | undefined;
  /** A connection that was open for so long was a success: the delays begin anew. Default: 10,000. */
  healthyAfter?: number | undefined;
  /** The most of a `Retry-After` that is heeded. Default: 300,000. */
  maxRetryAfter?: number | undefined;
  /** Close codes after which no other connection is wanted. Default: none. */
  finalCodes?: readonly number[] | undefined;
  /** Told of each attempt when it is over. What it throws ends the iteration. */
  onAttempt?: ((attempt: ReconnectAttempt) => void) | undefined;
}

const retryDefaults = { minDelay: 1_000, maxDelay: 30_000, healthyAfter: 10_000, maxRetryAfter: 300_000 };

const reconnectOptionNames = {
  ...dialOptionNames,
  ...retryDefaults,
  finalCodes: true,
  onAttempt: true,
} satisfies Record<keyof ReconnectOptions, unknown>;

/** {@link ReconnectOptions} that were checked. */
export interface ReconnectSettings<Data> {
  readonly target: ReconnectTarget | undefined;
  readonly times: RetryTimes;
  readonly healthyAfter: number;
  readonly finalCodes: ReadonlySet<number>;
  readonly onAttempt: (attempt: ReconnectAttempt) => void;
  readonly dial: DialOptions<Data>;
}

/**
 * Checks what can be checked before the first attempt.
 *
 * @throws TypeError when the URL or an option cannot be used
 */
export function compileReconnect<Data>(
  target: string | URL | ReconnectProvider,
  options: ReconnectOptions<Data>,
): ReconnectSettings<Data> {
  checkOptionNames(
    { name: 'reconnect', example: '{ maxDelay: 5_000 }', known: reconnectOptionNames },
    options,
  );
  if (typeof target !== 'function') parseAddress(target);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const { minDelay, maxDelay, healthyAfter, maxRetryAfter, finalCodes, onAttempt, ...dial } = {
    ...retryDefaults,
    ...(Object.fromEntries(given) as ReconnectOptions<Data>),
  } as ReconnectOptions<Data> & typeof retryDefaults;
  checkNumber('minDelay', minDelay, 1);
  checkNumber('maxDelay', maxDelay, 1);
  checkNumber('healthyAfter', healthyAfter, 0);
  checkNumber('maxRetryAfter', maxRetryAfter, 0);
  if (maxDelay === Infinity || minDelay > maxDelay) {
    throw new TypeError(`minDelay (${minDelay}) <= maxDelay (${maxDelay}) must hold, and maxDelay be finite`);
  }
  if (finalCodes !== undefined && !(Array.isArray(finalCodes) && finalCodes.every(Number.isInteger))) {
    throw new TypeError(
      `finalCodes must be a list of close codes, such as [4001]; it is ${showValue(finalCodes)}`,
    );
  }
  if (onAttempt !== undefined && typeof onAttempt !== 'function') {
    throw new TypeError(`onAttempt must be a function; it is ${showValue(onAttempt)}`);
  }
  compileOptions(dial as DialOptions<Data>);
  return {
    target: typeof target === 'function' ? undefined : { url: target },
    times: { minDelay, maxDelay, maxRetryAfter },
    healthyAfter,
    finalCodes: new Set(finalCodes),
    onAttempt: onAttempt ?? (() => {}),
    dial: dial as DialOptions<Data>,
  };
}
