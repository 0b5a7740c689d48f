import type { FrameKind } from '../protocol/frame-encoder.js';
import { Opcode } from '../protocol/opcode.js';
import { nextMaskingKey } from './masking-keys.js';
import type { Role } from './options.js';
import type { OutgoingFrames } from './outgoing-frames.js';

/** From this size on an unmasked payload is handed to the transport as it is: copying would cost more than a second piece. */
const referenceThreshold = 48 * 1024;

/** The same for bytes that many connections get. */
const sharedThreshold = 16 * 1024;

const textKind: FrameKind = { opcode: Opcode.Text, fin: true, rsv1: false };
const binaryKind: FrameKind = { opcode: Opcode.Binary, fin: true, rsv1: false };
const deflatedTextKind: FrameKind = { opcode: Opcode.Text, fin: true, rsv1: true };
const deflatedBinaryKind: FrameKind = { opcode: Opcode.Binary, fin: true, rsv1: true };

function kindOf(isText: boolean, isDeflated: boolean): FrameKind {
  if (isDeflated) return isText ? deflatedTextKind : deflatedBinaryKind;
  return isText ? textKind : binaryKind;
}

/** Clients mask with a fresh key for each frame, servers do not mask (RFC 6455 section 5.1 and section 5.3). */
export function maskingKeyFor(role: Role): number | undefined {
  return role === 'client' ? nextMaskingKey() : undefined;
}

/**
 * Adds the frames of one message of `size` bytes. Whether the memory of `data` is still in use: it is not copied, and must not
 * change until it has been written.
 */
export function frameMessage(
  frames: OutgoingFrames,
  role: Role,
  data: string | Uint8Array,
  size: number,
  fragmentSize: number,
): boolean {
  if (size > fragmentSize) {
    const isText = typeof data === 'string';
    frameBytes(frames, role, isText, false, isText ? Buffer.from(data) : data, fragmentSize);
    return false;
  }
  if (typeof data === 'string') {
    frames.text(textKind, data, size, maskingKeyFor(role));
    return false;
  }
  if (role === 'server' && size >= referenceThreshold) {
    frames.reference(binaryKind, data);
    return true;
  }
  frames.frame(binaryKind, data, maskingKeyFor(role));
  return false;
}

/** Adds the frames of a message whose payload is here as bytes; they are copied. */
export function frameBytes(
  frames: OutgoingFrames,
  role: Role,
  isText: boolean,
  isDeflated: boolean,
  bytes: Uint8Array,
  fragmentSize: number,
): void {
  if (bytes.length > fragmentSize) frameFragments(frames, role, isText, isDeflated, bytes, fragmentSize);
  else frames.frame(kindOf(isText, isDeflated), bytes, maskingKeyFor(role));
}

/**
 * Adds the frames of a message that others get as well, whose memory does not change. Small ones are copied, as a piece of their own
 * would cost more.
 */
export function frameShared(
  frames: OutgoingFrames,
  role: Role,
  isText: boolean,
  isDeflated: boolean,
  bytes: Uint8Array,
  fragmentSize: number,
): void {
  const { length } = bytes;
  const isReferenced = role === 'server' && length >= sharedThreshold && length <= fragmentSize;
  if (isReferenced) frames.reference(kindOf(isText, isDeflated), bytes);
  else frameBytes(frames, role, isText, isDeflated, bytes, fragmentSize);
}

/** RFC 6455 section 5.4: the first frame carries the opcode, the last one FIN; RFC 7692 section 6.1: and the first one RSV1. */
function frameFragments(
  frames: OutgoingFrames,
  role: Role,
  isText: boolean,
  isDeflated: boolean,
  bytes: Uint8Array,
  fragmentSize: number,
): void {
  for (let start = 0; start < bytes.length; start += fragmentSize) {
    const end = Math.min(start + fragmentSize, bytes.length);
    const isFirst = start === 0;
    const opcode = isFirst ? kindOf(isText, isDeflated).opcode : Opcode.Continuation;
    const kind = { opcode, fin: end === bytes.length, rsv1: isFirst && isDeflated };
    frames.frame(kind, bytes.subarray(start, end), maskingKeyFor(role));
  }
}
