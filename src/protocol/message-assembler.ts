import { Buffer } from 'node:buffer';
import { type CloseFrame, LimitError } from '../errors.js';
import { CloseCode } from './close-code.js';
import { parseClosePayload } from './close-payload.js';
import type { FrameSink } from './frame-parser.js';
import { isLent } from './lent-memory.js';
import { applyMask, maskInto, moveMasked } from './mask.js';
import type { InflatedSink, MessageInflater } from './message-inflater.js';
import { Opcode } from './opcode.js';
import { decodeText, invalidText, toText } from './text.js';
import { Utf8Validator } from './utf8.js';

/** A whole message: text is a string, binary a Buffer that nothing else uses. */
export type Message = string | Buffer;

/** Takes one message in parts, as they come, instead of whole. It may throw, and may pause the parser, as a `FrameSink`. */
export interface MessageParts {
  /** Payload bytes that the message may have. */
  readonly maxSize: number;
  /**
   * The next bytes, at least one. What text has so far is valid, but a part may end inside a character. Bytes behind `end` are
   * still to be parsed.
   */
  onPart(chunk: Buffer, start: number, end: number): void;
  /** The message is complete. */
  onEnd(): void;
}

/** What arrives once frames are put together. A sink may throw, as in `FrameSink`. */
export interface MessageSink {
  /**
   * A message begins. Returns who takes it in parts; undefined to have it put together.
   *
   * @param total Bytes of the whole message, where its first frame says so.
   */
  onStart?(isText: boolean, total: number | undefined): MessageParts | undefined;
  /** Whether `onStart` would return somebody; where this is false, it need not be called. */
  readonly wantsParts?: boolean;
  /** The last of a message that was taken in parts is here; it has `size` bytes of payload. */
  onPartsComplete?(size: number): void;
  /**
   * A message that is being put together passes a limit. Throws `error`, or returns who takes it in parts from its beginning, or
   * pauses the parser, which may go on only after {@link MessageAssembler.divert}. Without this method the error is thrown.
   */
  onTooBig?(error: LimitError): MessageParts | undefined;
  /** A complete and valid message; `size` is the length of its payload in bytes. */
  onMessage(message: Message, size: number): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** Looks at a pong where it lies, before it is copied for `onPong`; true: it needs no copy, and is done with. */
  takePong?(chunk: Buffer, start: number, end: number): boolean;
  onClose(frame: CloseFrame): void;
  /** A compressed message is not inflated as far as it has come: the parser must stay paused until {@link MessageInflater.resume} is done. */
  onInflating?(): void;
}

/** How much of a message is accepted. */
export interface MessageLimits {
  /** Bytes of payload. */
  readonly maxMessageSize: number;
  /** Frames, empty ones included. */
  readonly maxFragments: number;
}

/** A frame's announced length is trusted up to here. */
const trustedLength = 64 * 1024;

/**
 * Beyond, this many times what has really come is reserved. The system gives it only when it is written to; so a large message mostly has
 * one block, and a peer that announces one costs little more than what it sends.
 */
const growth = 32;

/** Less than this is not worth a read of its own. */
const leastRoom = 32 * 1024;

/** Up to this size a Buffer lives on V8's heap, and costs less than a view. */
const onHeapSize = 64;

/**
 * Puts messages together from frames (RFC 6455 section 5.4) and checks text as it comes (section 8.1). Parts of a message are
 * copied into one growing block, so neither the number of frames nor that of chunks costs memory, and each byte is copied a
 * bounded number of times.
 */
