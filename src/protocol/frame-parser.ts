import { Buffer } from 'node:buffer';
import { LimitError, ProtocolError, type ProtocolErrorCode } from '../errors.js';
import { CloseCode } from './close-code.js';
import { maxHeaderSize } from './frame-encoder.js';
import { applyMask } from './mask.js';
import { isControl, maxControlPayload, Opcode } from './opcode.js';

/**
 * What the parser found, as offsets into the chunk: nothing is allocated for a frame. The bytes are unmasked already, but those of a
 * whole message. A sink may throw, which leaves `parse`, and may call `pause` on the parser.
 */
export interface FrameSink {
  /** The header of a data frame (text, binary, continuation) is complete and valid. */
  onDataHeader(opcode: number, fin: boolean, rsv1: boolean, length: number): void;
  /** The next part of that frame's payload; `last` at its end, so an empty frame has one call with no bytes. */
  onDataPayload(chunk: Buffer, start: number, end: number, last: boolean): void;
  /** A whole control frame. Its bytes are to be copied: the parser may use the memory again. */
  onControl(opcode: number, chunk: Buffer, start: number, end: number): void;
  /**
   * A message in one frame, uncompressed, whole in the chunk and of at most 65,535 bytes, instead of the two calls for a data frame. Its
   * bytes are still masked with `key`, which is 0 where they came unmasked. False: nothing was done, and the two calls are wanted.
   */
  onWholeMessage?(opcode: number, chunk: Buffer, start: number, end: number, key: number): boolean;
}

/** What the rules of a frame depend on. */
export interface FrameParserOptions {
  /** A server wants masked frames and a client unmasked ones (RFC 6455 section 5.1). */
  readonly role: 'client' | 'server';
  /** Whether an agreed extension gave RSV1 a meaning on the first frame of a message (RFC 7692 section 6). */
  readonly allowRsv1?: boolean;
}

const needMore = -1;

/** First bytes of a frame that is a whole message. */
const finalText = 0x80 | Opcode.Text;
const finalBinary = 0x80 | Opcode.Binary;

