import { Buffer } from 'node:buffer';
import { mallocThresholds } from '#src/connection/malloc-thresholds.js';

/** Bytes that were copied and allocated; not time, which a busy machine decides. */
export interface Work {
  copied: number;
  allocated: number;
}

const work: Work = { copied: 0, allocated: 0 };

/**
 * Counts what goes through `Buffer` from now on, in all of the process; returns the way back. What large reads lead to once a process comes
 * first: it is nobody's work, and would be counted as that of whichever case reads the last of so many bytes.
 */
export function countWork(): () => void {
  mallocThresholds.countRead(Infinity);
  const { copy } = Buffer.prototype;
  const { alloc, allocUnsafe, allocUnsafeSlow } = Buffer;
  Buffer.prototype.copy = function (...args: Parameters<typeof copy>) {
    const bytes = copy.apply(this, args);
    work.copied += bytes;
    return bytes;
  };
  const counting =
    <Rest extends unknown[]>(allocate: (size: number, ...rest: Rest) => ReturnType<typeof alloc>) =>
    (size: number, ...rest: Rest) => {
      work.allocated += size;
      return allocate(size, ...rest);
    };
  Buffer.alloc = counting(alloc) as typeof alloc;
  Buffer.allocUnsafe = counting(allocUnsafe) as typeof allocUnsafe;
  Buffer.allocUnsafeSlow = counting(allocUnsafeSlow) as typeof allocUnsafeSlow;
  return () => {
    Buffer.prototype.copy = copy;
    Object.assign(Buffer, { alloc, allocUnsafe, allocUnsafeSlow });
  };
}

/** What was counted since the last call. */
export function takeWork(): Work {
  const taken = { ...work };
  work.copied = 0;
  work.allocated = 0;
  return taken;
}
