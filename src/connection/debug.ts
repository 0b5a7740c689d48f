import { debuglog } from 'node:util';
import { describeFrame } from '../protocol/describe-frame.js';
import type { FrameKind } from '../protocol/frame-encoder.js';
import type { FrameSink } from '../protocol/frame-parser.js';
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

/** `sink`, with a line for each frame that comes when debugging is on. */
export function debuggedSink(role: Role, transport: Transport, sink: FrameSink): FrameSink {
  return log.enabled ? new DebuggedSink(labelOf(role, transport), sink) : sink;
}

/** Where frames are collected on their way out, with a line for each when debugging is on. */
export function debuggedFrames(role: Role, transport: Transport): OutgoingFrames {
  return log.enabled ? new DebuggedFrames(labelOf(role, transport)) : new OutgoingFrames();
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

class DebuggedFrames extends OutgoingFrames {
  readonly #label: string;

  constructor(label: string) {
    super();
    this.#label = label;
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

  #tell({ opcode, fin }: FrameKind, length: number, payload: Uint8Array): void {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    log('%s -> %s', this.#label, describeFrame(opcode, fin, length, bytes));
  }
}
