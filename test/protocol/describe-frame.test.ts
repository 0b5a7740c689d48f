import { expect } from 'chai';
import { describeFrame } from '#src/protocol/describe-frame.js';
import { Opcode } from '#src/protocol/opcode.js';

describe('describeFrame', () => {
  const cases: readonly [line: string, ...Parameters<typeof describeFrame>][] = [
    ['text, 5 bytes: "hello"', Opcode.Text, true, 5, Buffer.from('hello')],
    ['text, more to come, 1 byte: "h"', Opcode.Text, false, 1, Buffer.from('h')],
    ['continuation, 0 bytes', Opcode.Continuation, true, 0, Buffer.alloc(0)],
    [`text, 100 bytes: "${'x'.repeat(40)}"…`, Opcode.Text, true, 100, Buffer.alloc(100, 'x')],
    ['text, 100 bytes: "abc"…', Opcode.Text, true, 100, Buffer.from('abc')],
    ['binary, 3 bytes: 00ff0a', Opcode.Binary, true, 3, Buffer.of(0, 255, 10)],
    [`binary, 20 bytes: ${'07'.repeat(16)}…`, Opcode.Binary, true, 20, Buffer.alloc(20, 7)],
    ['ping, 2 bytes: 6869', Opcode.Ping, true, 2, Buffer.from('hi')],
    ['pong, 0 bytes', Opcode.Pong, true, 0, Buffer.alloc(0)],
    ['close, 0 bytes', Opcode.Close, true, 0, Buffer.alloc(0)],
    ['close, 1 byte: 03', Opcode.Close, true, 1, Buffer.of(3)],
    ['close, 2 bytes: 1000', Opcode.Close, true, 2, Buffer.of(3, 232)],
    ['close, 6 bytes: 1000 "done"', Opcode.Close, true, 6, Buffer.from('\x03\xe8done', 'latin1')],
    ['opcode 3, 0 bytes', 3, true, 0, Buffer.alloc(0)],
    [
      'text, 10 bytes: "\\u001b[2J\\n\\u009b\\u2028"',
      Opcode.Text,
      true,
      10,
      Buffer.from('\u001b[2J\n\u009b\u2028'),
    ],
  ];
  for (const [line, ...frame] of cases) {
    it(line.slice(0, 50), () => expect(describeFrame(...frame)).to.equal(line));
  }
});
