/** One end of a network connection. */
export interface Address {
  readonly address: string;
  readonly port: number;
  readonly family: string;
}

/** What a transport tells its owner. No call comes before {@link Transport.start}, none after `onClose`. */
export interface TransportHandler {
  /**
   * Bytes came. The receiver owns `chunk`: it may write into it and keep it. Only lent memory (see `isLent`) is the transport's again
   * when this returns.
   */
  onData(chunk: Buffer): void;
  /** Whether nothing of the chunk of the latest `onData` is kept, so that its memory may be freed or used again. */
  readonly isDoneWithChunk?: boolean;
  /** Where to read the next bytes to instead, if the receiver has a place for them; a transport may ask after `onData`. */
  makeRoom?(): Buffer | undefined;
  /** The peer ended its side in order (TCP FIN); no more data comes. */
  onEnd(): void;
  /** The transport is gone. `error` says why when it did not end in order. Called exactly once. */
  onClose(error: Error | undefined): void;
}

/** Called when bytes have left the process, or with an error when they never will. */
export type Written = (error?: Error | null) => void;

/**
 * A pipe of bytes: TCP, TLS, an HTTP/2 stream, an in-memory pair. It knows nothing of WebSocket, and nothing above it
 * touches a socket.
 */
export interface Transport {
  /** Undefined where there is none; it may be undefined also when the transport is gone and nobody has looked at it before. */
  readonly remoteAddress: Address | undefined;
  /** As `remoteAddress`. */
  readonly localAddress: Address | undefined;
  /** Bytes that `write` accepted and that have not left the process. */
  readonly pendingBytes: number;

  /** Starts to deliver to `handler`. Errors before this call are kept for `onClose`. */
  start(handler: TransportHandler): void;
  /**
   * Hands bytes over in order. Returns true when they have left the process already. Otherwise `written` is called when they have, or
   * with an error when they never will, and not before `write` returns; until then the transport may read `bytes`, and afterwards it
   * does not.
   */
  write(bytes: Uint8Array, written: Written): boolean;
  /** As `write`, for at least two pieces that should leave as one. */
  writeMany(pieces: readonly Uint8Array[], written: Written): boolean;
  /** Stops `onData` as soon as possible; the peer feels the pressure. */
  pause(): void;
  /** Lets `onData` go on. */
  resume(): void;
  /** Ends this side in order, after the bytes written so far. */
  end(): void;
  /** Cuts the connection. `onClose` follows. */
  destroy(): void;
}
