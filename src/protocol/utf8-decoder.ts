import { Buffer } from 'node:buffer';

/** Decodes UTF-8 that comes in parts and is known to be valid; a character that is cut waits for its rest. A BOM is kept. */
export class Utf8Decoder {
  /** The bytes of a character that is not complete. */
  readonly #cut = Buffer.alloc(4);
  #cutLength = 0;

  /** The characters that are complete with these bytes. */
  decode(bytes: Buffer, start: number, end: number): string {
    let offset = start;
    let text = '';
    if (this.#cutLength > 0) {
      const wanted = characterLength(this.#cut[0]!) - this.#cutLength;
      const copied = bytes.copy(this.#cut, this.#cutLength, offset, Math.min(offset + wanted, end));
      this.#cutLength += copied;
      if (copied < wanted) return '';
      text = this.#cut.toString('utf8', 0, this.#cutLength);
      this.#cutLength = 0;
      offset += copied;
    }
    const whole = endOfWhole(bytes, offset, end);
    this.#cutLength = bytes.copy(this.#cut, 0, whole, end);
    return text + bytes.toString('utf8', offset, whole);
  }
}

/** Where the last character that is complete ends. */
function endOfWhole(bytes: Buffer, start: number, end: number): number {
  for (let i = end - 1; i >= start; i--) {
    const byte = bytes[i]!;
    // A continuation byte.
    if ((byte & 0xc0) === 0x80) continue;
    return i + characterLength(byte) > end ? i : end;
  }
  return end;
}

/** How many bytes the character has that begins with this one (RFC 3629 section 3). */
function characterLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
