import { AntsError } from '../errors.js';
import { type FrameKind, frameHeaderSize, writeFrame, writeFrameHeader } from '../protocol/frame-encoder.js';
import { applyMask } from '../protocol/mask.js';
import { Fifo } from './fifo.js';
import { acquireSlab, largestSlab, releaseSlab } from './slab-pool.js';

/** A stretch of bytes on its way out. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Bytes that it had when it was added: fewer now means that its memory is gone. */
  readonly length: number;
  /** To give back once the piece has been written. */
  readonly slab: Buffer | undefined;
}

/** An unmasked frame on its own, to be sent many times. */
export function makePiece(kind: FrameKind, payload: Uint8Array): Piece {
  const bytes = Buffer.alloc(frameHeaderSize(payload.length, false) + payload.length);
  writeFrame(bytes, 0, kind, payload, undefined);
  return Object.freeze({ bytes, length: bytes.length, slab: undefined });
}

/** Whether the owner of the memory behind `piece` has given it away (transferred its ArrayBuffer, or made it smaller). */
export function isGone(piece: Piece): boolean {
  return piece.bytes.length !== piece.length;
}

/** The error for that. */
export function memoryGone(): AntsError {
  return new AntsError(
    'ANTS_MEMORY_DETACHED',
    'the memory of a message was detached, transferred or made smaller before it had left; await send(), or send a copy',
  );
}

/** Frames that the transport does not have yet, one behind the other in slabs, so that many of them leave in one write. */
export class OutgoingFrames {
  readonly #pieces = new Fifo<Piece>();
  /** Bytes already taken of the first piece. */
  #offset = 0;
  #slab: Buffer | undefined;
  /** Bytes used of the current slab. */
  #used = 0;
  #bytes = 0;
  /** Frames of all kinds that were added so far. */
  count = 0;

  /** Bytes of frames, headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a frame; the payload is copied. */
  frame(kind: FrameKind, payload: Uint8Array, maskingKey: number | undefined): void {
    const size = frameHeaderSize(payload.length, maskingKey !== undefined) + payload.length;
    if (size > largestSlab) {
      this.#largeFrame(kind, payload, maskingKey);
      return;
    }
    const block = this.#reserve(size);
    this.count++;
    writeFrame(block, this.#offsetIn(block, size), kind, payload, maskingKey);
  }

  /** Through slabs, which are in use again and again: new memory of this size would cost more than the copy. */
  #largeFrame(kind: FrameKind, payload: Uint8Array, maskingKey: number | undefined): void {
    const headerSize = frameHeaderSize(payload.length, maskingKey !== undefined);
    const header = this.#reserve(headerSize);
    this.count++;
    writeFrameHeader(header, this.#offsetIn(header, headerSize), kind, payload.length, maskingKey);
    let start = 0;
    while (start < payload.length) {
      if (this.#used === largestSlab) this.#endSlab();
      const end = Math.min(start + largestSlab - this.#used, payload.length);
      const block = this.#reserve(end - start);
      const offset = this.#offsetIn(block, end - start);
      block.set(payload.subarray(start, end), offset);
      if (maskingKey !== undefined) applyMask(block, offset, offset + end - start, maskingKey, start);
      start = end;
    }
  }

  /** Adds a frame with the UTF-8 of `text`, `length` bytes of it (`Buffer.byteLength`). */
  text(kind: FrameKind, text: string, length: number, maskingKey: number | undefined): void {
    const size = frameHeaderSize(length, maskingKey !== undefined) + length;
    const block = this.#reserve(size);
    this.count++;
    const start = writeFrameHeader(block, this.#offsetIn(block, size), kind, length, maskingKey);
    block.write(text, start, length, 'utf8');
    if (maskingKey !== undefined) applyMask(block, start, start + length, maskingKey, 0);
  }

  /** Adds an unmasked frame whose payload is not copied: it must not change until it has been written. */
  reference(kind: FrameKind, payload: Uint8Array): void {
    const size = frameHeaderSize(payload.length, false);
    const block = this.#reserve(size);
    this.count++;
    writeFrameHeader(block, this.#offsetIn(block, size), kind, payload.length, undefined);
    this.#endSlab();
    this.#pieces.push({ bytes: payload, length: payload.length, slab: undefined });
    this.#bytes += payload.length;
  }

  /** Adds a frame that was made before, of this kind and payload. */
  ready(_kind: FrameKind, _payload: Uint8Array, piece: Piece): void {
    this.#endSlab();
    this.count++;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** Takes the next piece, of at most `limit` bytes; undefined when there is none, all of one that is gone. */
  take(limit: number): Piece | undefined {
    if (this.#pieces.length === 0) this.#endSlab();
    const piece = this.#pieces.first;
    if (piece === undefined || isGone(piece)) return piece;
    const start = this.#offset;
    const end = Math.min(start + limit, piece.length);
    this.#bytes -= end - start;
    const isLast = end === piece.length;
    this.#offset = isLast ? 0 : end;
    if (isLast) this.#pieces.shift();
    if (isLast && start === 0) return piece;
    return {
      bytes: piece.bytes.subarray(start, end),
      length: end - start,
      slab: isLast ? piece.slab : undefined,
    };
  }

  /** The block that takes the next `size` bytes: the current slab, or one of its own for a frame that is larger. */
  #reserve(size: number): Buffer {
    if (size > largestSlab) {
      const block = Buffer.allocUnsafeSlow(size);
      this.#endSlab();
      this.#pieces.push({ bytes: block, length: size, slab: undefined });
      this.#bytes += size;
      return block;
    }
    this.#bytes += size;
    if (this.#used + size > largestSlab) this.#endSlab();
    const slab = this.#slab;
    const start = this.#used;
    this.#used += size;
    if (slab !== undefined && this.#used <= slab.length) return slab;
    const larger = acquireSlab(this.#used);
    if (slab !== undefined) {
      slab.copy(larger, 0, 0, start);
      releaseSlab(slab);
    }
    this.#slab = larger;
    return larger;
  }

  #offsetIn(block: Buffer, size: number): number {
    return block === this.#slab ? this.#used - size : 0;
  }

  #endSlab(): void {
    if (this.#slab === undefined) return;
    this.#pieces.push({ bytes: this.#slab.subarray(0, this.#used), length: this.#used, slab: this.#slab });
    this.#slab = undefined;
    this.#used = 0;
  }
}
