const KiB = 1024;

/** What is kept of each size for the next turn: also for a message of 1 MiB with its header. */
const keptBytes = 2048 * KiB;

/** The largest slab; more than that in one turn goes into several. */
export const largestSlab = 64 * KiB;

const sizes = [1 * KiB, 4 * KiB, 16 * KiB, largestSlab] as const;
const free: Buffer[][] = sizes.map(() => []);

/** Takes a slab of at least `size` bytes (at most `largestSlab`) for frames on their way out. */
export function acquireSlab(size: number): Buffer {
  const index = sizes.findIndex((slabSize) => slabSize >= size);
  return free[index]!.pop() ?? Buffer.allocUnsafeSlow(sizes[index]!);
}

/** Gives a slab back once nothing reads it any more. */
export function releaseSlab(slab: Buffer): void {
  const list = free[sizes.indexOf(slab.length as (typeof sizes)[number])]!;
  if ((list.length + 1) * slab.length <= keptBytes) list.push(slab);
}
