import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

describe('example: testing', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('passes its own tests', async () => {
    const program = start('testing');
    expect(await program.exited, program.output).to.deep.equal(inOrder);
    expect(program.output)
      .to.match(/\bpass 4\b/)
      .and.to.match(/\bfail 0\b/);
  });
});
