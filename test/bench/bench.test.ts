import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { root } from '../house/root.js';

/** What a benchmark prints, whether it meets its bars or not: here is no place to measure. */
async function run(name: string, ...args: string[]): Promise<string> {
  const program = join(root, 'build', 'bench', `${name}.js`);
  try {
    return (await promisify(execFile)(process.execPath, [program, ...args])).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    expect(stderr).to.equal('');
    return stdout;
  }
}

describe('benchmarks run', () => {
  it('pressure', async function () {
    this.timeout(60_000);
    const output = await run('pressure', '--seconds', '0.2', '--share', '0.02');
    expect(output).to.match(/replies, in order +4000 of 4000 +all +ok/);
    expect(output).to.match(/replies, in order +1 of 1 +all +ok/);
  });

  it('churn: nothing is left of 504 connections that vanish in every state', async function () {
    this.timeout(60_000);
    const output = await run('churn', '--connections', '504');
    const [, opened] = /^504 connections vanished, in 21 states and 3 ways; (\d+) had been opened\n/.exec(
      output,
    )!;
    // 408 on a machine that is not too busy to answer in time.
    expect(Number(opened)).to.be.above(50);
    expect(output, output).to.match(/\nall of it is back where it was: ok\n$/);
  });

  it('idle', async function () {
    this.timeout(60_000);
    const output = await run('idle', '--connections', '20', '--interval', '100', '--window', '500');
    expect(output).to.match(/^20 of 20 idle connections/);
    expect(output).to.match(/beats: [1-9]\d* pings sent, [1-9]\d* answered/);
  });

  it('mask', async () => {
    expect(await run('mask')).to.match(/^another +1048576 +\d+ +\d+ +\d+\.\d\d$/m);
  });
});
