import buffer, { type Buffer, isAscii, isUtf8 } from 'node:buffer';
import { LimitError, ProtocolError } from '../errors.js';
import { CloseCode } from './close-code.js';

/** Up to here the way into the engine's decoder costs more than a loop. */
const shortSize = 8;

/** Node decodes what is not ASCII many times faster from version 24 on; before that, UTF-16 is a faster way between these sizes. */
const detourSizes = { least: 4 * 1024, most: 16 * 1024 * 1024 };

type Transcode = typeof buffer.transcode;

/** The faster way on such a version of Node, if it pays there. Missing in one without ICU. */
export function detourOn(nodeVersion: string): Transcode | undefined {
  const { transcode } = buffer as { transcode?: Transcode };
  return Number.parseInt(nodeVersion, 10) < 24 ? transcode : undefined;
}

const transcode = detourOn(process.versions.node);

/**
 * The text of bytes that nobody has looked at.
 *
 * @throws ProtocolError when they are not UTF-8 (RFC 6455 section 8.1); LimitError as `toText`.
 */
export function decodeText(bytes: Buffer, start: number, end: number): string {
  if (end - start <= shortSize) {
    const short = decodeShort(bytes, start, end);
    if (short !== undefined) return short;
  }
  const text = toText(bytes, start, end);
  // Decoding puts U+FFFD in the place of what is not UTF-8; only a text that has one needs a look at the bytes.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) throw invalidText();
  return text;
}

/**
 * The text of bytes.
 *
 * @throws LimitError when it is longer than a string can be.
 */
export function toText(bytes: Buffer, start: number, end: number): string {
  const size = end - start;
  try {
    return transcode !== undefined && size >= detourSizes.least && size <= detourSizes.most
      ? detour(bytes.subarray(start, end), transcode)
      : bytes.toString('utf8', start, end);
  } catch (error) {
    throw new LimitError(
      'ANTS_STRING_TOO_LONG',
      CloseCode.MessageTooBig,
      `a text message of ${size} bytes does not fit into a string of this JavaScript engine (${String(error)}); lower maxMessageSize`,
    );
  }
}

/** The error for bytes that are no text. */
export function invalidText(): ProtocolError {
  return new ProtocolError(
    'ANTS_INVALID_UTF8',
    CloseCode.InvalidFramePayloadData,
    'a text message has bytes that are not valid UTF-8',
  );
}

/** The text of a few bytes, if it is ASCII. */
function decodeShort(bytes: Buffer, start: number, end: number): string | undefined {
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function detour(bytes: Buffer, convert: typeof buffer.transcode): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  // Only the engine's decoder is sure to tell what is not UTF-8 by U+FFFD.
  return isUtf8(bytes) ? convert(bytes, 'utf8', 'utf16le').toString('utf16le') : bytes.toString('utf8');
}
