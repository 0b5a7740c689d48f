/**
 * Every error class of the library. Each error has a stable `code`; messages may change between releases,
 * codes do not. The codes are listed in `docs/reference/errors.md`.
 */

/** What a Close frame carried. */
export interface CloseFrame {
  /** The close code, or 1005 when the frame carried none (RFC 6455 section 7.1.5). */
  readonly code: number;
  /** The close reason; empty when there was none. */
  readonly reason: string;
}

/** The base of all errors that this library creates, for `instanceof` checks. */
export class AntsError extends Error {
  /** A stable, documented identifier such as `ANTS_MESSAGE_TOO_BIG`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Codes of {@link ProtocolError}. */
export type ProtocolErrorCode =
  | 'ANTS_RESERVED_BITS'
  | 'ANTS_RESERVED_OPCODE'
  | 'ANTS_FRAGMENTED_CONTROL'
  | 'ANTS_CONTROL_TOO_LONG'
  | 'ANTS_UNEXPECTED_CONTINUATION'
  | 'ANTS_EXPECTED_CONTINUATION'
  | 'ANTS_MASK_REQUIRED'
  | 'ANTS_MASK_FORBIDDEN'
  | 'ANTS_LENGTH_NOT_MINIMAL'
  | 'ANTS_LENGTH_HIGH_BIT'
  | 'ANTS_INVALID_UTF8'
  | 'ANTS_INVALID_DEFLATE'
  | 'ANTS_INVALID_CLOSE_PAYLOAD'
  | 'ANTS_INVALID_CLOSE_CODE'
  | 'ANTS_INVALID_CLOSE_REASON';

/** The peer broke the protocol. It arrives as the `cause` of a {@link CloseError}, never thrown on its own. */
export class ProtocolError extends AntsError {
  declare readonly code: ProtocolErrorCode;
  /** The close code that the connection is failed with: 1002, or 1007 for bad UTF-8 or compressed data. */
  readonly closeCode: number;

  constructor(code: ProtocolErrorCode, closeCode: number, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.closeCode = closeCode;
  }
}

/** Codes of {@link LimitError}. */
export type LimitErrorCode =
  | 'ANTS_MESSAGE_TOO_BIG'
  | 'ANTS_TOO_MANY_FRAGMENTS'
  | 'ANTS_STRING_TOO_LONG'
  | 'ANTS_SEND_BUFFER_FULL'
  | 'ANTS_SLOW_PEER';

/** A configured capacity was exceeded; the message names the size, the limit and the option. */
export class LimitError extends AntsError {
  declare readonly code: LimitErrorCode;
  /** The close code that the connection is failed with. */
  readonly closeCode: number;

  constructor(code: LimitErrorCode, closeCode: number, message: string) {
    super(code, message);
    this.closeCode = closeCode;
  }
}

/** Codes of {@link TimeoutError}. */
export type TimeoutErrorCode =
  | 'ANTS_HANDSHAKE_TIMEOUT'
  | 'ANTS_CLOSE_TIMEOUT'
  | 'ANTS_WRITE_TIMEOUT'
  | 'ANTS_HEARTBEAT_TIMEOUT'
  | 'ANTS_IDLE_TIMEOUT'
  | 'ANTS_LIFETIME';

/** A deadline passed; the message names the duration and the option. */
export class TimeoutError extends AntsError {
  declare readonly code: TimeoutErrorCode;
  constructor(code: TimeoutErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Codes of {@link UsageError}. */
export type UsageErrorCode = 'ANTS_READING_TWICE';

/** The library was called in a way that cannot work, such as reading a connection in two ways at once. */
export class UsageError extends AntsError {
  declare readonly code: UsageErrorCode;
  constructor(code: UsageErrorCode, message: string) {
    super(code, message);
  }
}

/** Codes of {@link HandshakeError}. */
export type HandshakeErrorCode =
  /** The other side answered with something else than 101, or we refused the request. */
  | 'ANTS_HANDSHAKE_REFUSED'
  /** The other side's request or response breaks RFC 6455 section 4. */
  | 'ANTS_HANDSHAKE_INVALID'
  /** The server sent the client on to where it does not go. */
  | 'ANTS_REDIRECT_REFUSED'
  /** The server sent the client on more often than `maxRedirects` allows. */
  | 'ANTS_TOO_MANY_REDIRECTS'
  /** The TCP or TLS connection could not be made, or broke before the handshake was complete; see `cause`. */
  | 'ANTS_CONNECT_FAILED';

/** What is known of an HTTP response that ended a handshake. */
export interface HandshakeResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The body as text; at most `maxResponseBody` bytes of it are read. */
  readonly body: string;
}

/** The opening handshake did not succeed. */
export class HandshakeError extends AntsError {
  declare readonly code: HandshakeErrorCode;
  /** The HTTP status that ended the handshake; undefined when no response was involved. */
  readonly status: number | undefined;
  /** The headers of that response; empty when no response was involved. */
  readonly headers: Headers;
  /** The (bounded) body of that response; empty when there was none. */
  readonly body: string;

  constructor(
    code: HandshakeErrorCode,
    message: string,
    options?: ErrorOptions & { response?: HandshakeResponse | undefined },
  ) {
    super(code, message, options);
    this.status = options?.response?.status;
    this.headers = options?.response?.headers ?? new Headers();
    this.body = options?.response?.body ?? '';
  }
}

/** The connection has ended, or is ending, and what was asked of it cannot be done any more. */
export class CloseError extends AntsError {
  declare readonly code: 'ANTS_CLOSED';
  /**
   * The close code of the connection (RFC 6455 section 7.1.5): the one received, 1005, or 1006 without a Close frame. While the
   * connection is still closing and no Close frame has come: the one sent.
   */
  readonly closeCode: number;
  /** The reason that came with the received Close frame; empty otherwise. */
  readonly reason: string;
  /** Whether both Close frames were exchanged (RFC 6455 section 7.1.4). */
  readonly wasClean: boolean;
  /** The Close frame that this end sent, if any. */
  readonly sent: CloseFrame | undefined;
  /** The Close frame that this end received, if any. */
  readonly received: CloseFrame | undefined;

  constructor(
    message: string,
    end: {
      closeCode: number;
      reason: string;
      wasClean: boolean;
      sent: CloseFrame | undefined;
      received: CloseFrame | undefined;
      cause?: unknown;
    },
  ) {
    super('ANTS_CLOSED', message, end.cause === undefined ? undefined : { cause: end.cause });
    this.closeCode = end.closeCode;
    this.reason = end.reason;
    this.wasClean = end.wasClean;
    this.sent = end.sent;
    this.received = end.received;
  }
}

// On the prototypes, so that a printed error shows its class and no instance carries a property for it.
for (const errorClass of [
  AntsError,
  ProtocolError,
  LimitError,
  TimeoutError,
  UsageError,
  HandshakeError,
  CloseError,
]) {
  Object.defineProperty(errorClass.prototype, 'name', {
    value: errorClass.name,
    configurable: true,
    writable: true,
  });
}
