import { Buffer } from 'node:buffer';
import sinon from 'sinon';

/** What work on buffers cost, counted. */
export interface Cost {
  /** Bytes copied from buffer to buffer. */
  copied: number;
  /** Bytes of new buffers, and how many there were. */
  allocated: number;
  allocations: number;
  /** Buffers that share the memory of another. */
  views: number;
}

/** Counts what `work` does to buffers, and nothing that others do meanwhile, as it is synchronous. */
export function countCost(work: () => void): Cost {
  const cost: Cost = { copied: 0, allocated: 0, allocations: 0, views: 0 };
  const sandbox = sinon.createSandbox();

  const { copy, subarray, slice } = Buffer.prototype;
  sandbox.replace(Buffer.prototype, 'copy', function (this: Buffer, ...args: Parameters<Buffer['copy']>) {
    const bytes = copy.apply(this, args);
    cost.copied += bytes;
    return bytes;
  });
  const { set } = Uint8Array.prototype;
  sandbox.replace(Uint8Array.prototype, 'set', function (this: Uint8Array, source, offset) {
    cost.copied += source.length;
    set.call(this, source, offset);
  });
  for (const [name, method] of [
    ['subarray', subarray],
    ['slice', slice],
  ] as const) {
    sandbox.replace(Buffer.prototype, name, function (this: Buffer, start?: number, end?: number) {
      cost.views++;
      return method.call(this, start, end);
    });
  }
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const allocate = Buffer[name];
    sandbox.replace(Buffer, name, (size: number) => {
      cost.allocated += size;
      cost.allocations++;
      return allocate(size);
    });
  }

  try {
    work();
  } finally {
    sandbox.restore();
  }
  return cost;
}
