import { showValue } from '../protocol/show-value.js';
import type { Connection } from './connection.js';
import { printError } from './report-error.js';

/** Which end of the connection this is. It decides who masks and who ends TCP first, no more (RFC 6455 section 5.1). */
export type Role = 'client' | 'server';

/**
 * What `send` does while the peer is slow: more than `highWaterMark` is buffered, and some of it since an earlier turn of the event
 * loop. `'wait'`: takes the message, and its promise waits. `'drop'`: does not take it; the promise is resolved, and
 * `stats.droppedMessages` counts. `'terminate'`: cuts the connection, with `ANTS_SLOW_PEER`.
 */
export type WhenSlow = 'wait' | 'drop' | 'terminate';

/**
 * What an option-taking function of this library accepts for a connection. Sizes are bytes, times are milliseconds;
 * `Infinity` switches a limit or deadline off.
 */
export interface ConnectionOptions {
  /** The largest message that is received. Default: 1 MiB on servers, 16 MiB on clients. */
  maxMessageSize?: number | undefined;
  /** The most frames that a received message may be cut into. Default: 16,384 on servers, 65,536 on clients. */
  maxFragments?: number | undefined;
  /** Bytes of unread messages at which reading from the peer stops. Default: 1 MiB. */
  receiveQueueBytes?: number | undefined;
  /** Number of unread messages at which reading from the peer stops. Default: 1,024. */
  receiveQueueMessages?: number | undefined;
  /** Cuts sent messages into frames with at most this much payload. Default: `Infinity`, one frame a message. */
  fragmentSize?: number | undefined;
  /** Buffered bytes above which `send` returns a promise that waits for the peer. Default: 64 KiB. */
  highWaterMark?: number | undefined;
  /**
   * Buffered bytes above which nothing more is read from the peer until the buffer has drained, so that a peer that
   * asks and never reads costs a bounded amount. Default: 1 MiB on servers, `Infinity` on clients.
   */
  readHold?: number | undefined;
  /** Buffered bytes above which the connection is terminated. Default: 16 MiB on servers, `Infinity` on clients. */
  maxBufferedAmount?: number | undefined;
  /** What `send` does with a message while the peer is slow: see {@link WhenSlow}. Default: `'wait'`. */
  whenSlow?: WhenSlow | undefined;
  /** How long the peer may take for its part of the closing handshake. Default: 5,000. */
  closeTimeout?: number | undefined;
  /** How long written bytes may wait without any of them leaving. Default: 60,000. */
  writeTimeout?: number | undefined;
  /**
   * How long the peer may be silent before it is sent a ping; clients wait for a sixteenth longer, so that one of two ends asks.
   * `Infinity`: no heartbeat. Default: 30,000.
   */
  heartbeatInterval?: number | undefined;
  /** How long it may stay silent after that ping before it is given up. `Infinity`: for ever. Default: 30,000. */
  heartbeatTimeout?: number | undefined;
  /** Closes the connection with 1001 when no message came or went for so long. Default: `Infinity`. */
  idleTimeout?: number | undefined;
  /** Closes the connection with 1001 when it has been open for so long. Default: `Infinity`. */
  maxLifetime?: number | undefined;
  /**
   * Where errors of your code go: what a handler or a listener throws, after the connection was closed with 1011.
   * Default: printed to standard error.
   */
  onError?: ((error: unknown, connection: Connection<unknown>) => void) | undefined;
}

/** {@link ConnectionOptions} with every default filled in. */
export type ResolvedConnectionOptions = {
  readonly [K in keyof ConnectionOptions]-?: NonNullable<ConnectionOptions[K]>;
};

const KiB = 1024;
const MiB = 1024 * KiB;

const sharedDefaults = {
  receiveQueueBytes: MiB,
  receiveQueueMessages: 1024,
  fragmentSize: Infinity,
  highWaterMark: 64 * KiB,
  whenSlow: 'wait' as WhenSlow,
  closeTimeout: 5_000,
  writeTimeout: 60_000,
  heartbeatInterval: 30_000,
  heartbeatTimeout: 30_000,
  idleTimeout: Infinity,
  maxLifetime: Infinity,
  onError: printError,
};

