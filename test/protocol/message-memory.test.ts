import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { LimitError, ProtocolError } from '#src/errors.js';
import {
  type Message,
  MessageAssembler,
  type MessageParts,
  type MessageSink,
} from '#src/protocol/message-assembler.js';
import type { MessageInflater } from '#src/protocol/message-inflater.js';
import { Opcode } from '#src/protocol/opcode.js';

const KiB = 1024;
const [text, binary, more] = [Opcode.Text, Opcode.Binary, Opcode.Continuation];

function makeAssembler(hooks: Partial<MessageSink> = {}, limits = {}) {
  const messages: Message[] = [];
  const sink = {
    onMessage: (message: Message) => messages.push(message),
    onPing() {},
    onPong() {},
    onClose() {},
  };
  const assembler = new MessageAssembler(
    { ...sink, ...hooks },
    { maxMessageSize: 1024 * KiB, maxFragments: 10, ...limits },
  );
  return { messages, assembler };
}

/** Bytes as a socket has them: in memory of their own. */
function chunkOf(size: number): Buffer {
  return Buffer.allocUnsafeSlow(size).fill('x');
}

function partsOf(seen: string[], maxSize = Infinity): MessageParts {
  return {
    maxSize,
    onPart: (chunk, start, end) => seen.push(chunk.toString('latin1', start, end)),
    onEnd: () => seen.push('end'),
  };
}

/** Whether a chunk is kept that holds a whole message of so many bytes, which begins `start` bytes behind its beginning. */
function isKept(opcode: number, size: number, start = 0): boolean {
  const { assembler } = makeAssembler();
  assembler.onDataHeader(opcode, true, false, size);
  assembler.onDataPayload(chunkOf(start + size), start, start + size, true);
  return assembler.isChunkKept;
}

describe('MessageAssembler, the bytes of a whole message', () => {
  it('are known from the header of its only frame, where nothing is compressed', () => {
    const { assembler } = makeAssembler();
    expect(assembler.total, 'before the first message').to.equal(undefined);
    assembler.onDataHeader(binary, true, false, 500);
    expect(assembler.total).to.equal(500);
    assembler.onDataPayload(chunkOf(500), 0, 500, true);
    assembler.onDataHeader(binary, false, false, 500);
    expect(assembler.total, 'with more frames to come').to.equal(undefined);
    assembler.onDataPayload(chunkOf(500), 0, 500, true);
    assembler.onDataHeader(more, true, false, 500);
    expect(assembler.total, 'in the last of several').to.equal(undefined);
    assembler.onDataPayload(chunkOf(500), 0, 500, true);
    assembler.onDataHeader(binary, true, true, 500);
    expect(assembler.total, 'compressed').to.equal(undefined);
  });

  it('are told to who decides about its parts', () => {
    const starts: unknown[] = [];
    for (const [fin, rsv1] of [
      [true, false],
      [true, true],
      [false, false],
    ] as const) {
      makeAssembler({ onStart: (...start) => void starts.push(start) }).assembler.onDataHeader(
        text,
        fin,
        rsv1,
        9,
      );
    }
    expect(starts).to.deep.equal([
      [true, 9],
      [true, undefined],
      [true, undefined],
    ]);
  });

  it('are counted with each kind of frame', () => {
    const { assembler } = makeAssembler();
    assembler.onDataHeader(binary, true, false, 0);
    assembler.onDataPayload(chunkOf(0), 0, 0, true);
    assembler.onControl(Opcode.Ping, chunkOf(0), 0, 0);
    expect(assembler.frames).to.equal(2);
  });
});

describe('MessageAssembler, the memory of a chunk', () => {
  it('is kept by bytes that are most of it, and by no others', () => {
    expect(makeAssembler().assembler.isChunkKept).to.equal(false);
    expect(isKept(binary, 65)).to.equal(true);
    expect(isKept(binary, 64), 'on the heap').to.equal(false);
    expect(isKept(text, 100)).to.equal(false);
    expect(isKept(binary, 100, 100), 'half of it').to.equal(false);
    expect(isKept(binary, 101, 100)).to.equal(true);
  });

  it('is kept by binary parts, not by those of a text', () => {
    for (const opcode of [text, binary]) {
      const { assembler } = makeAssembler({ onStart: () => partsOf([]) });
      assembler.onDataHeader(opcode, true, false, 500);
      assembler.onDataPayload(chunkOf(100), 0, 100, false);
      expect(assembler.isChunkKept).to.equal(opcode === binary);
    }
  });
});

