import { isSpaceCode, isToken, trimSpace } from './tokens.js';

/** What was read of a response before its body. */
export interface HttpResponseHead {
  /** Of the version `HTTP/1.x`: 0 or 1. */
  readonly minorVersion: number;
  readonly status: number;
  /** Names and values, alternating, as they came. */
  readonly rawHeaders: readonly string[];
}

/** Bytes that are no response of HTTP/1.x, or too many of them. The handshake makes the error that users see of it. */
export class MalformedResponse extends Error {
  /** Whether it is too large rather than wrong. */
  readonly isTooLarge: boolean;

  constructor(message: string, isTooLarge = false) {
    super(message);
    this.isTooLarge = isTooLarge;
  }
}

/** The most header lines of a response. */
export const maxHeaderLines = 256;

/** The most responses 1xx before the one that counts. */
export const maxInterimResponses = 10;

/** No string of V8 is much longer than this. */
const largestHead = 2 ** 28;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;

/**
 * Reads the head of a response over HTTP/1.1 (RFC 9112 sections 4 and 5) in any split, and passes over interim responses before it
 * (RFC 9110 section 15.2). It is strict where leniency has been a hole: lines end with CR LF, and none is folded.
 */
export class ResponseHeadParser {
  readonly #maxSize: number;
  #size = 0;
  /** The beginning of a line that a chunk cut. */
  #cut = '';
  #status: { readonly minorVersion: number; readonly status: number } | undefined;
  #headers: string[] = [];
  #interims = 0;
  #head: HttpResponseHead | undefined;

  /** @param maxSize The most bytes that the head of one response may have. */
  constructor(maxSize: number) {
    this.#maxSize = Math.min(maxSize, largestHead);
  }

  /** The head, once it is complete. */
  get head(): HttpResponseHead | undefined {
    return this.#head;
  }

  /**
   * Reads `chunk`, and keeps nothing of its memory. Returns the offset behind the head when that is complete, else the chunk's
   * length.
   *
   * @throws MalformedResponse The parser is of no use afterwards.
   */
  parse(chunk: Buffer): number {
    let offset = 0;
    while (this.#head === undefined && offset < chunk.length) {
      const found = chunk.indexOf(lineFeed, offset);
      const end = found === -1 ? chunk.length : found + 1;
      this.#size += end - offset;
      if (this.#size > this.#maxSize) {
        throw new MalformedResponse(`the head has more than ${this.#maxSize} bytes`, true);
      }
      const text = chunk.toString('latin1', offset, end);
      offset = end;
      if (found === -1) {
        this.#cut += text;
      } else {
        const line = this.#cut + text;
        this.#cut = '';
        this.#line(checkLine(line));
      }
    }
    return offset;
  }

  #line(line: string): void {
    if (this.#status === undefined) {
      const [, minor, status] = statusLine.exec(line) ?? [];
      if (status === undefined) throw new MalformedResponse('it does not begin with a status line');
      this.#status = { minorVersion: Number(minor), status: Number(status) };
    } else if (line !== '') {
      if (this.#headers.length === 2 * maxHeaderLines) {
        throw new MalformedResponse(`it has more than ${maxHeaderLines} header lines`);
      }
      this.#header(line);
    } else if (this.#status.status >= 200 || this.#status.status === 101) {
      this.#head = { ...this.#status, rawHeaders: this.#headers };
    } else {
      if (++this.#interims > maxInterimResponses) {
        throw new MalformedResponse(`more than ${maxInterimResponses} interim responses came`);
      }
      this.#status = undefined;
      this.#headers = [];
      this.#size = 0;
    }
  }

  #header(line: string): void {
    // RFC 9112 section 5.2: line folding is obsolete, and has been read in more than one way.
    if (isSpaceCode(line.charCodeAt(0))) throw new MalformedResponse('it has a folded header line');
    const colon = line.indexOf(':');
    if (colon === -1) throw new MalformedResponse('it has a header line without a colon');
    const name = line.slice(0, colon);
    // RFC 9112 section 5.1: nor is there a space before the colon.
    if (!isToken(name)) throw new MalformedResponse('it has a header name that is not a token');
    this.#headers.push(name, trimSpace(line.slice(colon + 1)));
  }
}

/** The line without its end. */
function checkLine(line: string): string {
  const end = line.length - 2;
  if (line.charCodeAt(end) !== carriageReturn) throw new MalformedResponse('a line ends without CR LF');
  for (let i = 0; i < end; i++) {
    const code = line.charCodeAt(i);
    // RFC 9110 section 5.5: a bare CR and NUL above all.
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) {
      throw new MalformedResponse(`it has the control character 0x${code.toString(16).padStart(2, '0')}`);
    }
  }
  return line.slice(0, end);
}
