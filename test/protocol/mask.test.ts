import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import sinon from 'sinon';
import { applyMask, maskInto, moveMasked } from '#src/protocol/mask.js';
import { makeMaskKernel } from '#src/protocol/mask-simd.js';
import { collectGarbage } from '../support/garbage.js';

const key = 0x80c1e237 | 0;
const keyBytes = [0x37, 0xe2, 0xc1, 0x80];

/** Around the sizes where the work is done in another way. */
const sizes = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 63, 64, 65, 71, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105,
  127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 1000,
];

/** The sizes that the kernel is for, which takes 64 bytes a turn and 64 KiB a piece. */
const largeSizes = [16383, 16384, 16385, 16399, 16400, 16447, 16448, 65535, 65536, 65537, 131072, 200_001];

describe('maskInto', () => {
  it('masks every small size from every alignment, and leaves the bytes as they are', () => {
    for (let size = 0; size <= 64; size++) {
      for (let start = 0; start < 4; start++) {
        const bytes = counting(start + size + 9);
        const target = new Uint8Array(size);
        maskInto(target, bytes, start, key);
        const expected = naive(bytes, start, start + size, 0).subarray(start, start + size);
        expect(expected.equals(target), `size ${size}, start ${start}`).to.equal(true);
        expect(bytes.equals(counting(bytes.length))).to.equal(true);
      }
    }
  });

  it('copies when the key is 0', () => {
    const target = new Uint8Array(19);
    maskInto(target, counting(40), 5, 0);
    expect(counting(40).subarray(5, 24).equals(target)).to.equal(true);
  });
});

