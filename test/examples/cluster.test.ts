import { AntsError, type Connection, dial } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

/** A client, and the process that serves it. */
async function connect(url: string): Promise<{ conn: Connection; worker: number }> {
  const conn = await dial(url);
  const [, worker] = /^this is worker (\d+)$/.exec(String(await conn.receive()))!;
  return { conn, worker: Number(worker) };
}

describe('example: cluster', function () {
  this.timeout(60_000);
  afterEach(killAll);

  it('serves one port with several processes, and restarts them one after the other', async () => {
    const program = start('cluster', ['0', '2']);
    const [, url] = await program.line(/^listening on (\S+)/);
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(url!)));
    const old = new Set(clients.map(({ worker }) => worker));
    expect(old.size).to.equal(2);

    const ended = Promise.all(clients.map(({ conn }) => conn.closed));
    program.signal('SIGHUP');
    let isRestarting = true;
    const restarted = program.line(/^restarted$/).then(() => {
      isRestarting = false;
    });
    let refusals = 0;
    while (isRestarting) {
      try {
        const { conn } = await connect(url!);
        conn.terminate();
        refusals = 0;
      } catch (error) {
        // It came to a worker just as that one stopped. There is another one.
        expect(error).to.be.instanceOf(AntsError);
        expect(++refusals).to.be.below(10);
      }
    }
    await restarted;
    for (const info of await ended) expect(info).to.include({ code: 1012, wasClean: true });

    const again = await Promise.all(Array.from({ length: 8 }, () => connect(url!)));
    const young = new Set(again.map(({ worker }) => worker));
    expect(young.size).to.equal(2);
    for (const worker of young) expect(old.has(worker)).to.equal(false);
    for (const { conn } of again) {
      await conn.send('hello');
      expect(await conn.receive()).to.equal('hello');
    }

    const stopped = Promise.all(again.map(({ conn }) => conn.closed));
    expect(await program.interrupt()).to.deep.equal(inOrder);
    for (const info of await stopped) expect(info).to.include({ code: 1012, wasClean: true });
    expect(program.output).to.match(/stopped$/);
  });

  it('replaces a worker that died', async () => {
    const program = start('cluster', ['0', '2']);
    const [, url] = await program.line(/^listening on (\S+)/);
    const { conn, worker } = await connect(url!);
    process.kill(worker, 'SIGKILL');
    expect((await conn.closed).code).to.equal(1006);
    const [, next] = await program.line(/^worker (\d+) took its place$/);
    const others = await Promise.all(Array.from({ length: 4 }, () => connect(url!)));
    expect(others.map((other) => other.worker))
      .to.include(Number(next))
      .and.not.include(worker);
    for (const other of others) other.conn.terminate();
    program.signal('SIGTERM');
    expect(await program.exited).to.deep.equal(inOrder);
  });
});
