import { expect } from 'chai';
import { connectedPair } from '#src/testing/connected-pair.js';
import { TestClock } from '#src/testing/test-clock.js';
import { outcome, record, settle } from '../support/connections.js';

/** A promise to be resolved from outside. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe('connection: close with grace', () => {
  it('lets a loop answer the messages that are here, and closes behind them', async () => {
    const { client, server } = connectedPair();
    const { messages } = record(client);
    const work = gate();
    const loop = (async () => {
      for await (const message of server) {
        await work.passed;
        await server.send(`${message}!`);
      }
    })();
    for (const message of ['a', 'b', 'c']) void client.send(message);
    await settle();
    const closed = server.close(1001, 'bye', { grace: 1000 });
    await settle();
    expect(server.state).to.equal('open');
    work.open();
    expect(await closed).to.include({ code: 1001, wasClean: true });
    expect(messages).to.deep.equal(['a!', 'b!', 'c!']);
    expect(await client.closed).to.include({ code: 1001, reason: 'bye' });
    expect(await outcome(loop)).to.equal(undefined);
  });

  it('waits for a stream that is being read, and for consume', async () => {
    const { client, server } = connectedPair();
    const { messages } = record(client);
    const work = gate();
    const consumed = server.consume(
      async (message) => {
        await work.passed;
        await server.send(message);
      },
      { concurrency: 2 },
    );
    for (const message of ['a', 'b', 'c']) void client.send(message);
    await settle();
    void server.close(1001, '', { grace: 1000 });
    await settle();
    expect(server.state).to.equal('open');
    work.open();
    await consumed;
    await client.closed;
    expect(messages).to.deep.equal(['a', 'b', 'c']);

    const streamed = connectedPair();
    void streamed.client.send('x'.repeat(100));
    const stream = await streamed.server.receiveStream();
    void streamed.server.close(1001, '', { grace: 1000 });
    await settle();
    expect(streamed.server.state).to.equal('open');
    let text = '';
    for await (const part of stream) text += part;
    expect(text).to.have.lengthOf(100);
    expect(await streamed.server.closed).to.include({ code: 1001, wasClean: true });
  });

  it('waits for nobody who does not read, or only waits', async () => {
    for (const read of ['nobody', 'a listener', 'a waiting loop', 'receive'] as const) {
      const { client, server } = connectedPair();
      if (read === 'a listener') record(server);
      if (read === 'a waiting loop') void outcome(server.consume(() => {}));
      if (read === 'receive' || read === 'nobody') void client.send('unread');
      await settle();
      if (read === 'receive') await server.receive();
      const closed = server.close(1001, '', { grace: 1000 });
      expect(server.state, read).to.equal('closing');
      await closed;
    }
  });

  it('waits no longer than it was told, and leaves no timer behind', async () => {
    const clock = new TestClock();
    const { client, server } = connectedPair({ clock, client: { heartbeatInterval: Infinity } });
    const loop = (async () => {
      for await (const _ of server) await new Promise(() => {});
    })();
    void client.send('a');
    await clock.settle();
    const closed = server.close(1001, '', { grace: 300 });
    await clock.advance(299);
    expect(server.state).to.equal('open');
    await clock.advance(1);
    expect((await closed).code).to.equal(1001);
    expect(clock.timers).to.equal(0);
    void loop;
  });

  it('is over when the connection ends otherwise, or is closed again without it', async () => {
    for (const end of ['cut', 'close', 'peer'] as const) {
      const clock = new TestClock();
      const { client, server, cut } = connectedPair({ clock });
      const work = gate();
      const loop = server.consume(() => work.passed);
      void client.send('a');
      await clock.settle();
      const closed = server.close(1001, '', { grace: 300_000 });
      const again = server.close(1012, '', { grace: 300_000 });
      await clock.settle();
      expect(server.state).to.equal('open');
      if (end === 'cut') cut();
      if (end === 'close') void server.close(1000);
      if (end === 'peer') void client.close(3000);
      await clock.settle();
      work.open();
      const code = { cut: 1006, close: 1000, peer: 3000 }[end];
      expect(await closed).to.equal(await again);
      expect((await closed).code, end).to.equal(code);
      await outcome(loop);
      await client.closed;
      expect(clock.timers).to.equal(0);
    }
  });

  it('is a number of milliseconds', async () => {
    const { server } = connectedPair();
    expect(() => server.close(1000, '', { grace: -1 })).to.throw(TypeError, /grace/);
    expect(server.state).to.equal('open');
    await server.close(1000, '', { grace: Infinity });
  });
});
