import { hash } from 'node:crypto';

/** Joined to the key so that only a server which knows WebSocket finds the answer (RFC 6455 section 1.3). */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The size of the nonce behind a `Sec-WebSocket-Key`, in bytes (RFC 6455 section 4.1). */
export const nonceSize = 16;

/** The `Sec-WebSocket-Key` for a nonce of 16 bytes. */
export function encodeKey(nonce: Uint8Array): string {
  return Buffer.from(nonce.buffer, nonce.byteOffset, nonce.byteLength).toString('base64');
}

/** Whether `key` is what {@link encodeKey} gives for some nonce: the canonical base64 of 16 bytes (RFC 4648 section 3.5). */
export function isKey(key: string): boolean {
  if (key.length !== 24) return false;
  const nonce = Buffer.from(key, 'base64');
  return nonce.length === nonceSize && nonce.toString('base64') === key;
}

/** The `Sec-WebSocket-Accept` that answers `key` (RFC 6455 section 4.2.2). */
export function acceptValue(key: string): string {
  return hash('sha1', key + guid, 'base64');
}
