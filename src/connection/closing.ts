import {
  AntsError,
  CloseError,
  type CloseFrame,
  LimitError,
  ProtocolError,
  TimeoutError,
} from '../errors.js';
import { CloseCode, closeCodeName } from '../protocol/close-code.js';
import { encodeClosePayload, maxReasonBytes } from '../protocol/close-payload.js';
import type { Clock } from './clock.js';
import type { CloseInfo } from './events.js';
import type { FinalEnd } from './inbox.js';
import type { Role } from './options.js';
import type { SendQueue } from './send-queue.js';
import { type Alarm, type AlarmSlot, clearAlarm, setAlarm } from './shared-timer.js';
import type { Transport } from './transport.js';

/** Where a connection is in its life; `closing` from the moment it can't send messages any more. */
export type ConnectionState = 'open' | 'closing' | 'closed';

/** What the closing handshake tells the connection. */
export interface ClosingOwner {
  /** The connection left the state `open`. */
  onClosing(): void;
  /** The transport is gone and the end is known. */
  onClosed(info: CloseInfo, end: FinalEnd): void;
}

/** The codes that an end of conversation usually has. */
const ordinaryCodes: ReadonlySet<number> = new Set([
  CloseCode.NormalClosure,
  CloseCode.GoingAway,
  CloseCode.NoStatusReceived,
]);

/**
 * The closing handshake (RFC 6455 section 7): which Close frames went each way, who ends TCP, how long it may take, and what
 * is told about it in the end.
 */
export class Closing implements FinalEnd, Alarm {
  readonly #role: Role;
  readonly #transport: Transport;
  readonly #sendQueue: SendQueue;
  readonly #closeTimeout: number;
  readonly #clock: Clock;
  readonly #owner: ClosingOwner;
  #state: ConnectionState = 'open';
  #sent: CloseFrame | undefined;
  #received: CloseFrame | undefined;
  /** Whether the Close frame that we sent has left the process. */
  #flushed = false;
  /** Whether `close` was called by the user of this end. */
  #isOurs = false;
  #failed = false;
  /** Whether a deadline of the connection ended it. */
  #expired = false;
  /** Whether the peer has ended its side of TCP. */
  #peerEnded = false;
  #cause: Error | undefined;
  #deadline: AlarmSlot | undefined;
  /** What is rejected while closing, and at the end; made when first needed. */
  #closingError: CloseError | undefined;
  #finalError: CloseError | undefined;
  /** As in `FinalEnd`; known at the end. */
  isQuiet = false;

  constructor(
    role: Role,
    transport: Transport,
    sendQueue: SendQueue,
    closeTimeout: number,
    clock: Clock,
    owner: ClosingOwner,
  ) {
    this.#role = role;
    this.#transport = transport;
    this.#sendQueue = sendQueue;
    this.#closeTimeout = closeTimeout;
    this.#clock = clock;
    this.#owner = owner;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether both Close frames have been exchanged: ours has left, the peer's is here. */
  #isComplete(): boolean {
    return this.#flushed && this.#received !== undefined;
  }

  /** The error for what can't be done any more in the current state. */
  get error(): CloseError {
    if (this.#state === 'closed') {
      // Made when somebody wants it: its stack costs more than all else of an orderly end.
      this.#finalError ??= this.#makeError();
      return this.#finalError;
    }
    this.#closingError ??= this.#makeError();
    return this.#closingError;
  }

