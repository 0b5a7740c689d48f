import type { DuplexTransport } from '../connection/duplex-transport.js';
import type { RawHeaders } from '../handshake/headers.js';
import type { Address } from './address.js';
import type { DialSettings } from './options.js';
import type { BodyReading } from './response-body.js';

/** One request to open a WebSocket, and what it needs to get there. */
export interface Asking {
  readonly address: Address;
  readonly settings: DialSettings<unknown>;
  /** The host and port, or the path, for messages. */
  readonly where: string;
  /** The headers of the request. */
  readonly rawHeaders: RawHeaders;
}

/** What came back: a stream that is a WebSocket's from here on, or a response with a body. */
export type Answer = {
  readonly status: number;
  readonly rawHeaders: RawHeaders;
} & (
  | {
      readonly transport: DuplexTransport;
      /** Bytes that came behind the response. */
      readonly head: Buffer;
    }
  | { readonly transport?: undefined; readonly body: BodyReading }
);

/** A request on its way; there are two: on a socket of our own, and through an agent. */
export interface Exchange {
  /** Rejects with a HandshakeError. */
  readonly answer: Promise<Answer>;
  /** Gives up, and leaves no socket behind. */
  destroy(): void;
}