/** The defaults of each role. */
export const connectionDefaults: { readonly [R in Role]: ResolvedConnectionOptions } = {
  server: {
    ...sharedDefaults,
    maxMessageSize: MiB,
    maxFragments: 16_384,
    readHold: MiB,
    maxBufferedAmount: 16 * MiB,
  },
  client: {
    ...sharedDefaults,
    maxMessageSize: 16 * MiB,
    maxFragments: 65_536,
    readHold: Infinity,
    maxBufferedAmount: Infinity,
  },
};

const smallest: { readonly [K in Exclude<keyof ConnectionOptions, 'onError' | 'whenSlow'>]-?: number } = {
  maxMessageSize: 0,
  maxFragments: 1,
  receiveQueueBytes: 1,
  receiveQueueMessages: 1,
  fragmentSize: 1,
  highWaterMark: 0,
  readHold: 0,
  maxBufferedAmount: 0,
  closeTimeout: 0,
  writeTimeout: 1,
  heartbeatInterval: 1,
  heartbeatTimeout: 1,
  idleTimeout: 1,
  maxLifetime: 1,
};

/** What was resolved already: the connections of a server share one object. */
const resolvedFor = new WeakMap<object, Role>();

/**
 * Checks the options and fills in the defaults of `role`. Options that are not of a connection are passed over, so that
 * the wider options of `serve` or `dial` can be handed in as they are.
 *
 * @throws TypeError when an option is not in its range, or the marks are not in their order.
 */
export function resolveConnectionOptions(role: Role, options: ConnectionOptions): ResolvedConnectionOptions {
  if (resolvedFor.get(options) === role) return options as ResolvedConnectionOptions;
  const resolved: { -readonly [K in keyof ResolvedConnectionOptions]: ResolvedConnectionOptions[K] } = {
    ...connectionDefaults[role],
  };
  for (const name of Object.keys(smallest) as (keyof typeof smallest)[]) {
    const value = options[name];
    if (value === undefined) continue;
    checkNumber(name, value, smallest[name]);
    resolved[name] = value;
  }
  if (options.onError !== undefined) {
    if (typeof options.onError !== 'function') throw new TypeError('onError must be a function');
    resolved.onError = options.onError;
  }
  if (options.whenSlow !== undefined) {
    checkWhenSlow(options.whenSlow);
    resolved.whenSlow = options.whenSlow;
  }
  const { highWaterMark, readHold, maxBufferedAmount } = resolved;
  const ordered =
    highWaterMark <= maxBufferedAmount &&
    (readHold === Infinity || (highWaterMark <= readHold && readHold <= maxBufferedAmount));
  if (!ordered) {
    throw new TypeError(
      `highWaterMark (${highWaterMark}) <= readHold (${readHold}) <= maxBufferedAmount (${maxBufferedAmount}) must hold; readHold may be Infinity`,
    );
  }
  Object.freeze(resolved);
  resolvedFor.set(resolved, role);
  return resolved;
}

/** @throws TypeError when `value` is no policy. */
export function checkWhenSlow(value: unknown): asserts value is WhenSlow {
  if (value === 'wait' || value === 'drop' || value === 'terminate') return;
  throw new TypeError(`whenSlow must be 'wait', 'drop' or 'terminate'; it is ${String(value)}`);
}

/**
 * @throws TypeError when `value` is not a number of at least `least`; fractions are refused, `Infinity` is accepted.
 */
export function checkNumber(name: string, value: unknown, least: number): asserts value is number {
  if (typeof value === 'number' && value >= least && (Number.isInteger(value) || value === Infinity)) return;
  throw new TypeError(
    `${name} must be a whole number of at least ${least}, or Infinity; it is ${showValue(value)}`,
  );
}
