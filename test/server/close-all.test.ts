import { dial, serve, Upgrader } from 'ants-ws';
import { expect } from 'chai';
import { Harness, rejection } from './harness.js';

const closeFrame = Buffer.from('888000000000', 'hex');

describe('server: close', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(() => harness.stop());

  it('tells how many ended in order, were cut, and were refused', async () => {
    const upgrader = new Upgrader<unknown>({
      authorize: ({ url }) => (url === '/wait' ? new Promise(() => {}) : undefined),
    });
    const polite = [await harness.upgrade(upgrader), await harness.upgrade(upgrader)];
    const silent = await harness.upgrade(upgrader);
    for (const { upgraded } of [...polite, silent]) await upgraded;
    const waiting = await harness.upgrade(upgrader, { url: '/wait' });
    const closed = upgrader.close({ timeout: 50 });
    for (const { client } of polite) client.write(closeFrame);
    expect(await closed).to.deep.equal({ clean: 2, cut: 1, refused: 1 });
    expect(await rejection(waiting.upgraded)).to.have.property('status', 503);
    expect((await (await silent.upgraded).closed).error?.cause).to.have.property(
      'code',
      'ANTS_CLOSE_TIMEOUT',
    );
    expect(await upgrader.close()).to.deep.equal({ clean: 0, cut: 0, refused: 0 });
  });

  it('refuses options that it does not know', async () => {
    const upgrader = new Upgrader();
    const server = await serve({ host: '127.0.0.1' }, () => {});
    for (const closing of [upgrader, server]) {
      const error = await rejection(closing.close({ timout: 5 } as object));
      expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('"timeout"');
    }
    expect(await server.close()).to.deep.equal({ clean: 0, cut: 0, refused: 0 });
  });

  it('is what the end of a block does to an Upgrader', async () => {
    const upgrader = new Upgrader();
    const { client, upgraded } = await harness.upgrade(upgrader);
    const connection = await upgraded;
    const disposed = upgrader[Symbol.asyncDispose]();
    client.write(closeFrame);
    expect(await disposed).to.equal(undefined);
    expect((await connection.closed).wasClean).to.equal(true);
    expect(upgrader.connections.size).to.equal(0);
  });

  it('lets a handler answer the message that it is at work on', async () => {
    let isAtWork!: () => void;
    const atWork = new Promise<void>((resolve) => {
      isAtWork = resolve;
    });
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const server = await serve({ host: '127.0.0.1' }, async (conn) => {
      for await (const message of conn) {
        isAtWork();
        await finished;
        await conn.send(`done: ${message}`);
      }
    });
    const client = await dial(server.url);
    await client.send('work');
    await atWork;
    const closed = server.close();
    finish();
    expect(await client.receive()).to.equal('done: work');
    expect(await client.closed).to.include({ code: 1001, wasClean: true });
    expect(await closed).to.deep.equal({ clean: 1, cut: 0, refused: 0 });
  });

  it('gives up on a handler that does not come back when half of the time is over', async () => {
    const server = await serve({ host: '127.0.0.1' }, async (conn) => {
      for await (const _ of conn) await new Promise(() => {});
    });
    const client = await dial(server.url);
    await client.send('work');
    await new Promise((resolve) => setTimeout(resolve, 10));
    const closed = server.close({ timeout: 200 });
    expect(await client.closed).to.include({ code: 1001, wasClean: true });
    expect(await closed).to.deep.equal({ clean: 1, cut: 0, refused: 0 });
  });
});
