import { debuglog } from 'node:util';
import { describeFrame } from '../protocol/describe-frame.js';
import type { FrameKind } from '../protocol/frame-encoder.js';
import type { FrameSink } from '../protocol/frame-parser.js';
import { channels, type FrameSeen } from './diagnostics.js';
import type { Role } from './options.js';
import { OutgoingFrames, type Piece } from './outgoing-frames.js';
import type { Transport } from './transport.js';

/** On with `NODE_DEBUG=ants`. */
const log = debuglog('ants');

const labels = new WeakMap<Transport, string>();
let count = 0;

/** What the lines of one connection begin with, such as `server#1`. */
function labelOf(role: Role, transport: Transport): string {
  let label = labels.get(transport);
  if (label === undefined) {
    label = `${role}#${++count}`;
    labels.set(transport, label);
  }
  return label;
}

/** Who publishes frames, when somebody had subscribed to `ants:frame` as the way of them was made. */
export interface FrameTeller {
  onFrame(frame: Omit<FrameSeen, 'connection'>): void;
}

/** `sink`; with debugging or a subscriber to frames, one that tells of each frame that comes. */
export function debuggedSink(
  role: Role,
  transport: Transport,
  sink: FrameSink,
  teller: FrameTeller,
): FrameSink {
  const published = channels.frame.hasSubscribers ? new PublishedSink(role, sink, teller) : sink;
  return log.enabled ? new DebuggedSink(labelOf(role, transport), published) : published;
}

/** Where frames are collected on their way out; with debugging or a subscriber to frames, it tells of each. */
export function debuggedFrames(role: Role, transport: Transport, teller: FrameTeller): OutgoingFrames {
  const label = log.enabled ? labelOf(role, transport) : undefined;
  const heard = channels.frame.hasSubscribers ? teller : undefined;
  return label !== undefined || heard !== undefined
    ? new ToldFrames(role, label, heard)
    : new OutgoingFrames();
}

/** Publishes a frame when its header is there, before what follows from it. */
class PublishedSink implements FrameSink {
  readonly #masked: boolean;
  readonly #sink: FrameSink;
  readonly #teller: FrameTeller;

  constructor(role: Role, sink: FrameSink, teller: FrameTeller) {
    this.#masked = role === 'server';
    this.#sink = sink;
    this.#teller = teller;
  }

  onDataHeader(opcode: number, fin: boolean, rsv1: boolean, length: number): void {
    this.#publish(opcode, fin, rsv1, length);
    this.#sink.onDataHeader(opcode, fin, rsv1, length);
  }

  onDataPayload(chunk: Buffer, start: number, end: number, last: boolean): void {
    this.#sink.onDataPayload(chunk, start, end, last);
  }

  onControl(opcode: number, chunk: Buffer, start: number, end: number): void {
    this.#publish(opcode, true, false, end - start);
    this.#sink.onControl(opcode, chunk, start, end);
  }

  #publish(opcode: number, fin: boolean, compressed: boolean, length: number): void {
    this.#teller.onFrame({ direction: 'in', opcode, fin, compressed, masked: this.#masked, length });
  }
}

class DebuggedSink implements FrameSink {
  readonly #label: string;
  readonly #sink: FrameSink;
  #opcode = 0;
  #fin = true;
  #length = 0;
  /** Whether the frame's line is out. */
  #isTold = true;

  constructor(label: string, sink: FrameSink) {
    this.#label = label;
    this.#sink = sink;
  }

  onDataHeader(opcode: number, fin: boolean, rsv1: boolean, length: number): void {
    this.#opcode = opcode;
    this.#fin = fin;
    this.#length = length;
    this.#isTold = false;
    this.#sink.onDataHeader(opcode, fin, rsv1, length);
  }

  onDataPayload(chunk: Buffer, start: number, end: number, last: boolean): void {
    if (!this.#isTold && (last || end > start)) {
      this.#isTold = true;
      this.#tell(this.#opcode, this.#fin, this.#length, chunk.subarray(start, end));
    }
    this.#sink.onDataPayload(chunk, start, end, last);
  }

  onControl(opcode: number, chunk: Buffer, start: number, end: number): void {
    this.#tell(opcode, true, end - start, chunk.subarray(start, end));
    this.#sink.onControl(opcode, chunk, start, end);
  }

  #tell(opcode: number, fin: boolean, length: number, payload: Buffer): void {
    log('%s <- %s', this.#label, describeFrame(opcode, fin, length, payload));
  }
}

class ToldFrames extends OutgoingFrames {
  readonly #masked: boolean;
  readonly #label: string | undefined;
  readonly #teller: FrameTeller | undefined;

  constructor(role: Role, label: string | undefined, teller: FrameTeller | undefined) {
    super();
    this.#masked = role === 'client';
    this.#label = label;
    this.#teller = teller;
  }

  override frame(kind: FrameKind, payload: Uint8Array, maskingKey: number | undefined): void {
    this.#tell(kind, payload.length, payload);
    super.frame(kind, payload, maskingKey);
  }

  override text(kind: FrameKind, text: string, length: number, maskingKey: number | undefined): void {
    this.#tell(kind, length, Buffer.from(text.slice(0, 200)));
    super.text(kind, text, length, maskingKey);
  }

  override reference(kind: FrameKind, payload: Uint8Array): void {
    this.#tell(kind, payload.length, payload);
    super.reference(kind, payload);
  }

  override ready(kind: FrameKind, payload: Uint8Array, piece: Piece): void {
    this.#tell(kind, payload.length, payload);
    super.ready(kind, payload, piece);
  }

  #tell({ opcode, fin, rsv1 }: FrameKind, length: number, payload: Uint8Array): void {
    this.#teller?.onFrame({
      direction: 'out',
      opcode,
      fin,
      compressed: rsv1,
      masked: this.#masked,
      length,
    });
    if (this.#label === undefined) return;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    log('%s -> %s', this.#label, describeFrame(opcode, fin, length, bytes));
  }
}
