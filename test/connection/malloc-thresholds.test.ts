import { Buffer } from 'node:buffer';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import sinon from 'sinon';
import { MallocThresholds, mallocThresholds } from '#src/connection/malloc-thresholds.js';
import { connectedPair } from '#src/testing/index.js';

const KiB = 1024;
const MiB = 1024 * KiB;

const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
const isGlibc = header.glibcVersionRuntime !== undefined;
const freesAtOnce = 'transfer' in ArrayBuffer.prototype;

/** Page faults of ten times twenty blocks of 1 MiB that are freed together. */
const program = (prelude: string) => `
  ${prelude}
  const round = () => {
    const blocks = Array.from({ length: 20 }, () => Buffer.allocUnsafeSlow(${MiB}).fill(1));
    for (const { buffer } of blocks) buffer.transfer?.(0);
    blocks.length = 0;
    gc();
  };
  const faults = () => process.resourceUsage().minorPageFault;
  for (let i = 0; i < 5; i++) round();
  const before = faults();
  for (let i = 0; i < 10; i++) round();
  console.log(faults() - before);
`;

async function countFaults(prelude: string): Promise<number> {
  const code = program(prelude);
  // Thresholds of the environment would be stronger than the hint.
  const env = { PATH: process.env['PATH'] };
  const flags = ['--expose-gc', '--input-type=module', '-e'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, code], { env });
  return Number(stdout);
}

describe('memory of messages that are gone', () => {
  afterEach(() => sinon.restore());

  it('is kept from 64 MiB on, by one block that is freed at once, once', () => {
    const allocate = sinon.spy(Buffer, 'allocUnsafeSlow');
    const memory = new MallocThresholds();
    for (let i = 0; i < 16_383; i++) memory.countRead(4 * KiB);
    expect(allocate.callCount).to.equal(0);
    for (let i = 0; i < 5000; i++) memory.countRead(32 * KiB);
    expect(allocate.args).to.deep.equal([[32 * MiB - 128 * KiB]]);
    const block = allocate.returnValues[0]!;
    expect(block.length).to.equal(freesAtOnce ? 0 : 32 * MiB - 128 * KiB);
  });

  it('is none of our business where little is read at once', () => {
    const allocate = sinon.spy(Buffer, 'allocUnsafeSlow');
    const memory = new MallocThresholds();
    for (let i = 0; i < 20_000; i++) memory.countRead(4 * KiB - 1);
    expect(allocate.callCount).to.equal(0);
  });

  it('is not kept where there is none to spare', () => {
    const allocate = sinon.stub(Buffer, 'allocUnsafeSlow');
    allocate.throws(new RangeError('Array buffer allocation failed'));
    new MallocThresholds().countRead(64 * MiB);
    expect(allocate.callCount).to.equal(1);
  });

  it('is counted by whoever reads', async () => {
    const count = sinon.stub(mallocThresholds, 'countRead');
    const { client, server } = connectedPair();
    const message = server.receive();
    await client.send('x'.repeat(5000));
    await message;
    expect(count.args.flat()).to.include(5008);
    client.terminate();
    server.terminate();
  });

  // Where the C library is another one, there is nothing to count.
  if (isGlibc)
    it('costs no page faults again with the allocator of glibc', async () => {
      const url = import.meta.resolve('#src/connection/malloc-thresholds.js');
      const raise = `(new (await import('${url}')).MallocThresholds()).countRead(${64 * MiB}); gc();`;
      const faults = await countFaults(raise);
      // A quarter of what new pages of 4 KiB would cost.
      expect(faults).to.be.below((10 * 20 * 256) / 4);
      // Node 20 has no `transfer`, and when its collector's threads free a block is up to them.
      if (freesAtOnce) expect(await countFaults(''), 'without').to.be.above(faults * 3);
    });
});
