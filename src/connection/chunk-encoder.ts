import { Utf8Validator } from '../protocol/utf8.js';
import { toBytes } from './outgoing-data.js';

/** Characters that are encoded at a time, so that a long string does not need its whole length once more. */
const sliceLength = 16 * 1024;

/** Turns the chunks of a source into the bytes of one message, text or binary. */
export class ChunkEncoder {
  #isText: boolean | undefined;
  #given: 'string' | 'bytes' | undefined;
  /** The first half of a character whose second half may begin the next string. */
  #high = '';
  #utf8: Utf8Validator | undefined;

  /** @param type Undefined: the first chunk decides. */
  constructor(type: 'text' | 'binary' | undefined) {
    this.#isText = type === undefined ? undefined : type === 'text';
  }

  /** Whether the message is text; a message of no chunks is binary unless its type was given. */
  get isText(): boolean {
    return this.#isText ?? false;
  }

  /**
   * The bytes of a chunk, in views of its memory where it has some.
   *
   * @throws TypeError when it is neither string nor bytes, of another kind than those before, or not UTF-8 in a text message.
   */
  *encode(chunk: unknown): Iterable<Uint8Array> {
    const given = typeof chunk === 'string' ? 'string' : 'bytes';
    this.#given ??= given;
    this.#isText ??= given === 'string';
    if (given !== this.#given) {
      throw new TypeError(
        `a chunk is ${given}, and those before are ${this.#given}; a message is one or the other`,
      );
    }
    if (typeof chunk === 'string') {
      yield* this.#encodeText(chunk);
      return;
    }
    const bytes = toBytes(chunk, 'a chunk of a message');
    if (this.#isText) {
      this.#utf8 ??= new Utf8Validator();
      if (!this.#utf8.push(bytes, 0, bytes.length)) throw notUtf8();
    }
    yield bytes;
  }

  /**
   * The bytes that were still waiting at the end of the message.
   *
   * @throws TypeError when a character of a text message is not complete.
   */
  end(): Uint8Array {
    if (this.#utf8 !== undefined && !this.#utf8.atBoundary) throw notUtf8();
    // Half a character that stays one becomes U+FFFD, as in `send`.
    return Buffer.from(this.#high);
  }

  *#encodeText(chunk: string): Iterable<Uint8Array> {
    for (let start = 0; start < chunk.length; start += sliceLength) {
      const slice = this.#high + chunk.slice(start, start + sliceLength);
      const last = slice.charCodeAt(slice.length - 1);
      const isCut = last >= 0xd800 && last <= 0xdbff;
      this.#high = isCut ? slice.slice(-1) : '';
      yield Buffer.from(isCut ? slice.slice(0, -1) : slice);
    }
  }
}

function notUtf8(): TypeError {
  return new TypeError(
    'the bytes of a text message are not valid UTF-8; leave out the type to send them as binary',
  );
}
