/** The size of the nonce behind a `Sec-WebSocket-Key`, in bytes (RFC 6455 section 4.1). */
export const nonceSize = 16;

/** The `Sec-WebSocket-Key` for a nonce of 16 bytes. */
export function encodeKey(nonce: Uint8Array): string {
  return Buffer.from(nonce.buffer, nonce.byteOffset, nonce.byteLength).toString('base64');
}

/** 16 bytes in base64: 21 characters, one more that carries two bits, and the padding. */
const keyPattern = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Whether `key` decodes to 16 bytes (RFC 6455 section 4.1). The bits that are left over may be anything: the RFC's own
 * example sets one, and RFC 4648 section 3.5 leaves it to the decoder.
 */
export function isKey(key: string): boolean {
  return keyPattern.test(key);
}
