import type { OnReadOpts } from 'node:net';
import { readBlock, readHooks } from '../connection/read-block.js';

/** Takes the bytes of a socket. */
export interface InletOwner {
  /** Bytes came; lent ones are valid until this returns. */
  onData(chunk: Buffer): void;
  /** Where to read the next bytes to instead. */
  makeRoom?(): Buffer | undefined;
}

/**
 * The way in of a socket of ours, by the option `onread` of `net.connect` and `tls.connect`: small messages come by a block that is
 * read into again and again, and the rest of a large one is read straight to where it belongs.
 */
export class Inlet implements OnReadOpts {
  owner: InletOwner;

  constructor(owner: InletOwner) {
    this.owner = owner;
  }

  /** Asked before each read. */
  readonly buffer = (): Uint8Array => this.owner.makeRoom?.() ?? readBlock();

  readonly callback = (size: number, bytes: Uint8Array): boolean => {
    this.owner.onData((bytes as Buffer).subarray(0, size));
    if (bytes === readBlock()) readHooks.afterRead?.(readBlock());
    return true;
  };
}