describe('applyMask', () => {
  for (const phase of [0, 1, 2, 3]) {
    it(`masks every size at every alignment and touches nothing else, phase ${phase}`, () => {
      for (const size of sizes) {
        for (let offset = 0; offset < 8; offset++) {
          for (let start = 0; start < 4; start++) {
            const all = counting(offset + start + size + 9);
            const expected = naive(all, offset + start, offset + start + size, phase);
            applyMask(all.subarray(offset), start, start + size, key, phase);
            expect(all.equals(expected), `size ${size}, offset ${offset}, start ${start}`).to.equal(true);
          }
        }
      }
    });
  }

  for (const [how, load] of [
    ['with the kernel', async () => applyMask],
    ['where there is no WebAssembly', () => maskWith('none', undefined)],
    ['where WebAssembly has no SIMD', () => maskWith('refusing', { Module: refusing, Instance: refusing })],
  ] as const) {
    it(`masks large sizes at every alignment and touches nothing else, ${how}`, async () => {
      const apply = await load();
      for (const size of largeSizes) {
        for (let offset = 0; offset < 8; offset++) {
          const phase = (offset + size) % 4;
          const all = counting(offset + 1 + size + 70);
          const expected = naive(all, offset + 1, offset + 1 + size, phase);
          apply(all.subarray(offset), 1, 1 + size, key, phase);
          expect(all.equals(expected), `size ${size}, offset ${offset}`).to.equal(true);
        }
      }
    });
  }

  it('masks into another buffer at every size and alignment, and touches nothing else there', () => {
    for (const size of [65, 95, 96, 127, 128, 1000, ...largeSizes]) {
      for (let offset = 0; offset < 8; offset++) {
        const bytes = counting(offset + size + 10);
        const expected = naive(bytes, offset, offset + size, 0).subarray(offset, offset + size);
        const all = counting(size + 20);
        moveMasked(all.subarray(5, 5 + size), bytes, offset, key);
        expect(all.subarray(5, 5 + size).equals(expected), `size ${size}, offset ${offset}`).to.equal(true);
        const around = Buffer.concat([all.subarray(0, 5), all.subarray(5 + size)]);
        const before = counting(size + 20);
        expect(around.equals(Buffer.concat([before.subarray(0, 5), before.subarray(5 + size)]))).to.equal(
          true,
        );
      }
    }
  });

  it('has a kernel here', () => {
    expect(makeMaskKernel()).to.be.a('function');
  });

  it('looks for a kernel once, when the first large payload comes', async () => {
    const mask = await freshMask('counted');
    const Module = sinon.spy(refusing);
    withWebAssembly({ Module, Instance: refusing }, () => {
      mask(new Uint8Array(1000), 0, 1000, key, 0);
      expect(Module.callCount).to.equal(0);
      for (let i = 0; i < 3; i++) mask(new Uint8Array(100_000), 0, 100_000, key, 0);
      expect(Module.callCount).to.equal(1);
    });
  });

  it('keeps no large buffer alive', async () => {
    const masked = (() => {
      const bytes = new Uint8Array(1_000_000);
      applyMask(bytes, 0, 1000, key, 0);
      return new WeakRef(bytes.buffer);
    })();
    // What a WeakRef was made for lives on until the end of the task.
    await setImmediate();
    collectGarbage();
    expect(masked.deref()).to.equal(undefined);
  });

  it('takes any phase modulo 4, also beyond 32 bits', () => {
    for (const phase of [4, 5, 1022, 1023, 2 ** 32 + 3, 2 ** 40 + 2, 2 ** 53 - 1]) {
      const bytes = counting(100);
      const expected = naive(bytes, 0, 100, phase % 4);
      applyMask(bytes, 0, 100, key, phase);
      expect(bytes.equals(expected), `phase ${phase}`).to.equal(true);
    }
  });

  it('takes a key as a signed or as an unsigned number', () => {
    for (const size of [10, 100]) {
      const signed = counting(size);
      const unsigned = counting(size);
      applyMask(signed, 0, size, key, 1);
      applyMask(unsigned, 0, size, key >>> 0, 1);
      expect(signed.equals(unsigned)).to.equal(true);
      expect(signed.equals(naive(counting(size), 0, size, 1))).to.equal(true);
    }
  });

  it('undoes itself', () => {
    const bytes = counting(777);
    applyMask(bytes, 3, 770, key, 2);
    expect(bytes.equals(counting(777))).to.equal(false);
    applyMask(bytes, 3, 770, key, 2);
    expect(bytes.equals(counting(777))).to.equal(true);
  });

  it('masks in parts as in one go', () => {
    for (const cut of [1, 2, 3, 63, 64, 65, 66, 67, 200]) {
      const bytes = counting(300);
      applyMask(bytes, 0, cut, key, 0);
      applyMask(bytes, cut, 300, key, cut);
      expect(bytes.equals(naive(counting(300), 0, 300, 0)), `cut at ${cut}`).to.equal(true);
    }
  });

  it('follows from one buffer to the next and back', () => {
    const buffers = [counting(100), counting(200), counting(300 * 1024), counting(100)];
    for (let round = 0; round < 2; round++) {
      for (const bytes of buffers) {
        const expected = naive(bytes, 1, bytes.length, 0);
        applyMask(bytes, 1, bytes.length, key, 0);
        expect(bytes.equals(expected), `${bytes.length} bytes, round ${round}`).to.equal(true);
      }
    }
  });

  it('masks megabytes', () => {
    const bytes = counting(3 * 1024 * 1024 + 5);
    const expected = naive(bytes, 2, bytes.length - 1, 3);
    applyMask(bytes, 2, bytes.length - 1, key, 3);
    expect(bytes.equals(expected)).to.equal(true);
  });

  it('masks behind the first 2 GiB of a buffer, where offsets do not fit into 31 bits', () => {
    // Only the pages that are touched take memory.
    const huge = new Uint8Array(2 ** 31 + 200);
    const tail = Buffer.from(huge.buffer, 2 ** 31 - 100);
    counting(tail.length).copy(tail);
    const expected = naive(tail, 10, tail.length - 10, 1);
    applyMask(huge, 2 ** 31 - 90, 2 ** 31 + 190, key, 1);
    expect(tail.equals(expected)).to.equal(true);
  });
});

/** What an engine without the instructions does with the module. */
function refusing(): void {
  throw new Error('CompileError: no SIMD');
}

/** The function as where nothing was masked yet; the name tells the copies of its module apart. */
async function freshMask(name: string): Promise<typeof applyMask> {
  const url = new URL(`../../../dist/protocol/mask.js?${name}`, import.meta.url);
  return ((await import(url.href)) as { applyMask: typeof applyMask }).applyMask;
}

/** Runs something in an engine that has this for WebAssembly. */
function withWebAssembly(value: unknown, run: () => void): void {
  const sandbox = sinon.createSandbox();
  try {
    sandbox.stub(globalThis as unknown as { WebAssembly: unknown }, 'WebAssembly').value(value);
    run();
  } finally {
    sandbox.restore();
  }
}

/** The function that has looked for its kernel in such an engine. */
async function maskWith(name: string, value: unknown): Promise<typeof applyMask> {
  const mask = await freshMask(name);
  withWebAssembly(value, () => mask(new Uint8Array(100_000), 0, 100_000, key, 0));
  return mask;
}

function counting(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 7 + 3) & 0xff;
  return bytes;
}

/** RFC 6455 section 5.3, word by word. */
function naive(bytes: Buffer, start: number, end: number, phase: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = start; i < end; i++) copy[i]! ^= keyBytes[(i - start + phase) % 4]!;
  return copy;
}
