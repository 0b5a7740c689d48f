import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { LimitError, ProtocolError } from '#src/errors.js';
import { FrameParser, type FrameParserOptions } from '#src/protocol/frame-parser.js';
import { maskFrames } from '../vectors/frame-vector.js';
import { bytesOf } from '../vectors/notation.js';
import { countCost } from './cost.js';

/** A parser and the calls to its sink, one line each: payloads as text, offsets as they are. */
function makeParser(options: FrameParserOptions, onCall?: (parser: FrameParser) => void) {
  const calls: string[] = [];
  const chunks: Buffer[] = [];
  const called = (line: string): void => {
    calls.push(line);
    onCall?.(parser);
  };
  const parser: FrameParser = new FrameParser(
    {
      onDataHeader: (opcode, fin, rsv1, length) => called(`header ${opcode} ${fin} ${rsv1} ${length}`),
      onDataPayload: (chunk, start, end, last) => {
        chunks.push(chunk);
        called(`payload '${chunk.toString('latin1', start, end)}' at ${start}${last ? ', last' : ''}`);
      },
      onControl: (opcode, chunk, start, end) => {
        chunks.push(chunk);
        called(`control ${opcode} '${chunk.toString('latin1', start, end)}'`);
      },
    },
    options,
  );
  return { parser, calls, chunks };
}

