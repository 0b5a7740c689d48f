import { type FrameKind, frameHeaderSize, writeFrame, writeFrameHeader } from '../protocol/frame-encoder.js';
import { applyMask } from '../protocol/mask.js';
import { acquireSlab, largestSlab, releaseSlab } from './slab-pool.js';

/** What leaves the connection in one go. */
export interface Flight {
  readonly segments: readonly Uint8Array[];
  readonly bytes: number;
  /** Slabs to give back once the segments have been written. */
  readonly slabs: readonly Buffer[];
}

/** The frames of one turn, one behind the other in a slab, so that they leave in one write. */
export class OutgoingBatch {
  #segments: Uint8Array[] = [];
  #slabs: Buffer[] = [];
  #slab: Buffer | undefined;
  /** Bytes used of the current slab. */
  #used = 0;
  #bytes = 0;

  /** Bytes of frames, headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a frame; the payload is copied. */
  frame(kind: FrameKind, payload: Uint8Array, maskingKey: number | undefined): void {
    const size = frameHeaderSize(payload.length, maskingKey !== undefined) + payload.length;
    if (size > largestSlab) {
      const block = Buffer.allocUnsafeSlow(size);
      writeFrame(block, 0, kind, payload, maskingKey);
      this.#endSegment();
      this.#segments.push(block);
    } else {
      this.#reserve(size);
      this.#used = writeFrame(this.#slab!, this.#used, kind, payload, maskingKey);
    }
    this.#bytes += size;
  }

  /** Adds a frame with the UTF-8 of `text`, `length` bytes of it (`Buffer.byteLength`). */
  text(kind: FrameKind, text: string, length: number, maskingKey: number | undefined): void {
    const size = frameHeaderSize(length, maskingKey !== undefined) + length;
    const block = size > largestSlab ? Buffer.allocUnsafeSlow(size) : this.#reserve(size);
    const offset = size > largestSlab ? 0 : this.#used;
    const start = writeFrameHeader(block, offset, kind, length, maskingKey);
    block.write(text, start, length, 'utf8');
    if (maskingKey !== undefined) applyMask(block, start, start + length, maskingKey, 0);
    if (size > largestSlab) {
      this.#endSegment();
      this.#segments.push(block);
    } else {
      this.#used += size;
    }
    this.#bytes += size;
  }

  /** Adds an unmasked frame whose payload is not copied: it must not change until the flight has been written. */
  reference(kind: FrameKind, payload: Uint8Array): void {
    const headerSize = frameHeaderSize(payload.length, false);
    this.#reserve(headerSize);
    this.#used = writeFrameHeader(this.#slab!, this.#used, kind, payload.length, undefined);
    this.#endSegment();
    this.#segments.push(payload);
    this.#bytes += headerSize + payload.length;
  }

  /** Hands everything over and starts anew. */
  take(): Flight {
    this.#endSegment();
    const flight = { segments: this.#segments, bytes: this.#bytes, slabs: this.#slabs };
    this.#segments = [];
    this.#slabs = [];
    this.#bytes = 0;
    return flight;
  }

  /** Makes room for `size` bytes at `#used`. */
  #reserve(size: number): Buffer {
    const slab = this.#slab;
    if (slab !== undefined && this.#used + size <= slab.length) return slab;
    if (slab !== undefined && this.#used + size > largestSlab) this.#endSegment();
    const next = acquireSlab(this.#used + size);
    if (this.#slab !== undefined) {
      this.#slab.copy(next, 0, 0, this.#used);
      releaseSlab(this.#slab);
    }
    this.#slab = next;
    return next;
  }

  #endSegment(): void {
    if (this.#slab === undefined) return;
    this.#segments.push(this.#slab.subarray(0, this.#used));
    this.#slabs.push(this.#slab);
    this.#slab = undefined;
    this.#used = 0;
  }
}
