/** Takes what becomes of compressed messages. Its calls may throw, which ends the work on the message. */
export interface InflatedSink {
  /**
   * The next bytes; `complete` at the end of the message, perhaps without bytes. They are to be copied: the memory is used again, and
   * what stands behind `end` in it belongs to nobody.
   */
  onInflated(bytes: Buffer, start: number, end: number, complete: boolean): void;
}

/** What an inflater that did not come to an end at once tells, later. */
export interface InflaterOwner {
  /** Whether no more should come just now. Asked after each call of `onInflated`. */
  readonly mustWait: boolean;
  /** `resume` may be called. */
  onInflaterReady(): void;
  /** The message can't be had. */
  onInflaterFailed(error: Error): void;
}

/**
 * Undoes the compression of messages, in order, while they come: what an agreed extension plugs into the assembler. It stops in the
 * middle of a message when its owner wants that, or when it works elsewhere; nothing may be parsed meanwhile.
 */
export interface MessageInflater {
  /** Whether input waits inside: no more may be given before `resume` has returned true. */
  readonly isPending: boolean;
  /** Whether `resume` would do something. */
  readonly isReady: boolean;
  /**
   * Takes the next payload bytes of a message, `final` with its last ones. True: all that comes of them was handed over; false: they
   * were kept, and the inflater is pending.
   *
   * @throws ProtocolError when they can't be inflated, and what the sink throws.
   */
  inflate(chunk: Buffer, start: number, end: number, final: boolean): boolean;
  /** Goes on; returns and throws as `inflate`. */
  resume(): boolean;
  /** Gives up, and all memory back. */
  close(): void;
}

/** Makes the inflater of one connection. */
export type InflaterFactory = (sink: InflatedSink, owner: InflaterOwner) => MessageInflater;
