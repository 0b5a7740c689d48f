import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const script = fileURLToPath(new URL('../../bench/stream-echo.js', import.meta.url));

describe('bench: stream-echo', function () {
  this.timeout(60_000);

  it('meets its bar with a small message, and prints a table', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, '32']);
    expect(stdout).to.match(/^client +32 .*\nserver +32 .*\nmet\n$/m);
  });

  it('fails when it is asked for nonsense', async () => {
    const failed = await promisify(execFile)(process.execPath, [script, 'much']).catch((error) => error);
    expect(failed).to.have.property('code', 1);
  });
});
