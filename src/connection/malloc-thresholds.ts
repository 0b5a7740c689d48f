import { Buffer } from 'node:buffer';
import { freeNow } from './free-now.js';

/** Reads of less than this are not those of large messages. */
const largeRead = 4 * 1024;

/** After so much of them, more is taken to follow. */
const manyBytes = 64 * 1024 * 1024;

/** On 64-bit systems, glibc takes note of blocks of up to 32 MiB, with what it adds, in whole pages of up to 64 KiB. */
const blockSize = (32 * 1024 - 2 * 64) * 1024;

/**
 * Has the allocator keep the memory of messages that are gone for those that come, in a process that reads large ones.
 *
 * A collection frees many messages together. By default, glibc returns what is free at the end of its heap to the system from 128 KiB
 * on, and each page of the next messages then costs a fault: that can be most of what a message costs. But when a larger block
 * is freed that had pages of its own, it raises its thresholds: blocks up to that size come from its heap from then on, and twice as
 * much may stay free at the end (mallopt(3), M_MMAP_THRESHOLD). So one such block is made and freed, once; nobody writes to it, so it
 * takes next to no memory. Other allocators take no notice. Whoever sets one of the thresholds himself keeps what he set.
 */
export class MallocThresholds {
  #bytes = 0;

  /** So many bytes were read at once. */
  countRead(size: number): void {
    if (size < largeRead || this.#bytes >= manyBytes) return;
    this.#bytes += size;
    if (this.#bytes >= manyBytes) raiseThresholds();
  }
}

/** That of this thread; the thresholds are the process's. */
export const mallocThresholds = new MallocThresholds();

function raiseThresholds(): void {
  if (process.platform !== 'linux') return;
  try {
    freeNow(Buffer.allocUnsafeSlow(blockSize).buffer);
  } catch {
    // Without so much memory to spare, the system needs back what is free.
  }
}
