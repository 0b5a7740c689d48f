import type { Connection } from '../connection/connection.js';
import { clearDeadline, setDeadline } from '../connection/deadline.js';
import { checkOptionNames } from '../connection/option-names.js';
import { checkNumber } from '../connection/options.js';
import { TimeoutError } from '../errors.js';
import { encodeClosePayload } from '../protocol/close-payload.js';

/** How the `close` of a server or an Upgrader closes. */
export interface CloseAllOptions {
  /** The close code that every client gets. Default: 1001, going away. */
  code?: number | undefined;
  /** The close reason. Default: empty. */
  reason?: string | undefined;
  /**
   * How long it may take, in milliseconds; who has not closed by then is cut off. The first half is for loops that are at work on
   * messages. Default: 5,000.
   */
  timeout?: number | undefined;
}

/** What became of those who were there when `close` was called. */
export interface CloseCounts {
  /** Connections that ended with a closing handshake. */
  readonly clean: number;
  /** Connections that ended otherwise: cut off when the time was over, or lost before. */
  readonly cut: number;
  /** Requests that waited for `authorize` and were refused. */
  readonly refused: number;
}

/** {@link CloseAllOptions} with every default filled in. */
export type ClosePlan = { readonly [K in keyof CloseAllOptions]-?: NonNullable<CloseAllOptions[K]> };

const optionNames = { code: true, reason: true, timeout: true } satisfies Record<keyof CloseAllOptions, true>;

/**
 * Fills in the defaults.
 *
 * @throws TypeError when the code or the reason cannot be sent, the time is none, or there is an option of another name
 */
export function checkCloseAll(options: CloseAllOptions): ClosePlan {
  checkOptionNames({ name: 'close', example: '{ timeout: 10_000 }', known: optionNames }, options);
  const { code = 1001, reason = '', timeout = 5_000 } = options;
  encodeClosePayload(code, reason);
  checkNumber('timeout', timeout, 0);
  return { code, reason, timeout };
}

/** Closes these connections, and cuts those that take too long. */
export async function closeAll(
  connections: Iterable<Pick<Connection, 'close' | 'terminate'>>,
  { code, reason, timeout }: ClosePlan,
): Promise<Pick<CloseCounts, 'clean' | 'cut'>> {
  const all = [...connections];
  const deadline = setDeadline(timeout, () => {
    for (const connection of all) connection.terminate(tooLate(timeout));
  });
  try {
    // The other half is for the closing handshake.
    const grace = timeout === Infinity ? Infinity : Math.floor(timeout / 2);
    const infos = await Promise.all(all.map((connection) => connection.close(code, reason, { grace })));
    const clean = infos.filter(({ wasClean }) => wasClean).length;
    return { clean, cut: infos.length - clean };
  } finally {
    clearDeadline(deadline);
  }
}

function tooLate(timeout: number): TimeoutError {
  return new TimeoutError(
    'ANTS_CLOSE_TIMEOUT',
    `the peer did not finish the closing handshake within ${timeout} ms (the timeout of close())`,
  );
}
