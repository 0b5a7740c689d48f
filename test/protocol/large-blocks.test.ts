import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import sinon from 'sinon';
import { makeBlock } from '#src/protocol/large-blocks.js';
import { collectGarbage } from '../support/garbage.js';

const KiB = 1024;

describe('large blocks', () => {
  afterEach(() => sinon.restore());

  /** The blocks that are made from now on, without keeping them. Large ones have no bytes, as V8 would collect between any two of them. */
  function watchBlocks(): { size: number; block: WeakRef<Buffer> }[] {
    const made: { size: number; block: WeakRef<Buffer> }[] = [];
    const allocate = Buffer.allocUnsafeSlow.bind(Buffer);
    sinon.replace(Buffer, 'allocUnsafeSlow', (size: number) => {
      const block = allocate(size > 64 * KiB ? 0 : size);
      made.push({ size, block: new WeakRef(block) });
      return block;
    });
    return made;
  }

  it('are as long as was asked for', () => {
    for (const size of [0, 1, 64 * KiB, 128 * KiB, 1024 * KiB])
      expect(makeBlock(size)).to.have.lengthOf(size);
  });

  it('have an anchor behind every MiB, and small ones none', () => {
    makeBlock(1024 * KiB);
    const made = watchBlocks();
    const sizes = () => made.splice(0).map(({ size }) => size / KiB);
    for (let i = 0; i < 100; i++) makeBlock(127 * KiB);
    expect(new Set(sizes())).to.deep.equal(new Set([127]));
    for (let i = 0; i < 6; i++) makeBlock(256 * KiB);
    expect(sizes()).to.deep.equal([256, 256, 256, 256, 64, 256, 256]);
    makeBlock(4096 * KiB);
    makeBlock(1024 * KiB);
    expect(sizes()).to.deep.equal([4096, 64, 1024, 64]);
  });

  it('are made also where there is no memory for an anchor', () => {
    const allocate = Buffer.allocUnsafeSlow.bind(Buffer);
    let refused = 0;
    sinon.replace(Buffer, 'allocUnsafeSlow', (size: number) => {
      if (size !== 64 * KiB) return allocate(size);
      refused++;
      throw new RangeError('Array buffer allocation failed');
    });
    expect(makeBlock(1024 * KiB)).to.have.lengthOf(1024 * KiB);
    expect(refused).to.equal(1);
  });

  it('keep their anchors until a collection finds that none was made since the one before', async () => {
    const collect = async () => {
      // What a WeakRef has told of lives until the turn is over, and the end of a collection is told in a task.
      await new Promise(setImmediate);
      collectGarbage();
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    };
    makeBlock(1024 * KiB);
    const made = watchBlocks();
    for (let i = 0; i < 200; i++) makeBlock(1024 * KiB);
    const kept = () =>
      made.filter(({ size, block }) => size === 64 * KiB && block.deref() !== undefined).length;
    await collect();
    expect(kept()).to.equal(64);
    makeBlock(1024 * KiB);
    await collect();
    expect(kept(), 'after another one').to.equal(64);
    await collect();
    await collect();
    expect(kept()).to.equal(0);
    expect(made.filter(({ size, block }) => size > 64 * KiB && block.deref() !== undefined)).to.deep.equal(
      [],
    );
  });
});