  /** Whether `error` tells of the end of this very connection. */
  isOwn(error: unknown): boolean {
    return error !== undefined && (error === this.#closingError || error === this.#finalError);
  }

  /**
   * Starts the closing handshake (RFC 6455 section 7.1.2). Without effect when it has begun.
   *
   * @param expired The deadline that ends the connection, if one does: then the end has an error, however orderly it is.
   * @throws TypeError as `encodeClosePayload`.
   */
  begin(code: number, reason: string, expired?: TimeoutError): void {
    const payload = encodeClosePayload(code, reason);
    if (this.#state !== 'open') return;
    this.#cause = expired;
    this.#expired = expired !== undefined;
    this.#isOurs = true;
    this.#sent = { code, reason };
    this.#leaveOpen();
    this.#sendQueue.close(payload, () => this.#onFlushed());
  }

  /** The peer's Close frame: echo its code unless we sent one ourselves (RFC 6455 section 5.5.1), then end TCP. */
  receive(frame: CloseFrame): void {
    this.#received = frame;
    if (this.#state === 'open') {
      this.#sent = { code: frame.code, reason: '' };
      this.#leaveOpen();
      if (this.#sendQueue.isStreaming) this.#cutStream(this.#sent);
      else this.#sendQueue.close(encodeClosePayload(frame.code, ''), () => this.#onFlushed());
    } else if (this.#flushed) {
      this.#endTransport();
    } else if (this.#sent !== undefined && this.#sendQueue.isStreaming) {
      this.#cutStream(this.#sent);
    }
  }

  /** Fails the connection (RFC 6455 section 7.1.7): tell the peer why, and have done with it. */
  fail(error: Error): void {
    const { code, reason } = describeFailure(error);
    this.#failed = true;
    this.#cause ??= error;
    // A Close frame of ours that is still behind a stream has not been sent.
    if (this.#state === 'open' || (this.#state === 'closing' && this.#sendQueue.isStreaming)) {
      this.#sent = { code, reason };
      this.#leaveOpen();
      this.#cutStream(this.#sent);
    } else if (this.#flushed) {
      this.#endTransport();
    }
  }

  /** Cuts the connection. */
  terminate(cause: Error): void {
    this.#cause ??= cause;
    this.#leaveOpen();
    this.#transport.destroy();
  }

  /** The peer ended its side of TCP. */
  transportEnded(midMessage: boolean): void {
    if (this.#received === undefined && !this.#failed) {
      this.#cause ??= new AntsError(
        'ANTS_NO_CLOSE_FRAME',
        `the peer ended the TCP connection without a Close frame${midMessage ? ', in the middle of a message' : ''}`,
      );
    }
    this.#peerEnded = true;
    this.#leaveOpen();
    this.#startDeadline();
    if (this.#sendQueue.isStreaming) {
      if (this.#sent === undefined) this.#sendQueue.giveUp(this.error);
      else this.#cutStream(this.#sent);
    }
    // A Close frame of ours that is still behind something goes out first.
    if (this.#sent === undefined || this.#flushed) this.#sendQueue.finish();
  }

  /** The transport is gone, and nothing can be sent any more, although unread messages come before that end. */
  transportLost(): void {
    if (this.#state === 'open') this.#state = 'closing';
  }

  /** The transport is gone, and so is all that came before that. */
  transportClosed(error: Error | undefined, midMessage: boolean): void {
    if (this.#deadline !== undefined) clearAlarm(this, this.#deadline);
    this.#deadline = undefined;
    const wasClean = this.#isComplete();
    if (!wasClean) this.#cause ??= error ?? new AntsError('ANTS_NO_CLOSE_FRAME', lostMessage(midMessage));
    this.#leaveOpen();
    this.#state = 'closed';
    const { code, reason } = this.#received ?? { code: CloseCode.AbnormalClosure, reason: '' };
    const isOrdinary = ordinaryCodes.has(code) || (wasClean && this.#isOurs);
    const info: CloseInfo = {
      code,
      reason,
      wasClean,
      unsentBytes: this.#sendQueue.unsentBytes,
      error: isOrdinary && !this.#expired ? undefined : this.error,
    };
    this.isQuiet = isOrdinary || this.#isOurs;
    this.#owner.onClosed(info, this);
  }

  #onFlushed(): void {
    this.#flushed = true;
    // With our Close out: failed connections and completed handshakes end TCP, the others wait for the peer's Close.
    if (this.#failed || this.#peerEnded || this.#received !== undefined) this.#endTransport();
    else this.#startDeadline();
  }

  /** Sends the Close frame next. A stream has no end that could be waited for, and the peer has no use for the rest of it. */
  #cutStream({ code, reason }: CloseFrame): void {
    this.#sendQueue.abandon(encodeClosePayload(code, reason), this.error, () => this.#onFlushed());
  }

  #leaveOpen(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#owner.onClosing();
  }

  /** The server ends TCP first, the client when the server has (RFC 6455 section 7.1.1); a failing end does not wait. */
  #endTransport(): void {
    this.#startDeadline();
    if (this.#role === 'server' || this.#failed || this.#peerEnded) this.#sendQueue.finish();
  }

  #startDeadline(): void {
    if (this.#closeTimeout !== Infinity && this.#state !== 'closed')
      this.#deadline ??= setAlarm(this, this.#closeTimeout, this.#clock);
  }

  /** The deadline has passed. */
  ring(): void {
    this.#cause ??= new TimeoutError(
      'ANTS_CLOSE_TIMEOUT',
      `the peer did not finish the closing handshake within ${this.#closeTimeout} ms (closeTimeout)`,
    );
    this.#transport.destroy();
  }

  #makeError(): CloseError {
    const sent = this.#sent;
    const received = this.#received;
    const wasClean = this.#state === 'closed' && this.#isComplete();
    const current = this.#state === 'closed' ? undefined : sent;
    const closeCode = received?.code ?? current?.code ?? CloseCode.AbnormalClosure;
    const what = this.#state === 'closed' ? 'the connection has ended' : 'the connection is closing';
    const why = this.#cause === undefined ? '' : `: ${this.#cause.message || this.#cause.name}`;
    return new CloseError(`${what}; ${describe('sent', sent)}, ${describe('received', received)}${why}`, {
      closeCode,
      reason: received?.reason ?? '',
      wasClean,
      sent,
      received,
      cause: this.#cause,
    });
  }
}

function describe(verb: string, frame: CloseFrame | undefined): string {
  if (frame === undefined) return `${verb} no Close frame`;
  const reason = frame.reason === '' ? '' : ` ${JSON.stringify(frame.reason)}`;
  return `${verb} ${frame.code} (${closeCodeName(frame.code)})${reason}`;
}

function lostMessage(midMessage: boolean): string {
  return `the transport was closed without a Close frame${midMessage ? ', in the middle of a message' : ''}`;
}

/** The code and reason of the Close frame that tells the peer about `error`. */
function describeFailure(error: Error): CloseFrame {
  if (error instanceof ProtocolError || error instanceof LimitError) {
    // Their messages are ASCII, so characters are bytes.
    return { code: error.closeCode, reason: error.message.slice(0, maxReasonBytes) };
  }
  // A peer that is there after all should know why it is left.
  if (error instanceof TimeoutError)
    return { code: CloseCode.InternalError, reason: error.message.slice(0, maxReasonBytes) };
  // No mistake of the peer, and none of its business.
  return { code: CloseCode.InternalError, reason: '' };
}
