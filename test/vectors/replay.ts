import { Buffer } from 'node:buffer';
import { LimitError, ProtocolError } from '#src/errors.js';
import { FrameParser, type FrameSink } from '#src/protocol/frame-parser.js';
import { MessageAssembler, type MessageSink } from '#src/protocol/message-assembler.js';
import type { MessageInflater } from '#src/protocol/message-inflater.js';
import {
  describeEvent,
  type FrameVector,
  type Role,
  type VectorFailure,
  vectorDefaults,
} from './frame-vector.js';

/** How the bytes are handed to the parser. */
export interface Manner {
  /** The pieces' lengths, one after the other; what is left comes last, as one piece. Default: one piece. */
  readonly pieces?: Iterable<number>;
  /** Whether the parser is paused in every callback, and goes on with the rest of the piece. */
  readonly pausing?: boolean;
}

/** What came of it. */
export interface Outcome {
  /** One line for every event, as `describeEvent` writes it. */
  readonly events: readonly string[];
  readonly failure: VectorFailure | undefined;
  /** Bytes handed over, those of the piece that failed included. */
  readonly given: number;
  readonly midMessage: boolean;
  /** The most bytes that the assembler kept at a time. */
  readonly mostRetained: number;
}

/** Reads `bytes`, which are left alone, as `role`. Everything that is not an error of the protocol is thrown on. */
export function replay(
  bytes: Buffer,
  role: Role,
  options: FrameVector['options'] = {},
  { pieces = [], pausing = false }: Manner = {},
): Outcome {
  const { maxMessageSize, maxFragments, allowRsv1 } = { ...vectorDefaults, ...options };
  const events: string[] = [];
  const assembler = new MessageAssembler(record(events), { maxMessageSize, maxFragments });
  assembler.inflater = passOn(assembler);
  let paused = false;
  const interrupt = (): void => {
    if (!pausing) return;
    paused = true;
    parser.pause();
  };
  const parser = new FrameParser(interrupted(assembler, interrupt), { role, allowRsv1 });
  let given = 0;
  let mostRetained = 0;
  let failure: VectorFailure | undefined;
  try {
    for (const piece of cut(bytes, pieces)) {
      given += piece.length;
      let offset = 0;
      // Also at the very end of the piece: a paused parser may still owe the payload of an empty frame.
      do {
        paused = false;
        parser.resume();
        offset = parser.parse(piece, offset);
      } while (paused);
      if (offset !== piece.length) throw new Error(`parse stopped at ${offset} of ${piece.length}`);
      mostRetained = Math.max(mostRetained, assembler.retainedBytes);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof LimitError)) throw error;
    failure = { code: error.code, closeCode: error.closeCode };
  }
  return { events, failure, given, midMessage: parser.midMessage, mostRetained };
}

/** For vectors that are about RSV1 alone: takes what is marked as compressed for what it was before. */
function passOn(assembler: MessageAssembler): MessageInflater {
  return {
    isPending: false,
    isReady: false,
    inflate: (chunk, start, end, final) => {
      assembler.onInflated(chunk, start, end, final);
      return true;
    },
    resume: () => true,
    close: () => {},
  };
}

/** The pieces of a copy, as parsing unmasks in place. */
function* cut(bytes: Buffer, lengths: Iterable<number>): Generator<Buffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  let start = 0;
  for (const length of lengths) {
    if (start >= copy.length) return;
    yield copy.subarray(start, start + length);
    start += length;
  }
  if (start < copy.length) yield copy.subarray(start);
}

function record(events: string[]): MessageSink {
  return {
    onMessage: (message, size) => {
      if (size !== Buffer.byteLength(message)) throw new Error(`size ${size} is not that of the message`);
      events.push(
        describeEvent(
          typeof message === 'string'
            ? { type: 'text', text: message }
            : { type: 'binary', payload: message },
        ),
      );
    },
    onPing: (payload) => events.push(describeEvent({ type: 'ping', payload })),
    onPong: (payload) => events.push(describeEvent({ type: 'pong', payload })),
    onClose: ({ code, reason }) => events.push(describeEvent({ type: 'close', code, reason })),
  };
}

/** Calls `interrupt` in every callback, before it does its work. */
function interrupted(sink: FrameSink, interrupt: () => void): FrameSink {
  return {
    onDataHeader(opcode, fin, rsv1, length) {
      interrupt();
      sink.onDataHeader(opcode, fin, rsv1, length);
    },
    onDataPayload(chunk, start, end, last) {
      interrupt();
      sink.onDataPayload(chunk, start, end, last);
    },
    onControl(opcode, chunk, start, end) {
      interrupt();
      sink.onControl(opcode, chunk, start, end);
    },
    onWholeMessage(opcode, chunk, start, end, key) {
      interrupt();
      return sink.onWholeMessage!(opcode, chunk, start, end, key);
    },
  };
}
