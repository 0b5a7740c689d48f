import { headerValues } from './headers.js';
import type { HttpResponseHead } from './response-head.js';
import { equalsIgnoringCase, splitList } from './tokens.js';

/** How long a line of the chunked coding may be, with its extensions. */
const maxChunkLine = 4096;

/** How the content of a response is delimited (RFC 9112 section 6.3). */
type Framing = 'length' | 'chunked' | 'until-close';

/**
 * Takes the content of a response out of what follows its head, in any split and in linear time. What is not correct ends the content:
 * only people read it, and the connection is not used again.
 */
export class ResponseContent {
  readonly #framing: Framing;
  /** Bytes of content to come: of all, or of the current chunk. */
  #remaining: number;
  /** Where in the chunked coding this is: in a line with a size, in content, or in the end of a line behind content. */
  #state: 'size' | 'content' | 'end' = 'content';
  #line = '';
  #isComplete = false;

  constructor(head: HttpResponseHead) {
    const codings = splitList(headerValues(head.rawHeaders, 'Transfer-Encoding'));
    const lengths = splitList(headerValues(head.rawHeaders, 'Content-Length'));
    this.#remaining = Infinity;
    if (head.status === 204 || head.status === 304) {
      this.#framing = 'length';
      this.#remaining = 0;
    } else if (codings.length > 0) {
      // The length, if there is one as well, does not count.
      const isChunked = equalsIgnoringCase(codings.at(-1)!, 'chunked');
      this.#framing = isChunked ? 'chunked' : 'until-close';
      if (isChunked) this.#state = 'size';
    } else if (lengths.length > 0 && lengths.every((one) => one === lengths[0] && /^\d{1,15}$/.test(one))) {
      this.#framing = 'length';
      this.#remaining = Number(lengths[0]);
    } else {
      this.#framing = 'until-close';
    }
    this.#isComplete = this.#remaining === 0;
  }

  /** Whether no content comes any more. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Reads bytes, and calls `take` with the offsets of what is content among them. */
  read(bytes: Buffer, start: number, take: (start: number, end: number) => void): void {
    let offset = start;
    while (offset < bytes.length && !this.#isComplete) {
      if (this.#state === 'content') {
        const end = Math.min(bytes.length, offset + this.#remaining);
        take(offset, end);
        this.#remaining -= end - offset;
        offset = end;
        if (this.#remaining === 0) this.#contentEnded();
      } else {
        offset = this.#readLine(bytes, offset);
      }
    }
  }

  #contentEnded(): void {
    if (this.#framing === 'chunked') this.#state = 'end';
    else this.#isComplete = true;
  }

  /** Reads up to the end of a line of the chunked coding (RFC 9112 section 7.1). */
  #readLine(bytes: Buffer, offset: number): number {
    const found = bytes.indexOf(0x0a, offset);
    const end = found === -1 ? bytes.length : found + 1;
    if (this.#line.length + end - offset > maxChunkLine) {
      this.#isComplete = true;
      return end;
    }
    this.#line += bytes.toString('latin1', offset, end);
    if (found !== -1) {
      const line = this.#line;
      this.#line = '';
      this.#lineEnded(line);
    }
    return end;
  }

  #lineEnded(line: string): void {
    if (this.#state === 'end') {
      this.#state = 'size';
      this.#isComplete = line !== '\r\n';
      return;
    }
    const [, size] = /^([\da-f]{1,12})[ \t]*(?:;.*)?\r\n$/i.exec(line) ?? [];
    this.#remaining = size === undefined ? 0 : Number.parseInt(size, 16);
    this.#state = 'content';
    // The last chunk; trailers are of no interest.
    this.#isComplete = this.#remaining === 0;
  }
}
