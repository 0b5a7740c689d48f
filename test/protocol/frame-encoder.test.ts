import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import {
  type FrameKind,
  frameHeaderSize,
  maxHeaderSize,
  writeFrame,
  writeFrameHeader,
} from '#src/protocol/frame-encoder.js';
import { bytesOf } from '../vectors/notation.js';

const text: FrameKind = { opcode: 1, fin: true, rsv1: false };

/** The key of RFC 6455 section 5.7, 37 fa 21 3d, as a number. */
const key = 0x3d21fa37;

/** Payload length, the header without a mask and with one. */
const headers: readonly (readonly [length: number, unmasked: string, masked: string])[] = [
  [0, '81 00', '81 80 37fa213d'],
  [1, '81 01', '81 81 37fa213d'],
  [124, '81 7c', '81 fc 37fa213d'],
  [125, '81 7d', '81 fd 37fa213d'],
  [126, '81 7e 007e', '81 fe 007e 37fa213d'],
  [127, '81 7e 007f', '81 fe 007f 37fa213d'],
  [65534, '81 7e fffe', '81 fe fffe 37fa213d'],
  [65535, '81 7e ffff', '81 fe ffff 37fa213d'],
  [65536, '81 7f 0000000000010000', '81 ff 0000000000010000 37fa213d'],
  [65537, '81 7f 0000000000010001', '81 ff 0000000000010001 37fa213d'],
  [2 ** 32 - 1, '81 7f 00000000ffffffff', '81 ff 00000000ffffffff 37fa213d'],
  [2 ** 32, '81 7f 0000000100000000', '81 ff 0000000100000000 37fa213d'],
  [2 ** 53 - 1, '81 7f 001fffffffffffff', '81 ff 001fffffffffffff 37fa213d'],
];

describe('writeFrameHeader', () => {
  for (const [length, unmasked, masked] of headers) {
    for (const [name, notation, maskingKey] of [
      ['unmasked', unmasked, undefined],
      ['masked', masked, key],
    ] as const) {
      it(`writes a length of ${length}, ${name}, in the fewest bytes`, () => {
        const header = bytesOf(notation);
        const target = Buffer.alloc(20, 0xaa);
        expect(writeFrameHeader(target, 3, text, length, maskingKey)).to.equal(3 + header.length);
        expect(target.equals(Buffer.concat([bytesOf('aa*3'), header, bytesOf('aa*20')], 20))).to.equal(true);
        expect(frameHeaderSize(length, maskingKey !== undefined)).to.equal(header.length);
      });
    }
  }

  it('is never longer than maxHeaderSize', () => {
    expect(maxHeaderSize)
      .to.equal(frameHeaderSize(2 ** 53 - 1, true))
      .and.to.equal(14);
  });

  it('writes the first byte', () => {
    const first = (kind: FrameKind): number => {
      const target = Buffer.alloc(2);
      writeFrameHeader(target, 0, kind, 0, undefined);
      return target[0]!;
    };
    expect(first({ opcode: 0x0, fin: false, rsv1: false })).to.equal(0x00);
    expect(first({ opcode: 0x0, fin: true, rsv1: false })).to.equal(0x80);
    expect(first({ opcode: 0x2, fin: false, rsv1: true })).to.equal(0x42);
    expect(first({ opcode: 0x1, fin: true, rsv1: true })).to.equal(0xc1);
    expect(first({ opcode: 0xa, fin: true, rsv1: false })).to.equal(0x8a);
  });

  it('masks also with the key 0, and with keys above 31 bits', () => {
    const header = (maskingKey: number): string => {
      const target = Buffer.alloc(6);
      writeFrameHeader(target, 0, text, 0, maskingKey);
      return target.toString('hex');
    };
    expect(header(0)).to.equal('818000000000');
    expect(header(0x80000001)).to.equal('818001000080');
    expect(header(0x80000001 | 0)).to.equal('818001000080');
  });
});

describe('writeFrame', () => {
  it('writes the examples of RFC 6455 section 5.7', () => {
    const target = Buffer.alloc(11);
    const payload = Buffer.from('Hello');
    expect(writeFrame(target, 0, text, payload, undefined)).to.equal(7);
    expect(target.toString('hex', 0, 7)).to.equal('810548656c6c6f');
    expect(writeFrame(target, 0, text, payload, key)).to.equal(11);
    expect(target.toString('hex')).to.equal('818537fa213d7f9f4d5158');
  });

  for (const length of [0, 1, 63, 64, 125, 126, 65535, 65536]) {
    it(`reads ${length} bytes of the user and writes none of them`, () => {
      const memory = Buffer.alloc(length + 2, 0x5a);
      const payload = new Uint8Array(memory.buffer, memory.byteOffset + 1, length);
      for (const maskingKey of [undefined, key]) {
        const size = frameHeaderSize(length, maskingKey !== undefined) + length;
        const target = Buffer.alloc(size + 8, 0xaa);
        expect(writeFrame(target, 4, text, payload, maskingKey)).to.equal(size + 4);
        expect(target.subarray(0, 4).equals(bytesOf('aa*4')), 'in front').to.equal(true);
        expect(target.subarray(size + 4).equals(bytesOf('aa*4')), 'behind').to.equal(true);
        const written = target.subarray(size + 4 - length, size + 4);
        const unmasked = maskingKey === undefined ? 0x5a5a5a5a : 0x5a5a5a5a ^ maskingKey;
        const word = Buffer.alloc(4);
        word.writeInt32LE(unmasked);
        expect(written.equals(Buffer.alloc(length, word)), 'payload').to.equal(true);
      }
      expect(memory.equals(Buffer.alloc(length + 2, 0x5a)), "the user's memory").to.equal(true);
    });
  }

  it('takes no more of the memory below a payload than the payload', () => {
    const memory = Buffer.from('secret Hello secret');
    const target = Buffer.alloc(7);
    writeFrame(target, 0, text, memory.subarray(7, 12), undefined);
    expect(target.toString('latin1', 2)).to.equal('Hello');
  });
});