describe('MessageAssembler, room for the rest of a message', () => {
  /** An assembler in the middle of a message, with what it needs still to come. */
  function begun(size: number, come: number, fin = true) {
    const made = makeAssembler();
    made.assembler.onDataHeader(binary, fin, false, size);
    if (come > 0) made.assembler.onDataPayload(chunkOf(come), 0, come, false);
    return made;
  }

  it('is made where a read of its own pays, and only there', () => {
    expect(makeAssembler().assembler.makeRoom(100 * KiB), 'between messages').to.equal(undefined);
    expect(begun(100 * KiB, 1).assembler.makeRoom(32 * KiB - 1), 'little is to come').to.equal(undefined);
    expect(begun(100 * KiB, 1).assembler.makeRoom(32 * KiB)?.length).to.be.at.least(32 * KiB);
    const compressed = makeAssembler();
    compressed.assembler.onDataHeader(binary, true, true, 100 * KiB);
    expect(compressed.assembler.makeRoom(100 * KiB), 'compressed').to.equal(undefined);
    const inParts = makeAssembler({ onStart: () => partsOf([]) });
    inParts.assembler.onDataHeader(binary, true, false, 100 * KiB);
    expect(inParts.assembler.makeRoom(100 * KiB), 'in parts').to.equal(undefined);
  });

  it('is no more than what is to come, in the block of the message', () => {
    const { assembler } = begun(100 * KiB, 60 * KiB);
    expect(assembler.makeRoom(40 * KiB)?.length).to.equal(40 * KiB);
    expect(assembler.retainedBytes).to.equal(100 * KiB);
  });

  it('grows with a message of several frames, keeps what is there, and stays while it is enough', () => {
    const { assembler, messages } = begun(100 * KiB, 60 * KiB, false);
    const room = assembler.makeRoom(40 * KiB)!;
    expect(room.length).to.equal(40 * KiB);
    expect(assembler.makeRoom(40 * KiB)!.buffer === room.buffer, 'the same block').to.equal(true);
    assembler.onDataPayload(room.fill('y'), 0, 40 * KiB, true);
    assembler.onDataHeader(more, true, false, 0);
    assembler.onDataPayload(chunkOf(0), 0, 0, true);
    expect(String(messages[0]) === 'x'.repeat(60 * KiB) + 'y'.repeat(40 * KiB), 'the message').to.equal(true);
  });

  it('is where the bytes belong: read there, they are not copied', () => {
    for (const come of [0, 10 * KiB]) {
      const { assembler, messages } = begun(100 * KiB, come);
      const room = assembler.makeRoom(100 * KiB - come)!;
      const copied = { times: 0 };
      room.copy = () => {
        copied.times++;
        return 0;
      };
      const size = Math.min(room.length, 40 * KiB);
      room.fill('y', 0, size);
      assembler.onDataPayload(room, 0, size, false);
      expect(copied.times).to.equal(0);
      const rest = 100 * KiB - come - size;
      assembler.onDataPayload(chunkOf(rest), 0, rest, true);
      const expected = 'x'.repeat(come) + 'y'.repeat(size) + 'x'.repeat(rest);
      expect(String(messages[0]) === expected, 'the message').to.equal(true);
    }
  });

  it('is not taken for what lies elsewhere in the same block', () => {
    const { assembler, messages } = begun(100 * KiB, 10 * KiB);
    const room = assembler.makeRoom(90 * KiB)!;
    // Behind a header that was read in front of it.
    room.fill('y', 10, 1010);
    assembler.onDataPayload(room, 10, 1010, false);
    const rest = 90 * KiB - 1000;
    assembler.onDataPayload(chunkOf(rest), 0, rest, true);
    const expected = 'x'.repeat(10 * KiB) + 'y'.repeat(1000) + 'x'.repeat(rest);
    expect(String(messages[0]) === expected, 'the message').to.equal(true);
  });
});

