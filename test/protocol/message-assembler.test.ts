import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import sinon from 'sinon';
import { type CloseFrame, LimitError, ProtocolError } from '#src/errors.js';
import { FrameParser } from '#src/protocol/frame-parser.js';
import { type Message, MessageAssembler, type MessageLimits } from '#src/protocol/message-assembler.js';
import { bytesOf, frame } from '../vectors/notation.js';
import { countCost } from './cost.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** A client's parser and assembler, and what came out. */
function makeReader(limits: Partial<MessageLimits> = {}) {
  const messages: Message[] = [];
  const controls: (Buffer | CloseFrame)[] = [];
  const assembler = new MessageAssembler(
    {
      onMessage: (message) => messages.push(message),
      onPing: (payload) => controls.push(payload),
      onPong: (payload) => controls.push(payload),
      onClose: (close) => controls.push(close),
    },
    { maxMessageSize: 16 * MiB, maxFragments: 65536, ...limits },
  );
  const parser = new FrameParser(assembler, { role: 'client' });
  const read = (bytes: Buffer): void => {
    parser.parse(bytes, 0);
  };
  return { messages, controls, assembler, read };
}

/** Reads the same byte again and again, without a buffer for each. */
function drip(read: (bytes: Buffer) => void, times: number, afterEach?: (count: number) => void): void {
  const byte = bytesOf("'x'");
  for (let count = 1; count <= times; count++) {
    read(byte);
    afterEach?.(count);
  }
}

/** A chunk as a socket delivers it: bytes in memory of their own. */
function chunkOf(notation: string): Buffer {
  const bytes = bytesOf(notation);
  const chunk = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(chunk);
  return chunk;
}

