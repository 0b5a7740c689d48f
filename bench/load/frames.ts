import { randomBytes } from 'node:crypto';

/** A frame as this load generator writes it, or wants to see it: whole messages only. */
export interface Frame {
  readonly isText: boolean;
  readonly payload: Buffer;
}

/** Payloads of `size` bytes that differ from each other and from themselves moved: printable ASCII for text. */
export function makePayload(size: number, isText: boolean, seed: number): Buffer {
  const payload = Buffer.allocUnsafe(size);
  let state = seed * 7919 + size + 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    const byte = (state >>> 16) & 0xff;
    payload[i] = isText ? 0x20 + (byte % 95) : byte;
  }
  return payload;
}

/** The bytes of a frame, in the shortest form; with a random masking key when a client sends it (RFC 6455 section 5.2). */
export function encodeFrame({ isText, payload }: Frame, isMasked: boolean): Buffer {
  const header = encodeHeader(isText ? 0x81 : 0x82, payload.length, isMasked);
  if (!isMasked) return Buffer.concat([header, payload]);
  const key = randomBytes(4);
  const masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i]! ^= key[i & 3]!;
  return Buffer.concat([header, key, masked]);
}

/** A header without the masking key. */
export function encodeHeader(firstByte: number, length: number, isMasked: boolean): Buffer {
  const bit = isMasked ? 0x80 : 0;
  if (length < 126) return Buffer.of(firstByte, bit | length);
  const header = Buffer.alloc(length < 0x10000 ? 4 : 10);
  header[0] = firstByte;
  header[1] = bit | (length < 0x10000 ? 126 : 127);
  if (length < 0x10000) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