describe('FrameParser', () => {
  it('tells what each frame says', () => {
    const { parser, calls } = makeParser({ role: 'client', allowRsv1: true });
    const bytes = bytesOf("41 02 'ab' 00 00 89 01 'p' 80 01 'c' 82 00");
    expect(parser.parse(bytes, 0)).to.equal(bytes.length);
    expect(calls).to.deep.equal([
      'header 1 false true 2',
      "payload 'ab' at 2, last",
      'header 0 false false 0',
      "payload '' at 6, last",
      "control 9 'p'",
      'header 0 true false 1',
      "payload 'c' at 11, last",
      'header 2 true false 0',
      "payload '' at 14, last",
    ]);
  });

  it('knows no meaning of RSV1 unless told', () => {
    const { parser, calls } = makeParser({ role: 'client' });
    expect(() => parser.parse(bytesOf('c1 00'), 0)).to.throw(ProtocolError, '0xc1');
    expect(calls).to.deep.equal([]);
  });

  it('tells lengths up to 2^53 - 1', () => {
    for (const [notation, length] of [
      ['00000000ffffffff', 2 ** 32 - 1],
      ['0000000100000000', 2 ** 32],
      ['0000000300000005', 3 * 2 ** 32 + 5],
      ['001fffffffffffff', 2 ** 53 - 1],
    ] as const) {
      const { parser, calls } = makeParser({ role: 'client' });
      parser.parse(bytesOf(`82 7f ${notation}`), 0);
      expect(calls).to.deep.equal([`header 2 true false ${length}`]);
    }
  });

  it('hands payload over as it comes, in the chunk that it came in', () => {
    const { parser, calls, chunks } = makeParser({ role: 'server' });
    const bytes = maskFrames(bytesOf("81 05 'Hello'"));
    const first = Buffer.from(bytes.subarray(0, 8));
    const second = Buffer.from(bytes.subarray(8));
    parser.parse(first, 0);
    expect(calls).to.deep.equal(['header 1 true false 5', "payload 'He' at 6"]);
    parser.parse(second, 0);
    expect(calls.slice(2)).to.deep.equal(["payload 'llo' at 0, last"]);
    expect(chunks[0]).to.equal(first);
    expect(chunks[1]).to.equal(second);
  });

  it('starts where it is told, and leaves the bytes in front alone', () => {
    const { parser, calls } = makeParser({ role: 'server' });
    const bytes = Buffer.concat([bytesOf('ff*70'), maskFrames(bytesOf("81 05 'Hello'"))]);
    expect(parser.parse(bytes, 70)).to.equal(bytes.length);
    expect(calls).to.deep.equal(['header 1 true false 5', "payload 'Hello' at 76, last"]);
    expect(bytes.subarray(0, 70).equals(bytesOf('ff*70'))).to.equal(true);
  });

  it('allocates and copies nothing for frames that are complete in their chunk', () => {
    const { parser, calls } = makeParser({ role: 'server' });
    const bytes = maskFrames(bytesOf("81 05 'Hello' 89 02 'hi' 82 7e 0100 00*256 8a 7d 00*125"));
    const cost = countCost(() => parser.parse(bytes, 0));
    expect(calls).to.have.length(6);
    expect(cost).to.deep.equal({ copied: 0, allocated: 0, allocations: 0, views: 0 });
  });

  it('keeps at most a header and a control payload, and makes room for them once', () => {
    const { parser, calls } = makeParser({ role: 'server' });
    const bytes = maskFrames(bytesOf(`${"82 7e 0100 00*256 89 7d 'p'*125 ".repeat(20)}`));
    const single = Buffer.alloc(1);
    const cost = countCost(() => {
      for (const byte of bytes) {
        single[0] = byte;
        parser.parse(single, 0);
      }
    });
    expect(calls.filter((call) => call.startsWith('control'))).to.have.length(20);
    expect(cost.allocations).to.equal(2);
    expect(cost.allocated).to.be.at.most(14 + 125);
  });

  describe('pause', () => {
    it('holds everything until resume', () => {
      const { parser, calls } = makeParser({ role: 'client' });
      const bytes = bytesOf("81 01 'a'");
      parser.pause();
      expect(parser.parse(bytes, 0)).to.equal(0);
      expect(parser.parse(bytes, 2)).to.equal(2);
      expect(calls).to.deep.equal([]);
      parser.resume();
      expect(parser.parse(bytes, 0)).to.equal(3);
      expect(calls).to.have.length(2);
    });

    it('stops behind the callback that called it', () => {
      const { parser, calls } = makeParser({ role: 'client' }, () => parser.pause());
      const bytes = bytesOf("81 01 'a' 89 01 'p' 82 00");
      const offsets: number[] = [];
      let offset = 0;
      for (let i = 0; i < 6; i++) {
        parser.resume();
        offset = parser.parse(bytes, offset);
        offsets.push(offset);
      }
      // The empty frame's payload is owed when the chunk is at its end.
      expect(offsets).to.deep.equal([2, 3, 6, 8, 8, 8]);
      expect(calls).to.deep.equal([
        'header 1 true false 1',
        "payload 'a' at 2, last",
        "control 9 'p'",
        'header 2 true false 0',
        "payload '' at 8, last",
      ]);
    });

    it('owes the payload of an empty frame to the next chunk, if there is one', () => {
      const { parser, calls } = makeParser({ role: 'client' }, () => parser.pause());
      parser.parse(bytesOf('82 00'), 0);
      parser.resume();
      const next = bytesOf("89 01 'p'");
      expect(parser.parse(next, 0)).to.equal(0);
      expect(calls).to.deep.equal(['header 2 true false 0', "payload '' at 0, last"]);
      parser.resume();
      expect(parser.parse(next, 0)).to.equal(3);
      expect(calls.slice(2)).to.deep.equal(["control 9 'p'"]);
    });

    it('leaves the bytes behind it masked', () => {
      const { parser } = makeParser({ role: 'server' }, () => parser.pause());
      const bytes = maskFrames(bytesOf("89 01 'p' 82 04 'abcd'"));
      const before = Buffer.from(bytes);
      const offset = parser.parse(bytes, 0);
      expect(offset).to.equal(7);
      expect(bytes.subarray(7).equals(before.subarray(7))).to.equal(true);
    });
  });

  describe('a sink that takes whole messages', () => {
    /** As `makeParser`, with a sink that takes the whole messages that `takes` says. */
    function makeWhole(role: 'client' | 'server', takes: (opcode: number) => boolean = () => true) {
      const calls: string[] = [];
      const parser = new FrameParser(
        {
          onDataHeader: (opcode, fin, _rsv1, length) => calls.push(`header ${opcode} ${fin} ${length}`),
          onDataPayload: (chunk, start, end) =>
            calls.push(`payload '${chunk.toString('latin1', start, end)}'`),
          onControl: (opcode) => calls.push(`control ${opcode}`),
          onWholeMessage: (opcode, chunk, start, end, key) => {
            calls.push(`whole ${opcode} ${chunk.toString('hex', start, end)} at ${start}, key ${key}`);
            return takes(opcode);
          },
        },
        { role, allowRsv1: true },
      );
      return { parser, calls };
    }

    it('gets them in one call, with their key where they are masked', () => {
      const client = makeWhole('client');
      client.parser.parse(bytesOf("81 02 'ab' 82 00 81 7d 00*125"), 0);
      expect(client.calls).to.deep.equal([
        'whole 1 6162 at 2, key 0',
        'whole 2  at 6, key 0',
        `whole 1 ${'00'.repeat(125)} at 8, key 0`,
      ]);
      const longer = makeWhole('client');
      longer.parser.parse(bytesOf("82 7e 007e 00*126 81 7e ffff 'a'*65535"), 0);
      expect(longer.calls).to.deep.equal([
        `whole 2 ${'00'.repeat(126)} at 4, key 0`,
        `whole 1 ${'61'.repeat(65_535)} at 134, key 0`,
      ]);
      const server = makeWhole('server');
      const masked = makeWhole('server');
      masked.parser.parse(bytesOf('82 fe 0100 01020304 00*256'), 0);
      expect(masked.calls).to.deep.equal([`whole 2 ${'00'.repeat(256)} at 8, key ${0x04030201}`]);
      const bytes = bytesOf('82 82 01020384 60 60 81 80 01020304');
      expect(server.parser.parse(bytes, 0)).to.equal(bytes.length);
      expect(server.calls).to.deep.equal([
        `whole 2 6060 at 6, key ${0x84030201 | 0}`,
        `whole 1  at 14, key ${0x04030201}`,
      ]);
    });

    it('finds them unmasked, and gets the two calls, when it does not take them', () => {
      const { parser, calls } = makeWhole('server', (opcode) => opcode === 2);
      const bytes = bytesOf('81 82 01020304 60 60 82 81 01010101 60');
      expect(parser.parse(bytes, 0)).to.equal(bytes.length);
      expect(calls).to.deep.equal([
        `whole 1 6060 at 6, key ${0x04030201}`,
        'header 1 true 2',
        "payload 'ab'",
        `whole 2 60 at 14, key ${0x01010101}`,
      ]);
    });

    it('gets everything else as ever: fragments, compressed, longer and cut ones, and what breaks a rule', () => {
      const { parser, calls } = makeWhole('client');
      for (const notation of [
        "01 01 'a' 80 01 'b'",
        "c2 01 'c'",
        '82 7f 0000000000010000 00*65536',
        "81 02 'd'",
        "'e'",
        '82',
        "01 'f'",
        '82 7e 01',
        '00 00*256',
        '82 7e 0100',
        '00*256',
        '89 00',
      ]) {
        parser.parse(bytesOf(notation), 0);
      }
      expect(calls.filter((call) => call.startsWith('whole'))).to.deep.equal([]);
      expect(calls.filter((call) => call.startsWith('header'))).to.have.lengthOf(8);
      expect(() => parser.parse(bytesOf("01 00 81 01 'a'"), 0)).to.throw(
        ProtocolError,
        'before the previous one',
      );
      for (const [role, notation, words] of [
        ['server', "81 01 'abcdef'", 'not masked'],
        ['client', "81 81 01020304 'a'", 'is masked'],
        ['client', "91 01 'a'", 'reserved bits'],
        ['client', '82 7e 007d 00*125', 'more than it needs'],
        ['server', '82 fe 0000 01020304', 'more than it needs'],
        ['server', '82 7e 007e 00*126', 'not masked'],
        ['client', "83 01 'a'", 'reserved opcode'],
        ['client', "80 01 'a'", 'continue'],
      ] as const) {
        const strict = makeWhole(role);
        expect(() => strict.parser.parse(bytesOf(notation), 0), notation).to.throw(ProtocolError, words);
        expect(strict.calls, notation).to.deep.equal([]);
      }
    });

    it('may pause behind each of them', () => {
      const { parser, calls } = makeWhole('client', () => {
        parser.pause();
        return true;
      });
      const bytes = bytesOf("81 01 'a' 82 00");
      expect(parser.parse(bytes, 0)).to.equal(3);
      expect(parser.midMessage).to.equal(false);
      parser.resume();
      expect(parser.parse(bytes, 3)).to.equal(5);
      expect(calls).to.have.lengthOf(2);
    });
  });

  describe('midMessage', () => {
    it('follows frames and messages', () => {
      const { parser } = makeParser({ role: 'client' });
      const steps = [
        ['', false],
        ['01', true],
        ['01', true],
        ["'a'", true],
        ['89', true],
        ['01', true],
        ["'p'", true],
        ['80', true],
        ['00', false],
        ['89', true],
        ['01', true],
        ["'p'", false],
        ["82 02 'a'", true],
        ["'b'", false],
        ['88 00', false],
      ] as const;
      for (const [index, [notation, midMessage]] of steps.entries()) {
        parser.parse(bytesOf(notation), 0);
        expect(parser.midMessage, `behind step ${index}`).to.equal(midMessage);
      }
    });

    it('is false while the last call of a message is made', () => {
      const seen: boolean[] = [];
      const { parser } = makeParser({ role: 'client' }, (reader) => seen.push(reader.midMessage));
      parser.parse(bytesOf("81 01 'a' 89 00 01 00 80 00"), 0);
      expect(seen).to.deep.equal([true, false, false, true, true, true, false]);
    });
  });

  it('knows how many bytes a data frame has still to bring', () => {
    const { parser } = makeParser({ role: 'client' });
    const steps = [
      ['', 0],
      ['02', 0],
      ['05', 5],
      ["'ab'", 3],
      ["'cde'", 0],
      ["89 02 'p'", 0],
      ["'p' 80 04", 4],
      ["'fghi'", 0],
    ] as const;
    for (const [index, [notation, remaining]] of steps.entries()) {
      parser.parse(bytesOf(notation), 0);
      expect(parser.remainingPayload, `behind step ${index}`).to.equal(remaining);
    }
  });

  it("lets a sink's error through", () => {
    const error = new Error('from the sink');
    const { parser } = makeParser({ role: 'client' }, () => {
      throw error;
    });
    expect(() => parser.parse(bytesOf("81 01 'a'"), 0)).to.throw(error);
  });

  describe('errors', () => {
    const cases = [
      ['client', 'b1', 'ANTS_RESERVED_BITS', '0xb1'],
      ['client', '83', 'ANTS_RESERVED_OPCODE', '0x3'],
      ['client', '8f', 'ANTS_RESERVED_OPCODE', '0xf'],
      ['client', '09', 'ANTS_FRAGMENTED_CONTROL', 'FIN'],
      ['client', '89 7e', 'ANTS_CONTROL_TOO_LONG', '125'],
      ['client', '80', 'ANTS_UNEXPECTED_CONTINUATION', 'continuation'],
      ['client', '01 00 01', 'ANTS_EXPECTED_CONTINUATION', 'before the previous one was complete'],
      ['server', '81 01', 'ANTS_MASK_REQUIRED', 'client'],
      ['client', '81 81', 'ANTS_MASK_FORBIDDEN', 'server'],
      ['client', '82 7e 007d', 'ANTS_LENGTH_NOT_MINIMAL', '125 in 2 bytes'],
      ['client', '82 7f 000000000000ffff', 'ANTS_LENGTH_NOT_MINIMAL', '65535 in 8 bytes'],
      ['client', '82 7f 8000000000000000', 'ANTS_LENGTH_HIGH_BIT', 'highest bit'],
    ] as const;
    for (const [role, notation, code, words] of cases) {
      it(`${code} says what was wrong with ${notation}`, () => {
        const { parser } = makeParser({ role });
        expect(() => parser.parse(bytesOf(notation), 0))
          .to.throw(ProtocolError, words)
          .that.includes({ code, closeCode: 1002 });
      });
    }

    it('ANTS_MESSAGE_TOO_BIG tells of lengths beyond 2^53', () => {
      const { parser } = makeParser({ role: 'client' });
      expect(() => parser.parse(bytesOf('82 7f 0020000000000000'), 0))
        .to.throw(LimitError, '2^53')
        .that.includes({ code: 'ANTS_MESSAGE_TOO_BIG', closeCode: 1009 });
    });
  });
});