describe('MessageAssembler', () => {
  afterEach(() => sinon.restore());

  describe('memory kept for a message in progress', () => {
    it('is small for a frame that announces 16 MiB and sends a byte', () => {
      const { assembler, read } = makeReader();
      read(bytesOf('82 7f 0000000001000000'));
      expect(assembler.retainedBytes, 'behind the header').to.equal(0);
      read(bytesOf("'x'"));
      expect(assembler.retainedBytes, 'behind a byte').to.be.within(1, 64 * KiB);
    });

    it('follows what has come of a frame that announces 16 MiB, byte by byte', () => {
      for (const first of ['82', '02']) {
        const { assembler, read } = makeReader();
        read(bytesOf(`${first} 7f 0000000001000000`));
        drip(read, 200 * KiB, (count) => {
          if (assembler.retainedBytes > Math.max(64 * KiB, 32 * count)) {
            expect.fail(`${assembler.retainedBytes} bytes are kept for ${count}`);
          }
        });
        expect(assembler.retainedBytes).to.be.at.least(200 * KiB);
      }
    });

    it('is at most twice the payload for 65,536 fragments of a byte', () => {
      const { assembler, read, messages } = makeReader();
      const cost = countCost(() => {
        read(bytesOf("01 01 'a'"));
        const fragment = bytesOf("00 01 'a'");
        for (let count = 2; count < 65536; count++) {
          read(fragment);
          if (assembler.retainedBytes > 2 * count) expect.fail(`${assembler.retainedBytes} for ${count}`);
        }
        read(bytesOf("80 01 'a'"));
      });
      expect(messages).to.deep.equal(['a'.repeat(65536)]);
      expect(assembler.retainedBytes).to.equal(0);
      expect(cost.copied).to.be.at.most(3 * 65536);
      expect(cost.allocations).to.be.at.most(32);
    });

    it('is nothing for empty fragments', () => {
      const { assembler, read, messages } = makeReader();
      const first = bytesOf('01 00');
      const fragment = bytesOf('00 00');
      const cost = countCost(() => {
        read(first);
        for (let count = 2; count < 65536; count++) read(fragment);
      });
      expect(assembler.retainedBytes).to.equal(0);
      expect(cost).to.deep.equal({ copied: 0, allocated: 0, allocations: 0, views: 0 });
      read(bytesOf('80 00'));
      expect(messages).to.deep.equal(['']);
    });

    it('never exceeds maxMessageSize by doubling', () => {
      const { assembler, read } = makeReader({ maxMessageSize: 100 * KiB });
      read(bytesOf(frame(0x02, `00*${70 * KiB}`)));
      read(bytesOf(frame(0x00, '00*1')));
      expect(assembler.retainedBytes).to.be.within(70 * KiB + 1, 100 * KiB);
      read(bytesOf(`80 7e ${(20 * KiB).toString(16)}`));
      read(bytesOf(`00*${10 * KiB}`));
      expect(assembler.retainedBytes).to.be.at.most(100 * KiB);
    });

    it('never exceeds the announced length of the last frame by doubling', () => {
      const { assembler, read } = makeReader();
      read(bytesOf(`82 7f 0000000000018000 00*${70 * KiB}`));
      read(bytesOf('00'));
      expect(assembler.retainedBytes).to.be.within(70 * KiB + 1, 96 * KiB);
    });

    it('is released with each message and starts anew', () => {
      const { assembler, read, messages } = makeReader();
      for (let count = 1; count <= 3; count++) {
        read(bytesOf("01 02 'ab'"));
        expect(assembler.retainedBytes).to.equal(2);
        read(bytesOf("80 01 'c'"));
        expect(assembler.retainedBytes).to.equal(0);
      }
      expect(messages).to.deep.equal(['abc', 'abc', 'abc']);
    });

    it('is not asked for when a length is over maxMessageSize', () => {
      for (const notation of ['82 7f 0000000001000001', '82 7f 7fffffffffffffff', '81 7f 0000000100000000']) {
        const { assembler, read } = makeReader();
        const bytes = bytesOf(notation);
        const cost = countCost(() => {
          expect(() => read(bytes))
            .to.throw(LimitError)
            .that.includes({ code: 'ANTS_MESSAGE_TOO_BIG' });
        });
        expect(cost.allocated).to.equal(0);
        expect(assembler.retainedBytes).to.equal(0);
      }
    });
  });

  describe('copies', () => {
    for (const [kind, first] of [
      ['text', 0x81],
      ['binary', 0x82],
    ] as const) {
      it(`are linear for 16 MiB of ${kind} in chunks of 64 KiB`, () => {
        const { read, messages } = makeReader();
        const chunk = bytesOf(`'x'*${64 * KiB}`);
        const cost = countCost(() => {
          read(bytesOf(`${first.toString(16)} 7f 0000000001000000`));
          for (let count = 0; count < 256; count++) read(chunk);
        });
        expect(messages[0]?.length).to.equal(16 * MiB);
        expect(cost.copied).to.be.within(16 * MiB, 3 * 16 * MiB);
        expect(cost.allocated).to.be.at.most(3 * 16 * MiB);
      });

      it(`are linear for 16 MiB of ${kind} in 4,096 fragments`, () => {
        const { read, messages } = makeReader();
        const fragment = bytesOf(frame(0x00, `'x'*${4 * KiB}`));
        const cost = countCost(() => {
          fragment[0] = first & 0x0f;
          read(fragment);
          fragment[0] = 0x00;
          for (let count = 2; count < 4096; count++) read(fragment);
          fragment[0] = 0x80;
          read(fragment);
        });
        expect(messages[0]?.length).to.equal(16 * MiB);
        expect(cost.copied).to.be.within(16 * MiB, 3 * 16 * MiB);
        expect(cost.allocated).to.be.at.most(3 * 16 * MiB);
      });
    }

    it('are one of each byte for a frame of 64 KiB in two chunks, into one block', () => {
      const { read, messages } = makeReader();
      const chunks = [bytesOf('82 7f 0000000000010000 00*10'), bytesOf(`01*${64 * KiB - 10}`)];
      const cost = countCost(() => chunks.forEach(read));
      expect(messages[0]?.length).to.equal(64 * KiB);
      expect(cost).to.deep.equal({ copied: 64 * KiB, allocated: 64 * KiB, allocations: 1, views: 1 });
    });

    it('are linear for 1 MiB byte by byte', () => {
      const { read, messages } = makeReader();
      const cost = countCost(() => {
        read(bytesOf('82 7f 0000000000100000'));
        drip(read, MiB);
      });
      expect(messages[0]?.length).to.equal(MiB);
      expect(cost.copied).to.be.within(MiB, 3 * MiB);
    });

    it('are none, nor views, nor buffers, for a text that is complete in its chunk', () => {
      const { read, messages } = makeReader();
      const chunk = chunkOf(`${frame(0x81, "'x'")} 81 00 ${frame(0x81, "'héllo'*100")} 81 05 'Hello'`);
      const cost = countCost(() => read(chunk));
      expect(messages).to.deep.equal(['x', '', 'héllo'.repeat(100), 'Hello']);
      expect(cost).to.deep.equal({ copied: 0, allocated: 0, allocations: 0, views: 0 });
    });
  });

  describe('binary messages', () => {
    it('do not pin their chunk when they are small', () => {
      for (const size of [0, 1, 64, 65, 125, 1000]) {
        const { read, messages } = makeReader();
        read(chunkOf(frame(0x82, `5a*${size}`) + frame(0x82, '00*60000')));
        const message = messages[0] as Buffer;
        expect(message.equals(bytesOf(`5a*${size}`)), `${size} bytes`).to.equal(true);
        expect(message.buffer.byteLength, `${size} bytes`).to.equal(size);
      }
    });

    it('do not pin their chunk when they are small and come last', () => {
      const { read, messages } = makeReader();
      read(chunkOf(frame(0x82, '00*60000') + frame(0x82, '5a*1000')));
      expect((messages[1] as Buffer).buffer.byteLength).to.equal(1000);
    });

    it('are on the heap up to 64 bytes, also alone in their chunk', () => {
      const { read, messages } = makeReader();
      const chunk = chunkOf(frame(0x82, '5a*64'));
      read(chunk);
      expect((messages[0] as Buffer).buffer).to.not.equal(chunk.buffer);
    });

    it('are a view of their chunk when they are most of it and last in it', () => {
      const { read, messages } = makeReader();
      const chunk = chunkOf(frame(0x82, '5a*60000'));
      const cost = countCost(() => read(chunk));
      expect((messages[0] as Buffer).buffer).to.equal(chunk.buffer);
      expect(cost).to.deep.equal({ copied: 0, allocated: 0, allocations: 0, views: 1 });
    });

    it('share no memory with what is still to be parsed', () => {
      const { read, messages } = makeReader();
      const chunk = chunkOf(`${frame(0x82, '5a*60000')} 81 01 'a'`);
      read(chunk);
      expect((messages[0] as Buffer).buffer).to.not.equal(chunk.buffer);
      expect(messages[1]).to.equal('a');
    });

    it('do not pin half a block that was never filled', () => {
      const { read, messages } = makeReader();
      read(bytesOf(frame(0x02, `5a*${64 * KiB}`)));
      read(bytesOf(frame(0x80, '5a*1')));
      read(bytesOf("02 01 'a' 00 01 'b' 00 01 'c' 80 00"));
      const [long, short] = messages as Buffer[];
      expect(long!.length).to.equal(64 * KiB + 1);
      expect(long!.buffer.byteLength).to.be.below(2 * long!.length);
      expect(short!.toString()).to.equal('abc');
      expect(short!.buffer.byteLength).to.equal(3);
    });

    it('that ended far below what was reserved for them are copied', () => {
      const { read, messages } = makeReader();
      read(bytesOf(frame(0x02, '5a*1000')));
      read(bytesOf(frame(0x00, '5a*1')));
      read(bytesOf('80 00'));
      const message = messages[0] as Buffer;
      expect(message.equals(bytesOf('5a*1001'))).to.equal(true);
      expect(message.buffer.byteLength).to.be.below(2 * 1001);
    });

    it('do not change when the chunk is written again', () => {
      const { read, messages, controls } = makeReader();
      const chunk = chunkOf("82 03 'abc' 89 03 'def' 02 03 'ghi' 80 03 'jkl' 8a 00");
      read(chunk);
      chunk.fill(0);
      expect(messages.map(String)).to.deep.equal(['abc', 'ghijkl']);
      expect(controls.map(String)).to.deep.equal(['def', '']);
    });
  });

  describe('control frames', () => {
    it('have payloads of their own', () => {
      const { read, controls } = makeReader();
      read(chunkOf("89 03 'abc' 8a 7d 00*125"));
      expect(controls.map((payload) => (payload as Buffer).buffer.byteLength)).to.deep.equal([3, 125]);
    });
  });

  describe('what the machine cannot do', () => {
    it('is a LimitError for a text that is too long for a string, in one frame or many', () => {
      for (const notation of ["81 0a 'Hello ants'", "01 03 'Hel' 80 07 'lo ants'"]) {
        const { read, messages } = makeReader();
        const bytes = bytesOf(notation);
        const decode = sinon.stub(Buffer.prototype, 'toString').throws(new Error('Cannot create a string'));
        expect(() => read(bytes))
          .to.throw(LimitError, /10 bytes.*Cannot create a string.*maxMessageSize/)
          .that.includes({ code: 'ANTS_STRING_TOO_LONG', closeCode: 1009 });
        decode.restore();
        expect(messages).to.deep.equal([]);
      }
    });

    it('is a LimitError for memory that there is not', () => {
      for (const notation of ["02 03 'abc'", frame(0x82, '00*100') + frame(0x82, '00*100')]) {
        const { read, messages } = makeReader();
        const bytes = chunkOf(notation);
        const allocate = sinon.stub(Buffer, 'allocUnsafeSlow').throws(new RangeError('Allocation failed'));
        expect(() => read(bytes))
          .to.throw(LimitError, /Allocation failed.*maxMessageSize/)
          .that.includes({ code: 'ANTS_MESSAGE_TOO_BIG', closeCode: 1009 });
        allocate.restore();
        expect(messages).to.deep.equal([]);
      }
    });
  });

  describe('messages of errors', () => {
    it('name the size, the limit and the option', () => {
      const big = makeReader({ maxMessageSize: 10 });
      expect(() => big.read(bytesOf("01 03 'abc' 80 08"))).to.throw(
        LimitError,
        /11 bytes.*maxMessageSize \(10\)/,
      );
      const many = makeReader({ maxFragments: 2 });
      expect(() => many.read(bytesOf('01 00 00 00 00 00'))).to.throw(LimitError, /maxFragments \(2\)/);
      const bad = makeReader();
      expect(() => bad.read(bytesOf('81 01 ff'))).to.throw(ProtocolError, /text message.*UTF-8/);
    });
  });
});
