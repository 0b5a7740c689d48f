import { Buffer, isUtf8 } from 'node:buffer';
import { type CloseFrame, ProtocolError } from '../errors.js';
import { CloseCode, closeCodeName, mayTravel } from './close-code.js';
import { maxControlPayload } from './opcode.js';
import { showValue } from './show-value.js';

/** The most bytes of UTF-8 that a close reason can have: a control frame's payload less the code. */
export const maxReasonBytes = maxControlPayload - 2;

const empty: Buffer = Buffer.alloc(0);

/**
 * Reads the payload of a Close frame (RFC 6455 section 5.5.1).
 *
 * @throws ProtocolError when the payload has one byte, a code that must not travel, or a reason that is not UTF-8.
 */
export function parseClosePayload(bytes: Buffer, start: number, end: number): CloseFrame {
  if (start === end) return { code: CloseCode.NoStatusReceived, reason: '' };
  if (end - start === 1) {
    throw new ProtocolError(
      'ANTS_INVALID_CLOSE_PAYLOAD',
      CloseCode.ProtocolError,
      'received a Close frame with a payload of 1 byte; it must be empty or begin with a code of 2 bytes',
    );
  }
  const code = bytes.readUInt16BE(start);
  if (!mayTravel(code)) {
    throw new ProtocolError(
      'ANTS_INVALID_CLOSE_CODE',
      CloseCode.ProtocolError,
      `received a Close frame with code ${code} (${closeCodeName(code)}), which must not be sent`,
    );
  }
  if (end - start === 2) return { code, reason: '' };
  if (!isUtf8(bytes.subarray(start + 2, end))) {
    throw new ProtocolError(
      'ANTS_INVALID_CLOSE_REASON',
      CloseCode.InvalidFramePayloadData,
      `received a Close frame with code ${code} and a reason that is not valid UTF-8`,
    );
  }
  return { code, reason: bytes.toString('utf8', start + 2, end) };
}

/**
 * Makes the payload of a Close frame. Code 1005 makes an empty one, as that is what it stands for.
 *
 * @throws TypeError when the code must not travel, or the reason is no string or longer than 123 bytes of UTF-8.
 */
export function encodeClosePayload(code: number, reason: string): Buffer {
  if (typeof reason !== 'string')
    throw new TypeError(`a close reason must be a string, not ${typeof reason}`);
  if (typeof code !== 'number')
    throw new TypeError(`a close code must be a number such as 1000; it is ${showValue(code)}`);
  if (code === CloseCode.NoStatusReceived && reason === '') return empty;
  if (!Number.isInteger(code) || !mayTravel(code)) {
    throw new TypeError(
      `close code ${code} can't be sent: use 1000-1003, 1007-1014 or 3000-4999, or 1005 without a reason for none`,
    );
  }
  const size = Buffer.byteLength(reason);
  if (size > maxReasonBytes) {
    throw new TypeError(`a close reason has at most ${maxReasonBytes} bytes of UTF-8; this one has ${size}`);
  }
  const payload = Buffer.allocUnsafeSlow(2 + size);
  payload.writeUInt16BE(code, 0);
  if (size > 0) payload.write(reason, 2);
  return payload;
}
