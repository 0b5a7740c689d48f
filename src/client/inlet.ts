import type { OnReadOpts } from 'node:net';
import { makeLentBlock } from '../protocol/lent-memory.js';

/** Takes the bytes of a socket. */
export interface InletOwner {
  /** Bytes came; lent ones are valid until this returns. */
  onData(chunk: Buffer): void;
  /** Where to read the next bytes to instead. */
  makeRoom?(): Buffer | undefined;
}

/** As much as Node reads at a time. */
const blockSize = 64 * 1024;

/** One for all sockets of this thread: what was read is dealt with before anything else is. */
let shared: Buffer | undefined;

/**
 * The way in of a socket of ours, by the option `onread` of `net.connect` and `tls.connect`: small messages come by a block that is
 * read into again and again, and the rest of a large one is read straight to where it belongs.
 */
export class Inlet implements OnReadOpts {
  /** Called after each read with the memory that is free again; for tests. */
  static afterRead: ((lent: Buffer) => void) | undefined;

  owner: InletOwner;

  constructor(owner: InletOwner) {
    this.owner = owner;
  }

  /** Asked before each read. */
  readonly buffer = (): Uint8Array => {
    shared ??= makeLentBlock(blockSize);
    return this.owner.makeRoom?.() ?? shared;
  };

  readonly callback = (size: number, bytes: Uint8Array): boolean => {
    this.owner.onData((bytes as Buffer).subarray(0, size));
    if (bytes === shared) Inlet.afterRead?.(shared);
    return true;
  };
}
