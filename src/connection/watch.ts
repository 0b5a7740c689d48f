import { TimeoutError } from '../errors.js';
import type { Clock } from './clock.js';
import { Heartbeat, type HeartbeatOwner, type HeartbeatTimes } from './heartbeat.js';
import type { ResolvedConnectionOptions, Role } from './options.js';
import { type Alarm, type AlarmSlot, clearAlarm, setAlarm } from './shared-timer.js';

/** What the watch sees of its connection, and does to it. */
export interface WatchOwner extends HeartbeatOwner {
  readonly role: Role;
  readonly options: WatchOptions;
  readonly clock: Clock;
  readonly bufferedAmount: number;
  /** Whether a message is on its way: the connection is not idle. */
  readonly isMidMessage: boolean;
  /** A number that grows with each byte that leaves, as far as the transport can tell. */
  readonly bytesLeft: number;
  /** Time to give back what only busy connections need. */
  rest(): void;
  /** The peer is lost. */
  onHeartbeatLost(error: TimeoutError): void;
  /** Bytes wait, and none has left for `writeTimeout`. */
  onStalled(error: TimeoutError): void;
  /** The connection has been idle, or alive, for as long as it may. */
  onExpired(error: TimeoutError, reason: string): void;
}

/** The options that are about time. */
export type WatchOptions = Pick<
  ResolvedConnectionOptions,
  'heartbeatInterval' | 'heartbeatTimeout' | 'idleTimeout' | 'maxLifetime' | 'writeTimeout'
>;

/**
 * Everything that time alone does to a connection: one alarm on the shared timer, at the earliest of its deadlines. What
 * moves a deadline only notes the time; the alarm finds out when it rings.
 */
export class Watch implements Alarm {
  readonly #owner: WatchOwner;
  readonly #heartbeat: Heartbeat | undefined;
  readonly #openedAt: number;
  #slot: AlarmSlot | undefined;
  #lastMessage: number;
  /** Since when no byte of those that wait has left; undefined while none waits. */
  #waitingSince: number | undefined;
  #bytesLeft = 0;
  #isOpen = true;
  /** While the alarm rings, nothing sets it: that comes once, behind all that the ringing does. */
  #isRinging = false;

  constructor(owner: WatchOwner) {
    this.#owner = owner;
    const now = owner.clock.now();
    if (owner.options.heartbeatInterval !== Infinity) {
      this.#heartbeat = new Heartbeat(owner.bytesReceived, this.#times().interval, now);
    }
    this.#openedAt = Math.ceil(now);
    this.#lastMessage = this.#openedAt;
    this.#wakeBy(this.#nextDue(), now);
  }

  /** A message came or went. */
  messagePassed(): void {
    const { options, clock } = this.#owner;
    if (options.idleTimeout !== Infinity) this.#lastMessage = Math.ceil(clock.now());
  }

  /** The answer to a heartbeat came. */
  heartbeatAnswered(): void {
    this.#heartbeat?.answered(this.#owner.bytesReceived);
  }

  /** Bytes wait to leave: now, or still, although some of them have left. */
  bytesWait(): void {
    const { clock, bytesLeft, options } = this.#owner;
    const now = clock.now();
    this.#waitingSince = Math.ceil(now);
    this.#bytesLeft = bytesLeft;
    this.#wakeBy(this.#waitingSince + options.writeTimeout, now);
  }

  /** No byte waits any more. */
  nothingWaits(): void {
    this.#waitingSince = undefined;
  }

  /** The connection is closing: it has a deadline for that, and only what waits to leave is watched. */
  leaveOpen(): void {
    this.#isOpen = false;
  }

  /** The connection has ended. */
  stop(): void {
    this.#isOpen = false;
    this.#waitingSince = undefined;
    if (this.#slot !== undefined) clearAlarm(this, this.#slot);
    // It has others in it, and whoever keeps a closed connection need not keep those.
    this.#slot = undefined;
  }

  ring(now: number, lateBy: number): void {
    this.#slot = undefined;
    this.#isRinging = true;
    this.#owner.rest();
    this.#lookAtWrites(now);
    if (this.#isOpen) this.#lookAtEnds(now);
    if (this.#isOpen && this.#heartbeat !== undefined && this.#heartbeat.due <= now) {
      const lost = this.#heartbeat.look(this.#owner, this.#times(), now, lateBy);
      if (lost !== undefined) this.#owner.onHeartbeatLost(lost);
    }
    this.#isRinging = false;
    this.#wakeBy(this.#nextDue(), now);
  }

  #times(): HeartbeatTimes {
    const { role, options } = this.#owner;
    const { heartbeatInterval, heartbeatTimeout } = options;
    // Between two ends with the same options the server asks, and its ping is the life that the client sees.
    const interval = role === 'client' ? (heartbeatInterval * 17) / 16 : heartbeatInterval;
    return { interval, timeout: heartbeatTimeout };
  }

  #idleAt(): number {
    return this.#lastMessage + this.#owner.options.idleTimeout;
  }

  #diesAt(): number {
    return this.#openedAt + this.#owner.options.maxLifetime;
  }

  #nextDue(): number {
    const stallsAt = (this.#waitingSince ?? Infinity) + this.#owner.options.writeTimeout;
    if (!this.#isOpen) return stallsAt;
    return Math.min(stallsAt, this.#heartbeat?.due ?? Infinity, this.#idleAt(), this.#diesAt());
  }

  #wakeBy(due: number, now: number): void {
    if (due === Infinity || this.#isRinging || (this.#slot !== undefined && this.#slot.due <= due)) return;
    if (this.#slot !== undefined) clearAlarm(this, this.#slot);
    this.#slot = setAlarm(this, due - now, this.#owner.clock);
  }

  #lookAtWrites(now: number): void {
    const { writeTimeout } = this.#owner.options;
    if (this.#waitingSince === undefined || now < this.#waitingSince + writeTimeout) return;
    const { bytesLeft, bufferedAmount } = this.#owner;
    if (bytesLeft !== this.#bytesLeft) {
      // A part of a write: the transport calls back for whole ones only.
      this.#bytesLeft = bytesLeft;
      this.#waitingSince = Math.ceil(now);
      return;
    }
    this.#waitingSince = undefined;
    this.#owner.onStalled(
      new TimeoutError(
        'ANTS_WRITE_TIMEOUT',
        `none of ${bufferedAmount} buffered bytes left for ${writeTimeout} ms (writeTimeout): the peer does not read`,
      ),
    );
  }

  #lookAtEnds(now: number): void {
    const { idleTimeout, maxLifetime } = this.#owner.options;
    if (now >= this.#diesAt()) {
      const message = `the connection has been open for ${maxLifetime} ms (maxLifetime)`;
      this.#owner.onExpired(new TimeoutError('ANTS_LIFETIME', message), 'lifetime');
    } else if (this.#owner.isMidMessage) {
      this.#lastMessage = Math.ceil(now);
    } else if (now >= this.#idleAt()) {
      const message = `no message came or went for ${idleTimeout} ms (idleTimeout)`;
      this.#owner.onExpired(new TimeoutError('ANTS_IDLE_TIMEOUT', message), 'idle');
    }
  }
}
