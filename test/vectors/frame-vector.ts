import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { LimitErrorCode, ProtocolErrorCode } from '#src/errors.js';
import { bytesOf, readNotation } from './notation.js';

/** The role of the end that reads the bytes: a server wants them masked. */
export type Role = 'client' | 'server';

/** What a vector makes the reader deliver. */
export type VectorEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'binary' | 'ping' | 'pong'; readonly payload: Buffer }
  | { readonly type: 'close'; readonly code: number; readonly reason: string };

/** How a vector makes the reader fail. */
export interface VectorFailure {
  readonly code: ProtocolErrorCode | LimitErrorCode;
  readonly closeCode: number;
}

/** One row of the table in `frames.ts`, where the fields are explained to those who add a row. */
export interface FrameVector {
  readonly name: string;
  readonly role?: Role;
  readonly options?: {
    readonly maxMessageSize?: number;
    readonly maxFragments?: number;
    readonly allowRsv1?: boolean;
  };
  readonly bytes: string;
  readonly events?: readonly VectorEvent[];
  readonly failure?: VectorFailure;
  readonly unfinished?: boolean;
}

/** Limits of a vector that says nothing about them. */
export const vectorDefaults = { maxMessageSize: 1024 * 1024, maxFragments: 1024, allowRsv1: false };

export function text(value: string): VectorEvent {
  return { type: 'text', text: value };
}

/** `payload` is in the notation of the bytes. */
export function binary(payload: string): VectorEvent {
  return { type: 'binary', payload: bytesOf(payload) };
}

/** `payload` is in the notation of the bytes. */
export function ping(payload: string): VectorEvent {
  return { type: 'ping', payload: bytesOf(payload) };
}

/** `payload` is in the notation of the bytes. */
export function pong(payload: string): VectorEvent {
  return { type: 'pong', payload: bytesOf(payload) };
}

export function close(code: number, reason: string): VectorEvent {
  return { type: 'close', code, reason };
}

/** An event as a short line, for comparison and for messages: long contents become a digest. */
export function describeEvent(event: VectorEvent): string {
  if (event.type === 'close') return `close ${event.code} ${JSON.stringify(event.reason)}`;
  if (event.type === 'text') {
    const { length } = event.text;
    return `text ${length} ${length <= 160 ? JSON.stringify(event.text) : digest(event.text)}`;
  }
  const { length } = event.payload;
  return `${event.type} ${length} ${length <= 160 ? event.payload.toString('hex') : digest(event.payload)}`;
}

function digest(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** What one role reads of a vector. */
export interface VectorInput {
  readonly bytes: Buffer;
  /** The count of bytes after which the reader must have failed, and not before `failsFrom`. */
  readonly failsFrom: number;
  readonly failsUpTo: number;
}

/** The roles that a vector is for. */
export function rolesOf(vector: FrameVector): readonly Role[] {
  return vector.role === undefined ? ['client', 'server'] : [vector.role];
}

/** The bytes of a vector as `role` is to read them. */
export function inputFor(vector: FrameVector, role: Role): VectorInput {
  const { bytes, mark } = readNotation(vector.bytes);
  if (vector.role !== undefined || role === 'client') return { bytes, failsFrom: mark, failsUpTo: mark };
  return {
    bytes: maskFrames(bytes),
    // A rule of the length is broken before the masking key, a limit behind it; both are right at the mark.
    failsFrom: maskFrames(bytes.subarray(0, Math.max(0, mark - 1))).length + 1,
    failsUpTo: maskFrames(bytes.subarray(0, mark)).length,
  };
}

/** Masks unmasked frames, whatever is wrong with them; a frame that is cut stays cut. Slow and plain on purpose. */
export function maskFrames(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  for (let frame = 0; offset < bytes.length; frame++) {
    const rest = bytes.subarray(offset);
    const shortLength = rest.length < 2 ? 0 : rest[1]! & 0x7f;
    const headerSize = shortLength < 126 ? 2 : shortLength === 126 ? 4 : 10;
    const header = Buffer.from(rest.subarray(0, headerSize));
    if (header.length >= 2) header[1]! |= 0x80;
    parts.push(header);
    offset += header.length;
    if (header.length < headerSize) break;
    let length: number | bigint = shortLength;
    if (shortLength === 126) length = header.readUInt16BE(2);
    if (shortLength === 127) length = header.readBigUInt64BE(2);
    const key = Buffer.from([0x37 + frame, 0xfa - frame, 0x21, 0x80 | frame]);
    const payload = Buffer.from(
      length > rest.length
        ? rest.subarray(headerSize)
        : rest.subarray(headerSize, headerSize + Number(length)),
    );
    for (let i = 0; i < payload.length; i++) payload[i]! ^= key[i % 4]!;
    parts.push(key, payload);
    offset += payload.length;
  }
  return Buffer.concat(parts);
}
