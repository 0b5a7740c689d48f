import { Buffer } from 'node:buffer';

/** Smaller blocks come from what an allocator keeps anyway. */
const largeSize = 128 * 1024;

/** So many bytes of large blocks have an anchor among them. */
const anchoredBytes = 1024 * 1024;

/** Large enough to lie behind the block that was made just before, not in a gap somewhere else. */
const anchorSize = 64 * 1024;

/** Those among as many bytes as V8 lets pile up between two collections. */
const mostAnchors = 64;

let anchors: Buffer[] = [];
let next = 0;
let bytesSince = 0;
let isUsed = false;

/** Called after a collection. */
const collections = new FinalizationRegistry<undefined>(() => {
  if (isUsed) watchForCollection();
  else anchors = [];
});

/**
 * Makes a block for bytes that are written to it at once.
 *
 * A collection frees many large blocks together. Where they lie side by side, an allocator like that of glibc returns them to the
 * system, and each page of the blocks that are made next costs a fault, which can be most of what a message costs. So blocks that nobody
 * writes to lie between them, and stay until a collection finds that no other was made since the one before.
 *
 * @throws RangeError when there is no memory
 */
export function makeBlock(size: number): Buffer {
  const block = Buffer.allocUnsafeSlow(size);
  if (size >= largeSize) {
    bytesSince += size;
    if (bytesSince >= anchoredBytes) anchor();
  }
  return block;
}

function anchor(): void {
  bytesSince = 0;
  if (anchors.length === 0) watchForCollection();
  isUsed = true;
  try {
    anchors[next] = Buffer.allocUnsafeSlow(anchorSize);
  } catch {
    // The block is there, and that is what matters.
    return;
  }
  next = (next + 1) % mostAnchors;
}

function watchForCollection(): void {
  isUsed = false;
  collections.register({}, undefined);
}
