import type { FrameKind } from '../protocol/frame-encoder.js';
import { Opcode } from '../protocol/opcode.js';
import { nextMaskingKey } from './masking-keys.js';
import type { Role } from './options.js';
import type { OutgoingFrames } from './outgoing-frames.js';

/** From this size on an unmasked payload is handed to the transport as it is: copying would cost more than a second piece. */
const referenceThreshold = 16 * 1024;

const textKind: FrameKind = { opcode: Opcode.Text, fin: true, rsv1: false };
const binaryKind: FrameKind = { opcode: Opcode.Binary, fin: true, rsv1: false };

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
    frameFragments(frames, role, data, fragmentSize);
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

/** RFC 6455 section 5.4: the first frame carries the opcode, the last one FIN. */
function frameFragments(
  frames: OutgoingFrames,
  role: Role,
  data: string | Uint8Array,
  fragmentSize: number,
): void {
  const isText = typeof data === 'string';
  const bytes = isText ? Buffer.from(data) : data;
  for (let start = 0; start < bytes.length; start += fragmentSize) {
    const end = Math.min(start + fragmentSize, bytes.length);
    const opcode = start > 0 ? Opcode.Continuation : isText ? Opcode.Text : Opcode.Binary;
    const kind = { opcode, fin: end === bytes.length, rsv1: false };
    frames.frame(kind, bytes.subarray(start, end), maskingKeyFor(role));
  }
}
