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

/** What is called when a connection that has a place has ended. */
type Ended<Guest> = (guest: Guest, place: Place<Guest>) => void;

/**
 * A place among the connections: from the request on, so that those who wait for `authorize` take no more than there are. A whole group
 * shares one, so that an idle connection costs neither a place nor a function of its own.
 */
export class Place<Guest> {
  readonly #admission: Admission<Guest>;
  /** Undefined: not counted by address. */
  readonly group: string | undefined;
  /** How many have it. */
  taken = 0;
  /** To be called when the connection of `guest` has ended. */
  readonly onEnd: (guest: Guest) => void;

  constructor(admission: Admission<Guest>, group: string | undefined, ended: Ended<Guest>) {
    this.#admission = admission;
    this.group = group;
    this.onEnd = (guest) => ended(guest, this);
  }

  /** One opening handshake is over, in whatever way. */
  decided(): void {
    this.#admission.decided();
  }

  /** One connection has ended, or came to nothing. */
  leave(): void {
    this.#admission.leave(this);
  }
}

/** Counts who is there, and refuses who is too many. */
export class Admission<Guest> {
  readonly #ended: Ended<Guest>;
  #connections = 0;
  #handshakes = 0;
  readonly #ungrouped: Place<Guest>;
  /** Only of those who came under a limit for addresses. */
  readonly #ofGroup = new Map<string, Place<Guest>>();

  constructor(ended: Ended<Guest>) {
    this.#ended = ended;
    this.#ungrouped = new Place(this, undefined, ended);
  }

  /** Gives a place to a client at `address`; one without an address, at a unix socket, is not counted by it. */
  enter(address: string | undefined, limits: AdmissionLimits): Place<Guest> | Failure {
    const { maxConnections, maxConnectionsPerAddress, maxHandshakes } = limits;
    const isCounted = address !== undefined && maxConnectionsPerAddress !== Infinity;
    const place = isCounted ? this.#placeOf(groupOf(address)) : this.#ungrouped;
    if (isCounted && place.taken >= maxConnectionsPerAddress) {
      return turnAway(
        429,
        `there are ${maxConnectionsPerAddress} connections of ${place.group} already`,
        limits,
      );
    }
    if (this.#connections >= maxConnections) {
      return turnAway(503, `there are ${maxConnections} connections already`, limits);
    }
    if (this.#handshakes >= maxHandshakes) {
      return turnAway(503, `${maxHandshakes} opening handshakes are waiting already`, limits);
    }
    return this.#take(place);
  }

  #placeOf(group: string): Place<Guest> {
    return this.#ofGroup.get(group) ?? new Place(this, group, this.#ended);
  }

  #take(place: Place<Guest>): Place<Guest> {
    this.#connections++;
    this.#handshakes++;
    place.taken++;
    if (place.group !== undefined) this.#ofGroup.set(place.group, place);
    return place;
  }

  /** One opening handshake is over. */
  decided(): void {
    this.#handshakes--;
  }

  /** One connection is not there any more. */
  leave(place: Place<Guest>): void {
    this.#connections--;
    place.taken--;
    if (place.group !== undefined && place.taken === 0) this.#ofGroup.delete(place.group);
  }
}

function turnAway(status: 429 | 503, why: string, { retryAfter }: AdmissionLimits): Failure {
  // RFC 9110 section 10.2.3: whole seconds.
  const headers = retryAfter === Infinity ? [] : ['Retry-After', String(Math.ceil(retryAfter / 1000))];
  const text =
    status === 429 ? 'There are too many connections from your address.' : 'The server has no room for more.';
  return refusedWith(textResponse(status, text, headers), why);
}
