import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import type sinon from 'sinon';
import { fakeClock } from '../support/clock.js';
import { rawPair, record, settle } from '../support/connections.js';

type Warning = Error & { code?: string };

describe('connection: the warning of unread messages', () => {
  let clock: sinon.SinonFakeTimers;
  let warnings: Warning[];
  const note = (warning: Warning): void => {
    if (warning.code === 'ANTS_UNREAD_MESSAGES') warnings.push(warning);
  };

  beforeEach(() => {
    clock = fakeClock();
    warnings = [];
    process.on('warning', note);
  });

  afterEach(() => {
    process.off('warning', note);
    clock.restore();
  });

  /** A connection whose queue is full. */
  async function fill(): Promise<ReturnType<typeof rawPair>> {
    const pair = rawPair('server', { receiveQueueMessages: 4 });
    pair.peer.texts('1', '2', '3', '4', '5', '6');
    await settle();
    return pair;
  }

  const readers: Record<string, (pair: ReturnType<typeof rawPair>) => unknown> = {
    'a message is taken, which makes no room yet': ({ connection }) => connection.receive(),
    'a listener comes': ({ connection }) => record(connection),
    'messages are ignored': ({ connection }) => connection.ignoreMessages(),
    'the connection is terminated': ({ connection }) => connection.terminate(),
    'the connection is closed': ({ connection }) => void connection.close(),
  };
  for (const [name, read] of Object.entries(readers)) {
    it(`does not come when ${name}`, async () => {
      const pair = await fill();
      await clock.tickAsync(9_999);
      await read(pair);
      await settle();
      await clock.tickAsync(60_000);
      await settle();
      expect(warnings).to.be.empty;
    });
  }

  it('does not come while a loop is at work on a message, however slow', async () => {
    const { connection, peer } = rawPair('server', { receiveQueueMessages: 4 });
    connection.run(async () => {
      for await (const _ of connection) await new Promise((resolve) => setTimeout(resolve, 30_000));
    });
    peer.texts('1', '2', '3', '4', '5', '6');
    await settle();
    await clock.tickAsync(120_000);
    await settle();
    expect(warnings).to.be.empty;
  });

  it('does not come when the queue is not full', async () => {
    const { peer } = rawPair('server', { receiveQueueMessages: 4, heartbeatInterval: Infinity });
    peer.texts('1', '2', '3');
    await settle();
    await clock.tickAsync(60_000);
    await settle();
    expect(warnings).to.be.empty;
    expect(clock.countTimers()).to.equal(0);
  });

  it('comes once a process, when a full queue was not read for 10 seconds', async () => {
    const worker = new Worker(new URL('./unread-worker.js', import.meta.url), { stderr: true });
    const [result] = await once(worker, 'message');
    await once(worker, 'exit');
    expect(result).to.deep.include({ counts: [0, 1, 1], timers: 0 });
    expect(result.warnings[0]).to.include({ name: 'AntsWarning', code: 'ANTS_UNREAD_MESSAGES' });
    expect(result.warnings[0].message).to.match(/has 4 unread messages .* ignoreMessages\(\)/);
  });
});
