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
import { bytesOf, frame } from '../vectors/notation.js';

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

function makeReader(hooks: Pick<MessageSink, 'onStart' | 'wantsParts' | 'onTooBig'>, limits = {}) {
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

const text = (payload: string, fin = true): Buffer => bytesOf(frame(fin ? 0x81 : 1, payload));
const binary = (payload: string, fin = true): Buffer => bytesOf(frame(fin ? 0x82 : 2, payload));
const more = (payload: string, fin = true): Buffer => bytesOf(frame(fin ? 0x80 : 0, payload));

function caught(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('MessageAssembler, messages in parts', () => {
  it('passes the parts on as they come, and nothing for empty frames', () => {
    const parts = new Parts();
    const { messages, assembler, read } = makeReader({ onStart: () => parts });
    read(binary("'ab'", false));
    expect(assembler.isAssembling).to.equal(false);
    read(more('', false), more("'cd'", false), more(''));
    expect(parts.seen).to.deep.equal(['ab', 'cd', 'end']);
    read(binary("'xy'"), binary(''));
    expect(parts.seen.slice(3)).to.deep.equal(['xy', 'end', 'end']);
    expect(messages).to.deep.equal([]);
    expect(assembler.retainedBytes).to.equal(0);
  });

  it('hands over a compressed message that passes the limit with its last bytes', () => {
    const parts = new Parts();
    const { messages, assembler } = makeReader({ onTooBig: () => parts });
    assembler.onDataHeader(2, true, true, 3);
    assembler.onInflated(Buffer.from('more than eight'), 0, 15, true);
    expect(parts.seen).to.deep.equal(['more than eight', 'end']);
    expect(messages).to.deep.equal([]);
    assembler.onDataHeader(2, true, true, 3);
    assembler.onInflated(Buffer.from('eight'), 0, 5, true);
    expect(messages.map(String)).to.deep.equal(['eight']);
    expect(parts.seen).to.have.lengthOf(2);
  });

  for (const wantsParts of [false, true]) {
    it(`asks for a whole message ${wantsParts ? 'where somebody wants parts' : 'not where nobody wants parts'}`, () => {
      const asked: (number | undefined)[] = [];
      const parts = new Parts();
      const { messages, read } = makeReader(
        {
          onStart: (_isText, total) => {
            asked.push(total);
            return wantsParts ? parts : undefined;
          },
          wantsParts,
        },
        { maxMessageSize: 100_000 },
      );
      read(text("'abc'"), bytesOf("82 7e 0080 'd'*128"), bytesOf("82 7f 0000000000010000 'e'*65536"));
      expect(asked).to.deep.equal(wantsParts ? [3, 128, 65_536] : [65_536]);
      expect(messages.map(({ length }) => length)).to.deep.equal(wantsParts ? [] : [3, 128, 65_536]);
      expect(parts.seen).to.deep.equal(
        wantsParts ? ['abc', 'end', 'd'.repeat(128), 'end', 'e'.repeat(65_536), 'end'] : [],
      );
    });
  }

  it('asks for each message, and says whether it is text', () => {
    const parts = new Parts();
    const asked: boolean[] = [];
    const { messages, read } = makeReader({
      onStart: (isText) => {
        asked.push(isText);
        return isText ? undefined : parts;
      },
    });
    read(text("'a'", false), more("'b'"), binary("'c'", false), more("'d'"), text("'e'"));
    expect(asked).to.deep.equal([true, false, true]);
    expect(messages).to.deep.equal(['ab', 'e']);
    expect(parts.seen).to.deep.equal(['c', 'd', 'end']);
  });

  it('keeps to the size of who takes them, and to no other limit', () => {
    const parts = new Parts(20);
    const { read } = makeReader({ onStart: () => parts });
    read(binary("'x'*16", false), more("'x'", false), more("'x'", false), more("'x'", false));
    const error = caught(() => read(more("'xx'")));
    expect(error).to.be.instanceOf(LimitError);
    expect(error).to.include({ code: 'ANTS_MESSAGE_TOO_BIG', closeCode: 1009 });
    expect((error as Error).message).to.match(/21 bytes is larger than maxSize \(20\)/);
    expect(parts.seen.at(-1)).to.equal('x');
  });

  it('finds bad text at its first byte, and a character that the end cuts', () => {
    for (const [payload, fin] of [
      ["'a' c0", false],
      ["'a' e2 82", true],
    ] as const) {
      const parts = new Parts();
      const { read } = makeReader({ onStart: () => parts });
      const error = caught(() => read(text(payload, fin)));
      expect(error).to.be.instanceOf(ProtocolError).with.property('code', 'ANTS_INVALID_UTF8');
      expect(parts.seen).to.deep.equal([]);
    }
  });

  it('hands a message over that is being put together', () => {
    const parts = new Parts();
    const { assembler, messages, read } = makeReader({});
    read(text("'a' e2", false), more('82 ac', false));
    expect([assembler.isAssembling, assembler.isText]).to.deep.equal([true, true]);
    assembler.divert(parts);
    expect(assembler.retainedBytes).to.equal(0);
    read(more("'b'*20"));
    expect(parts.seen).to.deep.equal([Buffer.from('a\u20ac').toString('latin1'), 'b'.repeat(20), 'end']);
    read(text("'c'"));
    expect(messages).to.deep.equal(['c']);
  });

  it('hands nothing over that is larger than is taken', () => {
    const { assembler, read } = makeReader({});
    read(binary("'abc'", false));
    const parts = new Parts(2);
    expect(caught(() => assembler.divert(parts))).to.be.instanceOf(LimitError);
    expect(parts.seen).to.deep.equal([]);
  });

  describe('that pass a limit', () => {
    it('are taken over on the spot', () => {
      const parts = new Parts();
      const errors: LimitError[] = [];
      const { read } = makeReader({
        onTooBig: (error) => {
          errors.push(error);
          return parts;
        },
      });
      read(binary("'abc'", false), more("'defghi'", false), more("'j'"));
      expect(parts.seen).to.deep.equal(['abc', 'defghi', 'j', 'end']);
      read(binary("'a'", false), more('', false), more('', false), more("'b'"));
      expect(parts.seen.slice(4)).to.deep.equal(['a', 'b', 'end']);
      expect(errors.map(({ code }) => code)).to.deep.equal([
        'ANTS_MESSAGE_TOO_BIG',
        'ANTS_TOO_MANY_FRAGMENTS',
      ]);
    });

    it('may wait with the parser paused, and are taken over later', () => {
      const parts = new Parts();
      const { assembler, parser } = makeReader({
        onTooBig: () => {
          parser.pause();
          return undefined;
        },
      });
      const bytes = binary("'x'*9");
      const reached = parser.parse(bytes, 0);
      expect(reached).to.equal(2);
      assembler.divert(parts);
      parser.resume();
      expect(parser.parse(bytes, reached)).to.equal(11);
      expect(parts.seen).to.deep.equal(['x'.repeat(9), 'end']);
    });

    it('fail when that is what the sink throws, or when it has no say', () => {
      const own = new Error('own');
      const { read } = makeReader({
        onTooBig: () => {
          throw own;
        },
      });
      expect(caught(() => read(binary("'x'*9")))).to.equal(own);
      const { read: readPlain } = makeReader({});
      expect(caught(() => readPlain(binary("'x'*9")))).to.be.instanceOf(LimitError);
    });
  });
});
