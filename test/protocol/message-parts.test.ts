import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { LimitError, ProtocolError } from '#src/errors.js';
import { FrameParser } from '#src/protocol/frame-parser.js';
import {
  type Message,
  MessageAssembler,
  type MessageParts,
  type MessageSink,
} from '#src/protocol/message-assembler.js';
import { frame } from '../vectors/notation.js';

/** Parts of messages as text, with `end` behind each message. */
class Parts implements MessageParts {
  readonly maxSize: number;
  readonly seen: string[] = [];

  constructor(maxSize = Infinity) {
    this.maxSize = maxSize;
  }

  onPart(chunk: Buffer, start: number, end: number): void {
    this.seen.push(chunk.toString('latin1', start, end));
  }

  onEnd(): void {
    this.seen.push('end');
  }
}

function makeReader(hooks: Pick<MessageSink, 'onStart' | 'onTooBig'>, limits = {}) {
  const messages: Message[] = [];
  const assembler = new MessageAssembler(
    { onMessage: (message) => messages.push(message), onPing() {}, onPong() {}, onClose() {}, ...hooks },
    { maxMessageSize: 8, maxFragments: 3, ...limits },
  );
  const parser = new FrameParser(assembler, { role: 'client' });
  const read = (...frames: Buffer[]): void => {
    for (const bytes of frames) parser.parse(bytes, 0);
  };
  return { messages, assembler, parser, read };
}

const text = (payload: string, fin = true): Buffer => frame({ opcode: 1, fin, payload });
const more = (payload: string, fin = true): Buffer => frame({ opcode: 0, fin, payload });

function caught(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
