import { writeFileSync } from 'node:fs';
import fs, { mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CloseError, type FileProgress } from 'ants-ws';
import { expect } from 'chai';
import sinon from 'sinon';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { outcome, rawPair, settle } from '../support/connections.js';

const KiB = 1024;

describe('files', () => {
  let folder: string;
  const inFolder = (name: string): string => join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ants-files-'));
  });

  afterEach(async () => {
    sinon.restore();
    await rm(folder, { recursive: true });
  });

  it('go from one end to the other, with their progress', async () => {
    const content = Buffer.alloc(1000 * KiB + 7, 'ants ');
    await writeFile(inFolder('from'), content);
    const { client, server } = connectedPair();
    const sent: FileProgress[] = [];
    const received: FileProgress[] = [];
    const [bytesSent, bytesReceived] = await Promise.all([
      client.sendFile(inFolder('from'), { onProgress: (progress) => sent.push(progress) }),
      server.receiveFile(inFolder('to'), { onProgress: (progress) => received.push(progress) }),
    ]);
    expect([bytesSent, bytesReceived]).to.deep.equal([content.length, content.length]);
    expect((await readFile(inFolder('to'))).equals(content)).to.equal(true);
    expect(sent.at(-1)).to.deep.equal({ bytes: content.length, total: content.length });
    expect(sent.length).to.be.above(10);
    expect(received.at(-1)).to.deep.equal({ bytes: content.length, total: undefined });
    expect(await readdir(folder)).to.have.members(['from', 'to']);
  });

  it('tell the size of all where it comes in one frame', async () => {
    const { client, server } = connectedPair();
    const received: FileProgress[] = [];
    void client.send(Buffer.alloc(200 * KiB));
    await server.receiveFile(inFolder('to'), { onProgress: (progress) => received.push(progress) });
    expect(received.at(-1)).to.deep.equal({ bytes: 200 * KiB, total: 200 * KiB });
    const waiting = server.receiveFile(inFolder('next'), {
      onProgress: (progress) => received.push(progress),
    });
    void client.send(Buffer.alloc(300 * KiB));
    await waiting;
    expect(received.at(-1)).to.deep.equal({ bytes: 300 * KiB, total: 300 * KiB });
    expect(received.filter(({ total }) => total === 300 * KiB).length).to.be.above(0);
  });

  it('may be URLs, text, empty, and handles, which stay open', async () => {
    await writeFile(inFolder('text'), 'a\u20ac');
    await writeFile(inFolder('empty'), '');
    const { client, server } = connectedPair();
    const handle = await open(inFolder('text'));
    try {
      await handle.read(Buffer.alloc(1));
      expect(await client.sendFile(handle)).to.equal(4);
      expect(await client.sendFile(handle, { type: 'text', fragmentSize: 2 })).to.equal(4);
      expect(await client.sendFile(pathToFileURL(inFolder('empty')))).to.equal(0);
      expect((await handle.stat()).size).to.equal(4);
    } finally {
      await handle.close();
    }
    expect(await server.receive()).to.deep.equal(Buffer.from('a\u20ac'));
    const url = pathToFileURL(inFolder('copy'));
    expect(await server.receiveFile(url)).to.equal(4);
    expect(await readFile(url, 'utf8')).to.equal('a\u20ac');
    expect(await server.receiveFile(inFolder('nothing'))).to.equal(0);
    expect(await readFile(inFolder('nothing'), 'utf8')).to.equal('');
  });

  it('that cannot be read are not sent, and leave their place to the next message', async () => {
    const { client, server } = connectedPair();
    const missing = outcome(client.sendFile(inFolder('missing')));
    const directory = outcome(client.sendFile(folder));
    void client.send('next');
    expect(await missing).to.have.property('code', 'ENOENT');
    expect(await directory).to.have.property('code', 'EISDIR');
    expect(await server.receive()).to.equal('next');
  });

  it('may be sent without a look at the promise', async () => {
    const unhandled = sinon.fake();
    process.on('unhandledRejection', unhandled);
    try {
      const { client } = connectedPair();
      void client.sendFile(inFolder('missing'));
      await client.send('next');
      await outcome(client.sendFile(inFolder('missing')));
      await settle();
      expect(unhandled.called).to.equal(false);
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  it('that shrink in the middle are never sent as if they were whole', async () => {
    await writeFile(inFolder('log'), Buffer.alloc(100 * KiB));
    const { client, server } = connectedPair();
    const handle = await open(inFolder('log'), 'r+');
    const received = outcome(server.receiveFile(inFolder('to')));
    const sent = await outcome(
      client.sendFile(handle, {
        fragmentSize: 10 * KiB,
        onProgress: ({ bytes }) => {
          if (bytes === 20 * KiB) void handle.truncate(30 * KiB);
        },
      }),
    );
    await handle.close();
    expect(sent).to.have.property('code', 'ANTS_FILE_SHRANK');
    expect(await received).to.be.instanceOf(CloseError);
    expect(await readdir(folder)).to.deep.equal(['log']);
  });

  it('are not overwritten unless asked, also when they come up meanwhile', async () => {
    const { client, server } = connectedPair();
    await writeFile(inFolder('there'), 'old');
    await symlink(inFolder('nowhere'), inFolder('link'));
    for (const name of ['there', 'link']) {
      void client.send('new');
      expect(await outcome(server.receiveFile(inFolder(name)))).to.have.property('code', 'ANTS_FILE_EXISTS');
    }
    const meanwhile = outcome(
      server.receiveFile(inFolder('meanwhile'), {
        onProgress: () => void writeFile(inFolder('meanwhile'), 'theirs'),
      }),
    );
    async function* slowly() {
      yield 'ours';
      // Until the other one is there.
      while (!(await readdir(folder)).includes('meanwhile')) await settle();
      yield 'more';
    }
    await client.sendStream(slowly());
    expect(await meanwhile).to.have.property('code', 'ANTS_FILE_EXISTS');
    void client.send('new');
    await server.receiveFile(inFolder('there'), { overwrite: true });
    expect(await readFile(inFolder('there'), 'utf8')).to.equal('new');
    expect(await readFile(inFolder('meanwhile'), 'utf8')).to.equal('theirs');
    expect((await readdir(folder)).sort()).to.deep.equal(['link', 'meanwhile', 'there']);
    expect(server.state).to.equal('open');
  });

  it('leave nothing behind when the transfer fails', async () => {
    const controller = new AbortController();
    const cases = [
      { options: {}, end: (pair: ReturnType<typeof rawPair>) => pair.peer.reset() },
      { options: { signal: controller.signal }, end: () => controller.abort(new Error('enough')) },
      {
        options: { maxSize: 8 },
        end: (pair: ReturnType<typeof rawPair>) => pair.peer.frame(Opcode.Continuation, 'too much for it'),
      },
    ];
    for (const { options, end } of cases) {
      const pair = rawPair('server');
      let begun: (() => void) | undefined;
      const progress = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const received = outcome(
        pair.connection.receiveFile(inFolder('to'), { ...options, onProgress: begun }),
      );
      pair.peer.frame(Opcode.Binary, 'part', false);
      await progress;
      expect((await readdir(folder))[0]).to.match(/^\.to\.[0-9a-f]{24}\.part$/);
      end(pair);
      pair.peer.end();
      expect(await received).to.be.instanceOf(Error);
      expect(await readdir(folder)).to.deep.equal([]);
    }
  });

  it('that cannot be written are skipped', async () => {
    const { client, server } = connectedPair();
    void client.send('lost');
    void client.send('next');
    expect(await outcome(server.receiveFile(join(folder, 'no', 'such', 'folder')))).to.have.property(
      'code',
      'ENOENT',
    );
    expect(await server.receive()).to.equal('next');
    void client.send('directory');
    expect(await outcome(server.receiveFile(folder, { overwrite: true }))).to.be.instanceOf(Error);
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it('are kept also where the file system has no links, and still replace nothing', async () => {
    const { client, server } = connectedPair();
    sinon.stub(fs, 'link').rejects(Object.assign(new Error('no links here'), { code: 'EPERM' }));
    void client.send('one');
    expect(await server.receiveFile(inFolder('to'))).to.equal(3);
    expect(await readFile(inFolder('to'), 'utf8')).to.equal('one');

    void client.send('two');
    const options = { onProgress: () => writeFileSync(inFolder('late'), 'theirs') };
    expect(await outcome(server.receiveFile(inFolder('late'), options))).to.have.property(
      'code',
      'ANTS_FILE_EXISTS',
    );
    expect(await readFile(inFolder('late'), 'utf8')).to.equal('theirs');

    void client.send('three');
    sinon.stub(fs, 'rename').rejects(Object.assign(new Error('no'), { code: 'EIO' }));
    expect(await outcome(server.receiveFile(inFolder('bad')))).to.have.property('code', 'EIO');
    expect((await readdir(folder)).sort()).to.deep.equal(['late', 'to']);
  });

  it('fail with the error of the file system where nothing can be written in the end', async () => {
    const { client, server } = connectedPair();
    const broken = (code: string) => Object.assign(new Error(code), { code });
    sinon.stub(fs, 'link').rejects(broken('EPERM'));
    const open = sinon.stub(fs, 'open').callThrough();
    open.withArgs(inFolder('to')).rejects(broken('EROFS'));
    void client.send('one');
    expect(await outcome(server.receiveFile(inFolder('to')))).to.have.property('code', 'EROFS');
    sinon.stub(fs, 'lstat').rejects(broken('EACCES'));
    void client.send('two');
    expect(await outcome(server.receiveFile(inFolder('to')))).to.have.property('code', 'EACCES');
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it('take their turn when they are asked for', async () => {
    const { client, server } = connectedPair();
    const first = server.receiveFile(inFolder('first'));
    const second = server.receive();
    void client.send('one');
    void client.send('two');
    expect([await first, await second]).to.deep.equal([3, 'two']);
    expect(await readFile(inFolder('first'), 'utf8')).to.equal('one');
  });
});
