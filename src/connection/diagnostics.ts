import { type Channel, channel, tracingChannel } from 'node:diagnostics_channel';
import type { Message } from '../protocol/message-assembler.js';
import type { Connection } from './connection.js';
import type { CloseInfo } from './events.js';
import type { Role } from './options.js';
import type { OutgoingData } from './outgoing-data.js';

/** Why `ants:pressure` is published. */
export type Pressure =
  /** More than `highWaterMark` is buffered, and: it has drained again. */
  | 'high'
  | 'drained'
  /** More than `readHold` is buffered, so nothing is read, and: reading goes on. */
  | 'held'
  | 'released'
  /** `whenSlow` left a message out. */
  | 'dropped'
  /** The receive queue is full, so nothing is read, and: half of it is free. */
  | 'queue-full'
  | 'queue-free';

/** A frame, as `ants:frame` tells of it: its header, without the payload. */
export interface FrameSeen {
  readonly connection: Connection<unknown>;
  readonly direction: 'in' | 'out';
  /** RFC 6455 section 5.2: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong. */
  readonly opcode: number;
  /** Whether it is the last frame of its message. */
  readonly fin: boolean;
  /** RSV1: it begins a compressed message (RFC 7692 section 6). */
  readonly compressed: boolean;
  /** Frames of clients are masked (RFC 6455 section 5.3). */
  readonly masked: boolean;
  /** Bytes of the payload, as they cross the wire. */
  readonly length: number;
}

/** What is published on each channel of `node:diagnostics_channel`. */
export interface DiagnosticsMessages {
  'ants:open': { readonly connection: Connection<unknown> };
  'ants:close': { readonly connection: Connection<unknown>; readonly info: CloseInfo };
  /** A message is complete: yet to be read, or, with `message` undefined, the last of one that is read as a stream. `size` is in bytes. */
  'ants:message:in': {
    readonly connection: Connection<unknown>;
    readonly message: Message | undefined;
    readonly size: number;
  };
  /** A message was taken for sending; `data` is undefined for one whose content comes from a source. */
  'ants:message:out': {
    readonly connection: Connection<unknown>;
    readonly data: OutgoingData | undefined;
  };
  'ants:ping': {
    readonly connection: Connection<unknown>;
    readonly direction: 'in' | 'out';
    readonly payload: Buffer;
  };
  'ants:pong': {
    readonly connection: Connection<unknown>;
    readonly direction: 'in' | 'out';
    readonly payload: Buffer;
  };
  'ants:frame': FrameSeen;
  'ants:pressure': {
    readonly connection: Connection<unknown>;
    readonly kind: Pressure;
    readonly bufferedAmount: number;
  };
  /** What user code threw, or the `CloseError` of an end that was not in order. */
  'ants:error': { readonly connection: Connection<unknown>; readonly error: unknown };
}

/** What the tracing channel `ants:handshake` carries through an opening handshake; `result` or `error` come with its end. */
export interface HandshakeTrace {
  readonly role: Role;
  /** On a client the URL without its password, on a server the request target. */
  readonly url: string;
  result?: Connection<unknown>;
  error?: unknown;
}

type Typed<Name extends keyof DiagnosticsMessages> = Omit<Channel, 'publish'> & {
  publish(message: DiagnosticsMessages[Name]): void;
};

/**
 * The channels. Ask `hasSubscribers` before making a message: nothing may be built for nobody. What a subscriber throws,
 * Node turns into an `uncaughtException` of a later tick; it never comes here.
 */
export const channels = {
  open: channel('ants:open') as Typed<'ants:open'>,
  close: channel('ants:close') as Typed<'ants:close'>,
  messageIn: channel('ants:message:in') as Typed<'ants:message:in'>,
  messageOut: channel('ants:message:out') as Typed<'ants:message:out'>,
  ping: channel('ants:ping') as Typed<'ants:ping'>,
  pong: channel('ants:pong') as Typed<'ants:pong'>,
  frame: channel('ants:frame') as Typed<'ants:frame'>,
  pressure: channel('ants:pressure') as Typed<'ants:pressure'>,
  error: channel('ants:error') as Typed<'ants:error'>,
};

const handshake = tracingChannel<unknown, HandshakeTrace>('ants:handshake');

/** Whether somebody wants to know of opening handshakes. */
export function isHandshakeTraced(): boolean {
  return handshake.hasSubscribers;
}

/** Runs an opening handshake, and traces it when somebody wants to know. */
export function traceHandshake<T extends Connection<never> | Connection<unknown>>(
  role: Role,
  url: () => string,
  run: () => Promise<T>,
): Promise<T> {
  if (!handshake.hasSubscribers) return run();
  return handshake.tracePromise(run, { role, url: url() }) as Promise<T>;
}
