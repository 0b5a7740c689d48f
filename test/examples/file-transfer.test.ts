import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dial } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

describe('example: file transfer', function () {
  this.timeout(30_000);
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ants-example-'));
  });

  afterEach(async () => {
    await killAll();
    await rm(folder, { recursive: true });
  });

  it('sends a file, which is kept once and not overwritten', async () => {
    const server = start('file-transfer', ['serve', folder, '0']);
    const url = await server.url();
    const content = Buffer.alloc(3 * 1024 * 1024, 'ants ');
    const source = await mkdtemp(join(tmpdir(), 'ants-example-'));
    try {
      await writeFile(join(source, 'a.bin'), content);
      const first = start('file-transfer', ['send', join(source, 'a.bin'), url]);
      expect(await first.exited).to.deep.equal(inOrder);
      expect(first.output).to.match(/100 %\nkept 3145728 bytes$/);
      const second = start('file-transfer', ['send', join(source, 'a.bin'), url]);
      expect(await second.exited).to.deep.equal(inOrder);
      expect(second.output).to.match(/could not keep it$/);
    } finally {
      await rm(source, { recursive: true });
    }
    expect(await readdir(folder)).to.deep.equal(['a.bin']);
    expect((await readFile(join(folder, 'a.bin'))).equals(content)).to.equal(true);
    await server.line(/^could not receive a.bin: .*is there already/);

    const rude = await dial(url);
    rude.send('../../etc/passwd');
    expect(await rude.closed).to.include({ code: 1008, reason: 'that is no name for a file' });
    expect(await server.interrupt()).to.deep.equal(inOrder);
  });
});
