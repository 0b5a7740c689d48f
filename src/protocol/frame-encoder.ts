import { applyMask } from './mask.js';

/** The largest header: 2 bytes, 8 of extended length, 4 of masking key (RFC 6455 section 5.2). */
export const maxHeaderSize = 14;

const finBit = 0x80;
const rsv1Bit = 0x40;
const maskBit = 0x80;

/** The size of a frame's header in bytes. */
export function frameHeaderSize(payloadLength: number, masked: boolean): number {
  const lengthSize = payloadLength < 126 ? 2 : payloadLength < 0x10000 ? 4 : 10;
  return masked ? lengthSize + 4 : lengthSize;
}

/** What the first byte of a frame says. */
export interface FrameKind {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
}

/**
 * Writes a frame's header, with the length in the fewest bytes (RFC 6455 section 5.2), and returns the offset behind it.
 *
 * @param maskingKey As in `applyMask`; undefined for an unmasked frame.
 */
export function writeFrameHeader(
  target: Buffer,
  offset: number,
  { opcode, fin, rsv1 }: FrameKind,
  payloadLength: number,
  maskingKey: number | undefined,
): number {
  const bit = maskingKey === undefined ? 0 : maskBit;
  target[offset] = opcode | (fin ? finBit : 0) | (rsv1 ? rsv1Bit : 0);
  let next = offset + 2;
  if (payloadLength < 126) {
    target[offset + 1] = bit | payloadLength;
  } else if (payloadLength < 0x10000) {
    target[offset + 1] = bit | 126;
    next = target.writeUInt16BE(payloadLength, next);
  } else {
    target[offset + 1] = bit | 127;
    next = target.writeUInt32BE(Math.floor(payloadLength / 0x100000000), next);
    next = target.writeUInt32BE(payloadLength % 0x100000000, next);
  }
  return maskingKey === undefined ? next : target.writeInt32LE(maskingKey | 0, next);
}

/**
 * Writes a whole frame and returns the offset behind it. The payload is copied first and masked in the copy, so the
 * caller's memory is only read.
 */
export function writeFrame(
  target: Buffer,
  offset: number,
  kind: FrameKind,
  payload: Uint8Array,
  maskingKey: number | undefined,
): number {
  const start = writeFrameHeader(target, offset, kind, payload.length, maskingKey);
  const end = start + payload.length;
  target.set(payload, start);
  if (maskingKey !== undefined) applyMask(target, start, end, maskingKey, 0);
  return end;
}
