import { checkNumber } from '../connection/options.js';
import { groupOf } from './client-address.js';
import { type Failure, refusedWith } from './failure.js';
import { textResponse } from './response.js';

/** How many may be there at a time. */
export interface AdmissionOptions {
  /** Connections at a time, of which more are refused with 503. Default: `Infinity`. */
  maxConnections?: number | undefined;
  /**
   * Connections at a time of one client address, of which more are refused with 429; an IPv6 network of 64 bits counts as one
   * address. Default: `Infinity`.
   */
  maxConnectionsPerAddress?: number | undefined;
  /** Opening handshakes at a time that wait for `authorize`, of which more are refused with 503. Default: `Infinity`. */
  maxHandshakes?: number | undefined;
  /** When a client that was refused for these reasons may come again, in milliseconds; `Infinity`: it is not told. Default: 5,000. */
  retryAfter?: number | undefined;
}

/** {@link AdmissionOptions} with every default filled in. */
export type AdmissionLimits = {
  readonly [K in keyof AdmissionOptions]-?: NonNullable<AdmissionOptions[K]>;
};

/**
 * Checks the options and fills in the defaults.
 *
 * @throws TypeError when one is not in its range
 */
export function resolveLimits(options: AdmissionOptions): AdmissionLimits {
  const {
    maxConnections = Infinity,
    maxConnectionsPerAddress = Infinity,
    maxHandshakes = Infinity,
    retryAfter = 5_000,
  } = options;
  const limits = { maxConnections, maxConnectionsPerAddress, maxHandshakes, retryAfter };
  for (const [name, value] of Object.entries(limits)) checkNumber(name, value, name === 'retryAfter' ? 0 : 1);
  return limits;
}

/** A place among the connections: from the request on, so that those who wait for `authorize` take no more than there are. */
export class Place {
  readonly #admission: Admission;
  /** Undefined: not counted by address. */
  readonly group: string | undefined;

  constructor(admission: Admission, group: string | undefined) {
    this.#admission = admission;
    this.group = group;
  }

  /** The opening handshake is over, in whatever way. */
  decided(): void {
    this.#admission.decided();
  }

  /** The connection has ended, or came to nothing. */
  leave(): void {
    this.#admission.leave(this);
  }
}

/** Counts who is there, and refuses who is too many. */
export class Admission {
  #connections = 0;
  #handshakes = 0;
  /** Only of those who came under a limit for addresses. */
  readonly #ofGroup = new Map<string, number>();

  /** Gives a place to a client at `address`; one without an address, at a unix socket, is not counted by it. */
  enter(address: string | undefined, limits: AdmissionLimits): Place | Failure {
    const { maxConnections, maxConnectionsPerAddress, maxHandshakes } = limits;
    const isCounted = address !== undefined && maxConnectionsPerAddress !== Infinity;
    const group = isCounted ? groupOf(address) : undefined;
    if (group !== undefined && (this.#ofGroup.get(group) ?? 0) >= maxConnectionsPerAddress) {
      return turnAway(429, `there are ${maxConnectionsPerAddress} connections of ${group} already`, limits);
    }
    if (this.#connections >= maxConnections) {
      return turnAway(503, `there are ${maxConnections} connections already`, limits);
    }
    if (this.#handshakes >= maxHandshakes) {
      return turnAway(503, `${maxHandshakes} opening handshakes are waiting already`, limits);
    }
    return this.#take(group);
  }

  #take(group: string | undefined): Place {
    this.#connections++;
    this.#handshakes++;
    if (group !== undefined) this.#ofGroup.set(group, (this.#ofGroup.get(group) ?? 0) + 1);
    return new Place(this, group);
  }

  /** One opening handshake is over. */
  decided(): void {
    this.#handshakes--;
  }

  /** One connection is not there any more. */
  leave({ group }: Place): void {
    this.#connections--;
    if (group !== undefined) this.#leaveGroup(group);
  }

  #leaveGroup(group: string): void {
    const left = this.#ofGroup.get(group)! - 1;
    if (left > 0) this.#ofGroup.set(group, left);
    else this.#ofGroup.delete(group);
  }
}

function turnAway(status: 429 | 503, why: string, { retryAfter }: AdmissionLimits): Failure {
  // RFC 9110 section 10.2.3: whole seconds.
  const headers = retryAfter === Infinity ? [] : ['Retry-After', String(Math.ceil(retryAfter / 1000))];
  const text =
    status === 429 ? 'There are too many connections from your address.' : 'The server has no room for more.';
  return refusedWith(textResponse(status, text, headers), why);
}
