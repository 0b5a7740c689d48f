import { isUtf8 } from 'node:buffer';

/** From this size on, the native check of whole characters beats the loop over bytes. More than a character's 4 bytes. */
const nativeThreshold = 64;

/**
 * Checks UTF-8 that arrives in parts, and says so at the first byte that cannot be right (RFC 6455 section 8.1,
 * RFC 3629 section 4): overlong forms, surrogates, values above U+10FFFF, lone continuation bytes. At the end of a
 * character it is as good as new.
 */
export class Utf8Validator {
  /** Continuation bytes that the character in progress still wants. */
  #missing = 0;
  /** The range of the next continuation byte; narrower than 0x80-0xBF only behind some lead bytes. */
  #low = 0x80;
  #high = 0xbf;

  /** Whether the text seen so far ends at the end of a character. */
  get atBoundary(): boolean {
    return this.#missing === 0;
  }

  /** Looks at the next part. False: the text is not UTF-8, and this validator is of no use any more. */
  push(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < nativeThreshold) return this.#pushBytes(bytes, start, end);
    const whole = start + this.#missing;
    if (!this.#pushBytes(bytes, start, whole)) return false;
    const cut = lastBoundary(bytes, end);
    return isUtf8(bytes.subarray(whole, cut)) && this.#pushBytes(bytes, cut, end);
  }

  #pushBytes(bytes: Uint8Array, start: number, end: number): boolean {
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (this.#missing > 0) {
        if (byte < this.#low || byte > this.#high) return false;
        this.#missing--;
        this.#low = 0x80;
        this.#high = 0xbf;
      } else if (byte >= 0x80 && !this.#lead(byte)) return false;
    }
    return true;
  }

  /** RFC 3629 section 4: what may follow each lead byte. */
  #lead(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    if (byte < 0xe0) {
      this.#missing = 1;
    } else if (byte < 0xf0) {
      this.#missing = 2;
      if (byte === 0xe0) this.#low = 0xa0;
      if (byte === 0xed) this.#high = 0x9f;
    } else {
      this.#missing = 3;
      if (byte === 0xf0) this.#low = 0x90;
      if (byte === 0xf4) this.#high = 0x8f;
    }
    return true;
  }
}

/** The offset in front of the last lead byte, if `end` may cut its character; else `end`. */
function lastBoundary(bytes: Uint8Array, end: number): number {
  for (let i = end - 1; i >= end - 3; i--) {
    if (bytes[i]! >= 0xc0) return i;
  }
  return end;
}
