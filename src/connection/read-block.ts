import { makeLentBlock } from '../protocol/lent-memory.js';

/** As much as Node reads at a time. */
const blockSize = 64 * 1024;

let block: Buffer | undefined;

/** The block that the sockets of this thread are read into, one for all: what was read is dealt with before anything else is. */
export function readBlock(): Buffer {
  block ??= makeLentBlock(blockSize);
  return block;
}

/** For tests. */
export const readHooks: {
  /** Called after each read with the block, whose memory is free again. */
  afterRead: ((block: Buffer) => void) | undefined;
} = { afterRead: undefined };