export class MessageAssembler implements FrameSink, InflatedSink {
  readonly #sink: MessageSink;
  readonly #limits: MessageLimits;
  /** Frames of all kinds so far. */
  frames = 0;
  /** Whether somebody was given a view of a chunk since this was set to false, so that its memory is his. */
  isChunkKept = false;
  #isText = false;
  /** Whether the message is compressed (RFC 7692 section 6). */
  #isCompressed = false;
  #fin = true;
  /** Frames of the message so far; 0 between messages. */
  #fragments = 0;
  /** Payload bytes of the message: up to the end of the current frame, or what was inflated so far. */
  #announced = 0;
  #block: Buffer | undefined;
  /** Bytes used of the block. */
  #size = 0;
  #utf8: Utf8Validator | undefined;
  /** Who takes the message in parts. */
  #parts: MessageParts | undefined;
  /** Whether the message is complete, and waits for somebody to take it in parts, as it passed a limit. */
  #endsUndecided = false;
  /** Undoes the compression of messages; without it there must be none, which the parser sees to. */
  inflater: MessageInflater | undefined;

  constructor(sink: MessageSink, limits: MessageLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Bytes that are kept for a message that is not complete. */
  get retainedBytes(): number {
    return this.#block === undefined ? 0 : this.#block.length;
  }

  /** Whether a message has begun that is being put together. */
  get isAssembling(): boolean {
    return this.#fragments > 0 && this.#parts === undefined;
  }

  /** Whether the latest message is text. */
  get isText(): boolean {
    return this.#isText;
  }

  /** Bytes of the whole message in progress, where its first frame says so. */
  get total(): number | undefined {
    return this.#fragments === 1 && this.#fin && !this.#isCompressed ? this.#announced : undefined;
  }

  /**
   * Hands the message that is being put together over to `parts`, with what there is of it.
   *
   * @throws LimitError when it is larger than `parts` takes.
   */
  divert(parts: MessageParts): void {
    const block = this.#block;
    const size = this.#size;
    this.#block = undefined;
    this.#size = 0;
    this.#parts = parts;
    this.#checkSize(parts.maxSize, 'maxSize');
    if (block !== undefined) parts.onPart(block, 0, size);
    if (this.#endsUndecided) this.#endParts(parts);
  }

  /**
   * Memory for the next bytes of the message, when so many of its frame are still to come that it pays to read them to where they
   * are to be. A chunk that is given to the parser may lie there, at its beginning.
   *
   * @param remaining The payload bytes of the current frame that have not come.
   */
  makeRoom(remaining: number): Buffer | undefined {
    if (remaining < leastRoom || !this.isAssembling || this.#isCompressed) return undefined;
    const size = this.#size + leastRoom;
    if (this.#block === undefined || this.#block.length < size) this.#grow(size);
    return this.#block!.subarray(this.#size, this.#size + remaining);
  }

  onDataHeader(opcode: number, fin: boolean, rsv1: boolean, length: number): void {
    this.frames++;
    this.#fin = fin;
    if (opcode !== Opcode.Continuation) {
      this.#isText = opcode === Opcode.Text;
      this.#isCompressed = rsv1;
      this.#parts = this.#sink.onStart?.(this.#isText, fin && !rsv1 ? length : undefined);
    }
    this.#fragments++;
    // The limit is for what comes out.
    if (!this.#isCompressed) this.#announced += length;
    // Frames of a message in parts cost nothing that stays, so there may be any number of them.
    if (this.#parts !== undefined) this.#checkSize(this.#parts.maxSize, 'maxSize');
    else this.#checkLimits();
  }

  onDataPayload(chunk: Buffer, start: number, end: number, last: boolean): void {
    const complete = last && this.#fin;
    if (this.#isCompressed) {
      if (!this.inflater!.inflate(chunk, start, end, complete)) this.#sink.onInflating?.();
      return;
    }
    if (this.#parts !== undefined) {
      this.#passOn(this.#parts, chunk, start, end, complete);
      return;
    }
    if (complete && this.#fragments === 1 && this.#size === 0) {
      this.#reset();
      // The chunk may lie in it.
      this.#block = undefined;
      this.#takeWhole(chunk, start, end, 0);
      return;
    }
    if (this.#isText) this.#checkText(chunk, start, end, complete);
    this.#append(chunk, start, end);
    if (complete) this.#finish();
  }

  onWholeMessage(opcode: number, chunk: Buffer, start: number, end: number, key: number): boolean {
    const size = end - start;
    const mayBeInParts = this.#sink.onStart !== undefined && this.#sink.wantsParts !== false;
    if (mayBeInParts || size > this.#limits.maxMessageSize) return false;
    this.frames++;
    this.#isText = opcode === Opcode.Text;
    // Copied wherever it lies, which would cost a look.
    if (size <= onHeapSize && !this.#isText) this.#sink.onMessage(smallCopyOf(chunk, start, size, key), size);
    else this.#takeWhole(chunk, start, end, key);
    return true;
  }

  /** A message is here in one piece, still masked with `key`. */
  #takeWhole(chunk: Buffer, start: number, end: number, key: number): void {
    const size = end - start;
    if (this.#isText) {
      if (key !== 0) applyMask(chunk, start, end, key, 0);
      this.#sink.onMessage(decodeText(chunk, start, end), size);
      return;
    }
    const message = ownBytes(chunk, start, end, key);
    // Not asked for the small ones, for which V8 would have to make it.
    if (size > onHeapSize && message.buffer === chunk.buffer) this.isChunkKept = true;
    this.#sink.onMessage(message, size);
  }

  onInflated(bytes: Buffer, start: number, end: number, complete: boolean): void {
    const size = end - start;
    this.#announced += size;
    if (this.#parts !== undefined) {
      this.#checkSize(this.#parts.maxSize, 'maxSize');
      // A text is decoded at once; bytes are kept, and this memory is used again.
      if (this.#isText) this.#passOn(this.#parts, bytes, start, end, complete);
      else this.#passOn(this.#parts, copyOf(bytes, start, end, 0), 0, size, complete);
    } else if (complete && this.#size === 0 && size <= this.#limits.maxMessageSize) {
      this.#reset();
      this.#sink.onMessage(this.#isText ? decodeText(bytes, start, end) : copyOf(bytes, start, end, 0), size);
    } else {
      if (this.#isText) this.#checkText(bytes, start, end, complete);
      this.#append(bytes, start, end);
      this.#checkLimits();
      if (complete) this.#endInflated();
    }
  }

  /** All of a compressed message is here, which may have passed its limit. */
  #endInflated(): void {
    if (this.#parts !== undefined) this.#endParts(this.#parts);
    else if (this.#announced > this.#limits.maxMessageSize) this.#endsUndecided = true;
    else this.#finish();
  }

  onControl(opcode: number, chunk: Buffer, start: number, end: number): void {
    this.frames++;
    if (opcode === Opcode.Close) this.#sink.onClose(parseClosePayload(chunk, start, end));
    else if (opcode === Opcode.Ping) this.#sink.onPing(copyOf(chunk, start, end, 0));
    else if (this.#sink.takePong?.(chunk, start, end) !== true)
      this.#sink.onPong(copyOf(chunk, start, end, 0));
  }

  #checkLimits(): void {
    const { maxMessageSize, maxFragments } = this.#limits;
    try {
      this.#checkSize(maxMessageSize, 'maxMessageSize');
      if (this.#fragments > maxFragments) {
        throw new LimitError(
          'ANTS_TOO_MANY_FRAGMENTS',
          CloseCode.MessageTooBig,
          `a message has more frames than maxFragments (${maxFragments})`,
        );
      }
    } catch (error) {
      if (this.#sink.onTooBig === undefined) throw error;
      const parts = this.#sink.onTooBig(error as LimitError);
      if (parts !== undefined) this.divert(parts);
    }
  }

  #checkSize(limit: number, option: string): void {
    if (this.#announced <= limit) return;
    throw new LimitError(
      'ANTS_MESSAGE_TOO_BIG',
      CloseCode.MessageTooBig,
      `a message of at least ${this.#announced} bytes is larger than ${option} (${limit})`,
    );
  }

  #passOn(parts: MessageParts, chunk: Buffer, start: number, end: number, complete: boolean): void {
    if (this.#isText) this.#checkText(chunk, start, end, complete);
    else this.isChunkKept = true;
    if (start < end) parts.onPart(chunk, start, end);
    if (complete) this.#endParts(parts);
  }

  #endParts(parts: MessageParts): void {
    const size = this.#announced;
    this.#parts = undefined;
    this.#reset();
    this.#sink.onPartsComplete?.(size);
    parts.onEnd();
  }

  /** The message is over. */
  #reset(): void {
    this.#fragments = 0;
    this.#announced = 0;
    this.#endsUndecided = false;
  }

  #checkText(chunk: Buffer, start: number, end: number, complete: boolean): void {
    this.#utf8 ??= new Utf8Validator();
    if (!this.#utf8.push(chunk, start, end) || (complete && !this.#utf8.atBoundary)) throw invalidText();
  }

  #append(chunk: Buffer, start: number, end: number): void {
    if (start === end) return;
    const size = this.#size + end - start;
    const block = this.#block;
    if (block === undefined || block.length < size) this.#grow(size);
    // What was read into the block is where it belongs.
    const isThere =
      block?.buffer === chunk.buffer && block.byteOffset + this.#size === chunk.byteOffset + start;
    if (!isThere) chunk.copy(this.#block!, this.#size, start, end);
    this.#size = size;
  }

  /** Makes a block of at least `size` bytes. */
  #grow(size: number): void {
    const block = allocate(
      this.#fin && !this.#isCompressed ? this.#knownSize(size) : this.#guessedSize(size),
    );
    this.#block?.copy(block, 0, 0, this.#size);
    this.#block = block;
  }

  /** Of the whole message, as far as what has come speaks for it. */
  #knownSize(size: number): number {
    return Math.min(this.#announced, Math.max(trustedLength, size * growth));
  }

  /** More frames follow, or more comes out. Doubling keeps the copies linear. */
  #guessedSize(size: number): number {
    if (this.#block === undefined) return Math.max(size, Math.min(this.#announced, trustedLength));
    return Math.min(size * 2, Math.max(size, this.#limits.maxMessageSize));
  }

  #finish(): void {
    const block = this.#block ?? Buffer.alloc(0);
    const size = this.#size;
    this.#block = undefined;
    this.#size = 0;
    this.#reset();
    this.#sink.onMessage(this.#isText ? toText(block, 0, size) : viewOrCopy(block, 0, size, 0), size);
  }
}

/** Bytes of a message, for its reader alone: what stands behind them in the chunk is still to be parsed. 0 as the key: they are not masked. */
export function ownBytes(chunk: Buffer, start: number, end: number, key: number): Buffer {
  const mayKeep = end === chunk.length && !isLent(chunk);
  return mayKeep ? viewOrCopy(chunk, start, end, key) : copyOf(chunk, start, end, key);
}

/** A view where it is most of its block, else a copy, so that no small message pins a large block. */
function viewOrCopy(bytes: Buffer, start: number, end: number, key: number): Buffer {
  const size = end - start;
  if (size <= onHeapSize || size * 2 <= bytes.buffer.byteLength) return copyOf(bytes, start, end, key);
  if (key !== 0) applyMask(bytes, start, end, key, 0);
  return bytes.subarray(start, end);
}

function copyOf(bytes: Buffer, start: number, end: number, key: number): Buffer {
  const size = end - start;
  if (size <= onHeapSize) return smallCopyOf(bytes, start, size, key);
  const copy = allocate(size);
  if (key === 0) bytes.copy(copy, 0, start, end);
  else moveMasked(copy, bytes, start, key);
  return copy;
}

/** A copy that costs nothing outside of V8's heap. */
function smallCopyOf(bytes: Buffer, start: number, size: number, key: number): Buffer {
  const copy = Buffer.alloc(size);
  maskInto(copy, bytes, start, key);
  return copy;
}

function allocate(size: number): Buffer {
  try {
    return Buffer.allocUnsafeSlow(size);
  } catch (error) {
    throw new LimitError(
      'ANTS_MESSAGE_TOO_BIG',
      CloseCode.MessageTooBig,
      `there is no memory for ${size} bytes of a message (${String(error)}); lower maxMessageSize`,
    );
  }
}