/**
 * The frame state machine of RFC 6455 section 5: bytes in any split in, frames out. It keeps at most a partial header or
 * a partial control frame between chunks.
 */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #masked: boolean;
  readonly #allowRsv1: boolean;
  #paused = false;

  /** Bytes of a header that is not complete; made when the first header is cut. */
  #partialHeader: Buffer | undefined;
  #partialLength = 0;
  /** The payload of a control frame that is cut; made when the first one is. */
  #control: Buffer | undefined;
  #controlLength = 0;

  /** The frame in progress: whether its header is complete, and what it said. */
  #inPayload = false;
  #opcode = 0;
  #fin = true;
  #rsv1 = false;
  #length = 0;
  #key = 0;
  #remaining = 0;
  /** Whether a message has begun whose final frame has not. */
  #inMessage = false;

  constructor(sink: FrameSink, options: FrameParserOptions) {
    this.#sink = sink;
    this.#masked = options.role === 'server';
    this.#allowRsv1 = options.allowRsv1 ?? false;
  }

  /** Whether a frame or a message has begun and is not complete: the end of input here cuts it. */
  get midMessage(): boolean {
    return this.#inPayload || this.#partialLength > 0 || this.#inMessage;
  }

  /** Payload bytes that the current data frame has still to bring; 0 between frames. */
  get remainingPayload(): number {
    return this.#inPayload && !isControl(this.#opcode) ? this.#remaining : 0;
  }

  /** Makes `parse` return after the current callback. */
  pause(): void {
    this.#paused = true;
  }

  /** Lets the next `parse` run again. */
  resume(): void {
    this.#paused = false;
  }

  /**
   * Reads `chunk` from `start` and returns the offset reached: the chunk's length, or less when paused; the rest, even an
   * empty one, is to be given to the next call. The chunk is given away: it is unmasked in place, and data of it may be kept.
   *
   * @throws ProtocolError or LimitError at the first byte that breaks a rule. The parser is of no use afterwards.
   */
  parse(chunk: Buffer, start: number): number {
    const end = chunk.length;
    let offset = start;
    while (!this.#paused) {
      if (!this.#inPayload) {
        if (offset === end) return end;
        const next = this.#wholeMessage(chunk, offset, end);
        if (next !== offset) {
          offset = next;
          continue;
        }
        offset =
          this.#partialLength === 0 ? this.#header(chunk, offset, end) : this.#restOfHeader(chunk, offset);
        if (offset === needMore) return end;
        this.#startPayload();
      } else if (offset === end && this.#remaining > 0) {
        return end;
      } else {
        offset = isControl(this.#opcode)
          ? this.#controlPayload(chunk, offset, end)
          : this.#dataPayload(chunk, offset, end);
      }
    }
    return offset;
  }

  /**
   * Hands over the frame at `offset` if it is what most frames are, a message that is here as a whole and breaks no rule; returns the
   * offset behind it, or `offset` when it is to be read as any other.
   */
  #wholeMessage(chunk: Buffer, offset: number, end: number): number {
    if (this.#inMessage || this.#partialLength > 0 || end - offset < 2) return offset;
    const first = chunk[offset]!;
    if (first !== finalText && first !== finalBinary) return offset;
    const masked = this.#masked;
    let length = masked ? chunk[offset + 1]! - 0x80 : chunk[offset + 1]!;
    let start = masked ? offset + 6 : offset + 2;
    if (length === 126 && end - offset >= 4) {
      length = (chunk[offset + 2]! << 8) | chunk[offset + 3]!;
      start += 2;
      // It had to be in the second byte.
      if (length < 126) return offset;
    } else if (length < 0 || length > 125) return offset;
    const next = start + length;
    if (next > end) return offset;
    const key = masked ? chunk.readInt32LE(start - 4) : 0;
    return this.#sink.onWholeMessage?.(first & 0x0f, chunk, start, next, key) === true ? next : offset;
  }

  /**
   * Reads a header at `offset`; returns the offset behind it, or `needMore` after putting the cut header aside. Each rule
   * is checked at the first byte that can break it, so that every split of the input gives the same result.
   */
  #header(bytes: Buffer, offset: number, end: number): number {
    const available = end - offset;
    this.#firstByte(bytes[offset]!);
    if (available < 2) return this.#putAside(bytes, offset, end);
    const second = bytes[offset + 1]!;
    const shortLength = second & 0x7f;
    this.#secondByte(second, shortLength);

    const keyOffset = shortLength < 126 ? 2 : shortLength === 126 ? 4 : 10;
    if (available < keyOffset) return this.#putAside(bytes, offset, end);
    if (shortLength === 126) this.#length = this.#length16(bytes, offset + 2);
    else if (shortLength === 127) this.#length = this.#length64(bytes, offset + 2);
    else this.#length = shortLength;

    if (!this.#masked) return offset + keyOffset;
    if (available < keyOffset + 4) return this.#putAside(bytes, offset, end);
    this.#key = bytes.readInt32LE(offset + keyOffset);
    return offset + keyOffset + 4;
  }

  /** Keeps the bytes of a header that the chunk cuts. */
  #putAside(bytes: Buffer, offset: number, end: number): number {
    this.#partialHeader ??= Buffer.allocUnsafeSlow(maxHeaderSize);
    if (bytes !== this.#partialHeader) bytes.copy(this.#partialHeader, 0, offset, end);
    this.#partialLength = end - offset;
    return needMore;
  }

  /** Goes on with a cut header; returns as `#header` does. */
  #restOfHeader(chunk: Buffer, offset: number): number {
    const partial = this.#partialHeader!;
    const before = this.#partialLength;
    const copied = chunk.copy(partial, before, offset);
    const next = this.#header(partial, 0, before + copied);
    if (next === needMore) return needMore;
    this.#partialLength = 0;
    return offset + next - before;
  }

  #firstByte(byte: number): void {
    const opcode = byte & 0x0f;
    this.#opcode = opcode;
    this.#fin = (byte & 0x80) !== 0;
    this.#rsv1 = (byte & 0x40) !== 0;
    // RFC 6455 section 5.2: reserved bits without an agreed meaning fail the connection. RFC 7692 section 6 gives RSV1 a
    // meaning on the first frame of a data message only.
    const opensMessage = opcode === Opcode.Text || opcode === Opcode.Binary;
    if ((byte & 0x30) !== 0 || (this.#rsv1 && !(this.#allowRsv1 && opensMessage))) {
      throw violation(
        'ANTS_RESERVED_BITS',
        `a frame has reserved bits set (first byte 0x${byte.toString(16)})`,
      );
    }
    if (opcode > Opcode.Pong || (opcode > Opcode.Binary && opcode < Opcode.Close)) {
      throw violation('ANTS_RESERVED_OPCODE', `a frame has the reserved opcode 0x${opcode.toString(16)}`);
    }
    if (isControl(opcode)) {
      // RFC 6455 section 5.5: control frames must not be fragmented.
      if (!this.#fin)
        throw violation('ANTS_FRAGMENTED_CONTROL', 'a control frame is fragmented (FIN not set)');
      return;
    }
    // RFC 6455 section 5.4: the fragments of a message come one after the other.
    if (opcode === Opcode.Continuation && !this.#inMessage) {
      throw violation(
        'ANTS_UNEXPECTED_CONTINUATION',
        'a continuation frame came without a message to continue',
      );
    }
    if (opcode !== Opcode.Continuation && this.#inMessage) {
      throw violation(
        'ANTS_EXPECTED_CONTINUATION',
        'a new message began before the previous one was complete',
      );
    }
  }

  #secondByte(byte: number, shortLength: number): void {
    const masked = (byte & 0x80) !== 0;
    // RFC 6455 section 5.1.
    if (masked !== this.#masked) {
      if (this.#masked) throw violation('ANTS_MASK_REQUIRED', 'a frame from a client is not masked');
      throw violation('ANTS_MASK_FORBIDDEN', 'a frame from a server is masked');
    }
    if (shortLength > maxControlPayload && isControl(this.#opcode)) {
      throw violation(
        'ANTS_CONTROL_TOO_LONG',
        `a control frame has more than ${maxControlPayload} bytes of payload`,
      );
    }
  }

  #length16(bytes: Buffer, offset: number): number {
    const length = bytes.readUInt16BE(offset);
    if (length < 126) throw notMinimal(length, 2);
    return length;
  }

  #length64(bytes: Buffer, offset: number): number {
    const high = bytes.readUInt32BE(offset);
    if (high > 0x7fffffff) {
      // RFC 6455 section 5.2: the most significant bit must be 0.
      throw violation('ANTS_LENGTH_HIGH_BIT', 'a frame has a 64-bit length with the highest bit set');
    }
    if (high > 0x1fffff) {
      // Beyond 2^53 - 1 a number is not exact, and would lose its place in the stream of frames.
      throw new LimitError(
        'ANTS_MESSAGE_TOO_BIG',
        CloseCode.MessageTooBig,
        'a frame announces a payload of more than 2^53 - 1 bytes, which no maxMessageSize allows',
      );
    }
    const length = high * 0x100000000 + bytes.readUInt32BE(offset + 4);
    if (length < 0x10000) throw notMinimal(length, 8);
    return length;
  }

  #startPayload(): void {
    this.#inPayload = true;
    this.#remaining = this.#length;
    if (isControl(this.#opcode)) return;
    this.#inMessage = !this.#fin;
    this.#sink.onDataHeader(this.#opcode, this.#fin, this.#rsv1, this.#length);
  }

  #dataPayload(chunk: Buffer, offset: number, end: number): number {
    const next = Math.min(offset + this.#remaining, end);
    this.#unmask(chunk, offset, next);
    this.#remaining -= next - offset;
    const last = this.#remaining === 0;
    if (last) this.#inPayload = false;
    this.#sink.onDataPayload(chunk, offset, next, last);
    return next;
  }

  #controlPayload(chunk: Buffer, offset: number, end: number): number {
    const next = Math.min(offset + this.#remaining, end);
    this.#unmask(chunk, offset, next);
    this.#remaining -= next - offset;
    const last = this.#remaining === 0;
    if (last) this.#inPayload = false;
    if (last && this.#controlLength === 0) {
      this.#sink.onControl(this.#opcode, chunk, offset, next);
      return next;
    }
    this.#control ??= Buffer.allocUnsafeSlow(maxControlPayload);
    chunk.copy(this.#control, this.#controlLength, offset, next);
    this.#controlLength += next - offset;
    if (last) {
      const length = this.#controlLength;
      this.#controlLength = 0;
      this.#sink.onControl(this.#opcode, this.#control, 0, length);
    }
    return next;
  }

  #unmask(chunk: Buffer, start: number, end: number): void {
    if (this.#masked) applyMask(chunk, start, end, this.#key, this.#length - this.#remaining);
  }
}

function violation(code: ProtocolErrorCode, what: string): ProtocolError {
  return new ProtocolError(code, CloseCode.ProtocolError, what);
}

function notMinimal(length: number, bytes: number): ProtocolError {
  // RFC 6455 section 5.2: the minimal number of bytes must be used.
  return violation(
    'ANTS_LENGTH_NOT_MINIMAL',
    `a frame writes its length ${length} in ${bytes} bytes, more than it needs`,
  );
}