describe('MessageAssembler, compressed messages', () => {
  function inflater(answer: boolean): MessageInflater & { readonly calls: unknown[] } {
    const calls: unknown[] = [];
    return {
      calls,
      isPending: false,
      isReady: false,
      inflate: (_chunk, start, end, final) => {
        calls.push([start, end, final]);
        return answer;
      },
      resume: () => true,
      close() {},
    };
  }

  it('go to the inflater, and what is left in the middle is told', () => {
    for (const answer of [true, false]) {
      let told = 0;
      const { assembler, messages } = makeAssembler({ onInflating: () => told++ });
      const inflating = inflater(answer);
      assembler.inflater = inflating;
      assembler.onDataHeader(text, false, true, 5);
      assembler.onDataPayload(chunkOf(5), 0, 5, true);
      assembler.onDataHeader(more, true, false, 7);
      assembler.onDataPayload(chunkOf(9), 2, 9, true);
      expect(inflating.calls).to.deep.equal([
        [0, 5, false],
        [2, 9, true],
      ]);
      expect(told).to.equal(answer ? 0 : 2);
      expect(messages).to.deep.equal([]);
    }
  });

  it('are passed on in parts as they come out, up to the limit of who takes them', () => {
    const seen: string[] = [];
    for (const opcode of [text, binary]) {
      const { assembler } = makeAssembler({ onStart: () => partsOf(seen, 4) });
      assembler.onDataHeader(opcode, true, true, 3);
      assembler.onInflated(Buffer.from('abcd'), 1, 3, false);
      assembler.onInflated(Buffer.from('efgh'), 0, 2, true);
      assembler.onDataHeader(opcode, true, true, 3);
      expect(() => assembler.onInflated(Buffer.from('12345'), 0, 5, false)).to.throw(
        LimitError,
        'maxSize (4)',
      );
    }
    expect(seen).to.deep.equal(['bc', 'ef', 'end', 'bc', 'ef', 'end']);
  });

  it('may be left in the middle although nobody wants to know', () => {
    const { assembler, messages } = makeAssembler();
    assembler.inflater = inflater(false);
    assembler.onDataHeader(text, true, true, 5);
    assembler.onDataPayload(chunkOf(5), 0, 5, true);
    expect(messages).to.deep.equal([]);
  });

  it('are copied for who takes their bytes, as the memory is used again; text is read where it lies', () => {
    const bytes = Buffer.from('abcd');
    for (const opcode of [text, binary]) {
      const isHere: boolean[] = [];
      const parts = { ...partsOf([]), onPart: (chunk: Buffer) => void isHere.push(chunk === bytes) };
      const { assembler } = makeAssembler({ onStart: () => parts });
      assembler.onDataHeader(opcode, true, true, 3);
      assembler.onInflated(bytes, 0, 4, true);
      expect(isHere).to.deep.equal([opcode === text]);
    }
  });

  it('are checked as they come out when they are text', () => {
    const broken = Buffer.from('ab ff', 'latin1').fill(0xff, 3);
    const reading = (opcode: number) => {
      const { assembler } = makeAssembler();
      assembler.onDataHeader(opcode, true, true, 9);
      assembler.onInflated(broken, 0, broken.length, false);
    };
    expect(() => reading(text)).to.throw(ProtocolError);
    expect(() => reading(binary)).not.to.throw();
  });

  it('may be exactly as large as the limit, in one piece or in several', () => {
    const { assembler, messages } = makeAssembler({}, { maxMessageSize: 4 });
    assembler.onDataHeader(binary, true, true, 3);
    assembler.onInflated(Buffer.from('abcd'), 0, 4, true);
    assembler.onDataHeader(text, true, true, 3);
    assembler.onInflated(Buffer.from('ab'), 0, 2, false);
    assembler.onInflated(Buffer.from('cd'), 0, 2, true);
    expect(messages.map(String)).to.deep.equal(['abcd', 'abcd']);
    assembler.onDataHeader(binary, true, true, 3);
    expect(() => assembler.onInflated(Buffer.from('abcde'), 0, 5, true)).to.throw(
      LimitError,
      'maxMessageSize (4)',
    );
  });

  it('that passed the limit with their last bytes wait for who takes them', () => {
    const seen: string[] = [];
    const { assembler, messages } = makeAssembler({ onTooBig: () => undefined }, { maxMessageSize: 4 });
    assembler.onDataHeader(text, true, true, 3);
    assembler.onInflated(Buffer.from('abcde'), 0, 5, true);
    expect([seen, messages]).to.deep.equal([[], []]);
    assembler.divert(partsOf(seen));
    expect(seen).to.deep.equal(['abcde', 'end']);
  });
});

describe('MessageAssembler, a message handed over in the middle', () => {
  it('is refused when it is larger than who takes it wants', () => {
    const { assembler } = makeAssembler();
    assembler.onDataHeader(binary, true, false, 500);
    assembler.onDataPayload(chunkOf(100), 0, 100, false);
    expect(() => assembler.divert(partsOf([], 499))).to.throw(LimitError, 'maxSize (499)');
  });
});

describe('MessageAssembler, pongs', () => {
  it('are shown where they lie, and copied for those who did not take them', () => {
    for (const taken of [true, false]) {
      const pongs: string[] = [];
      const shown: string[] = [];
      const { assembler } = makeAssembler({
        onPong: (payload) => void pongs.push(String(payload)),
        takePong: (chunk, start, end) => {
          shown.push(chunk.toString('latin1', start, end));
          return taken;
        },
      });
      assembler.onControl(Opcode.Pong, Buffer.from('.pong.'), 1, 5);
      expect(shown).to.deep.equal(['pong']);
      expect(pongs).to.deep.equal(taken ? [] : ['pong']);
    }
  });
});
