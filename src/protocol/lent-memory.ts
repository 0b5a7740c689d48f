import { Buffer } from 'node:buffer';

/** Blocks of memory whose bytes are replaced as soon as who got them has returned. */
const lent = new WeakSet<ArrayBufferLike>();

/** Makes a block that its owner will write into again and again. Whoever is shown bytes of it keeps copies. */
export function makeLentBlock(size: number): Buffer {
  const block = Buffer.allocUnsafeSlow(size);
  lent.add(block.buffer);
  return block;
}

/** Whether these bytes are only valid until the one who got them returns. */
export function isLent(bytes: Uint8Array): boolean {
  return lent.has(bytes.buffer);
}
