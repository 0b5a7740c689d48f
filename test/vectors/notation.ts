import { Buffer } from 'node:buffer';

/** Bytes written for people, and the place of the mark in them. */
export interface Notation {
  readonly bytes: Buffer;
  /** How many bytes stand before `|`; all of them when there is no `|`. */
  readonly mark: number;
}

const token = /\s+|(\|)|(?:'([^']*)'|((?:[0-9a-f]{2})+))(?:\*(\d+))?/gy;

/**
 * Reads the notation of the vectors: hex bytes (`81 05`), text as UTF-8 (`'Hello'`), either of them repeated (`00*256`,
 * `'ab'*3`), and at most one mark (`|`). Spaces mean nothing.
 */
export function readNotation(notation: string): Notation {
  const parts: Buffer[] = [];
  let size = 0;
  let mark: number | undefined;
  let read = 0;
  for (const [whole, bar, text, hex, count] of notation.matchAll(token)) {
    read += whole.length;
    if (bar !== undefined) mark = size;
    const unit = text !== undefined ? Buffer.from(text) : Buffer.from(hex ?? '', 'hex');
    if (unit.length === 0) continue;
    const part = count === undefined ? unit : Buffer.alloc(unit.length * Number(count), unit);
    parts.push(part);
    size += part.length;
  }
  if (read !== notation.length) {
    throw new Error(`bad notation at offset ${read}: ${notation.slice(read, read + 20)}`);
  }
  return { bytes: Buffer.concat(parts), mark: mark ?? size };
}

/** Only the bytes of {@link readNotation}. */
export function bytesOf(notation: string): Buffer {
  return readNotation(notation).bytes;
}

/** The notation of an unmasked frame with the right length: `frame(0x81, "'Hello'")` is `81 05 'Hello'`. */
export function frame(firstByte: number, payload: string): string {
  const { length } = bytesOf(payload);
  const size =
    length < 126 ? hex(length, 2) : length < 65536 ? `7e ${hex(length, 4)}` : `7f ${hex(length, 16)}`;
  return `${hex(firstByte, 2)} ${size} ${payload} `;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
