import { expect } from 'chai';
import { CloseError, UsageError } from '#src/errors.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { outcome, rawPair, roles, settle } from '../support/connections.js';
import { watchSignal } from '../support/signals.js';

function expectMisuse(error: unknown, what: RegExp): void {
  expect(error).to.be.instanceOf(UsageError);
  expect(error).to.have.property('code', 'ANTS_READING_TWICE');
  expect((error as Error).message).to.match(what);
}

describe('connection: receive', () => {
  fakeClockInEachTest();

  for (const role of roles) {
    it(`takes queued messages, then waits (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      peer.texts('a', 'b');
      await settle();
      expect(await connection.receive()).to.equal('a');
      expect(await connection.receive()).to.equal('b');
      const third = connection.receive();
      await settle();
      peer.texts('c');
      expect(await third).to.equal('c');
    });
  }

  it('gives concurrent waits their turn, in order', async () => {
    const { connection, peer } = rawPair('server');
    const waits = [connection.receive(), connection.receive(), connection.receive()];
    peer.texts('a', 'b', 'c', 'd');
    expect(await Promise.all(waits)).to.deep.equal(['a', 'b', 'c']);
    expect(await connection.receive()).to.equal('d');
  });

  it('takes turns with an iterator', async () => {
    const { connection, peer } = rawPair('server');
    const iterator = connection[Symbol.asyncIterator]();
    const waits = [iterator.next(), connection.receive(), iterator.next()];
    peer.texts('a', 'b', 'c');
    expect(await Promise.all(waits)).to.deep.equal([
      { value: 'a', done: false },
      'b',
      { value: 'c', done: false },
    ]);
  });

  it('aborted: rejects with the reason and eats no message', async () => {
    const { connection, peer } = rawPair('server');
    const controller = new AbortController();
    const counts = watchSignal(controller.signal);
    const first = outcome(connection.receive({ signal: controller.signal }));
    const second = connection.receive();
    await settle();
    expect(counts.listeners).to.equal(1);
    const reason = new Error('enough');
    controller.abort(reason);
    peer.texts('a', 'b');
    expect(await first).to.equal(reason);
    expect(await second).to.equal('a');
    expect(await connection.receive()).to.equal('b');
  });

  it('with a signal that was aborted before takes nothing', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('a');
    await settle();
    const signal = AbortSignal.abort('no');
    expect(await outcome(connection.receive({ signal }))).to.equal('no');
    expect(await connection.receive()).to.equal('a');
  });

  it('leaves no listener on the signal', async () => {
    const { connection, peer } = rawPair('server');
    const { signal } = new AbortController();
    const counts = watchSignal(signal);
    const queued = connection.receive({ signal });
    peer.texts('a', 'b');
    await queued;
    expect(await connection.receive({ signal })).to.equal('b');
    const ended = outcome(connection.receive({ signal }));
    await settle();
    peer.close();
    peer.end();
    expect(await ended).to.be.instanceOf(CloseError);
    expect(counts.listeners).to.equal(0);
  });

  it('rejects while message has listeners, and works again when they are gone', async () => {
    const { connection, peer } = rawPair('server');
    const listener = (): void => {};
    connection.on('message', listener);
    expectMisuse(await outcome(connection.receive()), /'message' has listeners/);
    connection.off('message', listener);
    peer.texts('a');
    expect(await connection.receive()).to.equal('a');
  });

  it('rejects after ignoreMessages()', async () => {
    const { connection } = rawPair('server');
    connection.ignoreMessages();
    expectMisuse(await outcome(connection.receive()), /after ignoreMessages\(\)/);
  });

  it('pending: forbids listeners of message and ignoreMessages(), until it is over', async () => {
    const { connection, peer } = rawPair('server');
    const wait = connection.receive();
    for (const add of ['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'] as const) {
      expectMisuse(
        await outcome((async () => connection[add]('message', () => {}))()),
        /listener of 'message' was added while/,
      );
    }
    expectMisuse(await outcome((async () => connection.ignoreMessages())()), /ignoreMessages\(\) was called/);
    expect(connection.listenerCount('message')).to.equal(0);
    connection.on('ping', () => {});
    peer.texts('a', 'b');
    await wait;
    const listened = new Promise((resolve) => connection.once('message', resolve));
    expect(await listened).to.equal('b');
  });

  it('takes messages while paused, as they are here already', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('a');
    await settle();
    connection.pause();
    expect(await connection.receive()).to.equal('a');
    const next = connection.receive();
    peer.texts('b');
    await settle();
    expect(peer.transport.pendingBytes).to.be.greaterThan(0);
    connection.resume();
    expect(await next).to.equal('b');
  });
});

describe('connection: for await', () => {
  fakeClockInEachTest();

  it('break leaves the connection open and the rest in the queue', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('a', 'b', 'c');
    for await (const message of connection) {
      expect(message).to.equal('a');
      break;
    }
    expect(connection.state).to.equal('open');
    expect(await connection.receive()).to.equal('b');
    for await (const message of connection) {
      expect(message).to.equal('c');
      break;
    }
  });

  it('is an iterator and iterable at once', async () => {
    const { connection, peer } = rawPair('server');
    const iterator = connection[Symbol.asyncIterator]();
    expect(iterator[Symbol.asyncIterator]()).to.equal(iterator);
    peer.texts('a');
    expect(await iterator.next()).to.deep.equal({ value: 'a', done: false });
    expect(await iterator.return?.()).to.deep.equal({ value: undefined, done: true });
    expect(await iterator.next()).to.deep.equal({ value: undefined, done: true });
    expect(await iterator.return?.()).to.deep.equal({ value: undefined, done: true });
  });

  it('return() ends waits of next(), which eat no message', async () => {
    const { connection, peer } = rawPair('server');
    const iterator = connection[Symbol.asyncIterator]();
    const waits = [iterator.next(), iterator.next()];
    await iterator.return?.();
    expect(await Promise.all(waits)).to.deep.equal([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
    peer.texts('a');
    expect(await connection.receive()).to.equal('a');
  });

  it('concurrent next() calls get messages in order, and the end', async () => {
    const { connection, peer } = rawPair('client');
    const iterator = connection[Symbol.asyncIterator]();
    const waits = [iterator.next(), iterator.next(), iterator.next(), iterator.next()];
    peer.texts('a', 'b');
    expect(await waits[0]).to.deep.equal({ value: 'a', done: false });
    expect(await waits[1]).to.deep.equal({ value: 'b', done: false });
    const closed = connection.close();
    await settle();
    peer.close(1000);
    peer.end();
    await closed;
    expect(await waits[2]).to.deep.equal({ value: undefined, done: true });
    expect(await waits[3]).to.deep.equal({ value: undefined, done: true });
  });

  it('on a connection with listeners of message throws', async () => {
    const { connection } = rawPair('server');
    const iterator = connection[Symbol.asyncIterator]();
    connection.on('message', () => {});
    const loop = async (): Promise<void> => {
      for await (const _ of connection) expect.fail('a message');
    };
    expectMisuse(await outcome(loop()), /'message' has listeners/);
    // One that was made before the listener is no way around.
    expectMisuse(await outcome(iterator.next()), /'message' has listeners/);
  });

  it('forbids listeners from its first next() to its end, also while at work', async () => {
    const { connection, peer } = rawPair('server');
    const iterator = connection[Symbol.asyncIterator]();
    const early = (): void => {};
    connection.on('message', early).off('message', early);
    peer.texts('a');
    await iterator.next();
    expectMisuse(
      await outcome((async () => connection.on('message', () => {}))()),
      /listener of 'message' was added while/,
    );
    await iterator.return?.();
    connection.on('message', () => {});
    expect(connection.listenerCount('message')).to.equal(1);
  });

  it('after ignoreMessages() throws, and no listener can be added', async () => {
    const { connection } = rawPair('server');
    connection.ignoreMessages();
    expectMisuse(
      await outcome((async () => connection[Symbol.asyncIterator]())()),
      /after ignoreMessages\(\)/,
    );
    expectMisuse(
      await outcome((async () => connection.on('message', () => {}))()),
      /after ignoreMessages\(\)/,
    );
  });
});

describe('connection: consume', () => {
  fakeClockInEachTest();

  it('runs one at a time, in order, and ends with the connection', async () => {
    const { server, client } = connectedPair();
    const log: string[] = [];
    const consumed = server.consume(async (message) => {
      log.push(`${message} begins`);
      await settle(2);
      log.push(`${message} ends`);
    });
    void client.send('a');
    void client.send('b');
    await client.close();
    await consumed;
    expect(log).to.deep.equal(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('runs as many as it may side by side', async () => {
    const { server, client } = connectedPair();
    let atWork = 0;
    let most = 0;
    const seen: unknown[] = [];
    const consumed = server.consume(
      async (message) => {
        seen.push(message);
        most = Math.max(most, ++atWork);
        await settle(3);
        atWork--;
      },
      { concurrency: 3 },
    );
    const all = Array.from({ length: 10 }, (_, i) => `${i}`);
    for (const message of all) void client.send(message);
    await client.close();
    await consumed;
    expect(seen).to.deep.equal(all);
    expect(most).to.equal(3);
    expect(atWork).to.equal(0);
  });

  it('takes any concurrency, and does not warn of many listeners on a signal', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): number => warnings.push(warning);
    process.on('warning', warn);
    const { server, client } = connectedPair();
    const { signal } = new AbortController();
    let most = 0;
    let atWork = 0;
    const consumed = server.consume(
      async () => {
        most = Math.max(most, ++atWork);
        await settle(4);
        atWork--;
      },
      { concurrency: Infinity, signal },
    );
    for (let i = 0; i < 100; i++) void client.send('x');
    await client.close();
    await consumed;
    await settle();
    process.off('warning', warn);
    expect(most).to.equal(100);
    expect(warnings).to.be.empty;
  });

  it('what work throws stops everything: no more messages are taken, the connection stays open', async () => {
    const { connection, peer } = rawPair('server');
    const failure = new Error('cannot');
    const seen: unknown[] = [];
    const consumed = outcome(
      connection.consume(
        async (message) => {
          seen.push(message);
          await settle(1);
          if (message === 'b') throw failure;
          await settle(1);
        },
        { concurrency: 2 },
      ),
    );
    peer.texts('a', 'b', 'c', 'd');
    expect(await consumed).to.equal(failure);
    await settle();
    expect(seen).to.deep.equal(['a', 'b']);
    expect(connection.state).to.equal('open');
    expect(await connection.receive()).to.equal('c');
  });

  it('what work throws at once does the same', async () => {
    const { connection, peer } = rawPair('server');
    const failure = new Error('cannot');
    const consumed = outcome(
      connection.consume(() => {
        throw failure;
      }),
    );
    peer.texts('a', 'b');
    expect(await consumed).to.equal(failure);
    expect(await connection.receive()).to.equal('b');
  });

  it('ends with the reason of its signal, and eats no message', async () => {
    const { connection, peer } = rawPair('server');
    const controller = new AbortController();
    const seen: unknown[] = [];
    const consumed = outcome(
      connection.consume((message) => seen.push(message), { signal: controller.signal, concurrency: 2 }),
    );
    peer.texts('a');
    await settle();
    controller.abort('enough');
    peer.texts('b');
    expect(await consumed).to.equal('enough');
    expect(seen).to.deep.equal(['a']);
    expect(await connection.receive()).to.equal('b');
  });

  it('aborted while at work takes no further message', async () => {
    const { connection, peer } = rawPair('server');
    const controller = new AbortController();
    const consumed = outcome(
      connection.consume(() => controller.abort('in the middle'), { signal: controller.signal }),
    );
    peer.texts('a', 'b');
    expect(await consumed).to.equal('in the middle');
    expect(await connection.receive()).to.equal('b');
  });

  it('leaves no listener on the signal, however it ends', async () => {
    for (const ending of ['throw', 'abort', 'close'] as const) {
      const { connection, peer } = rawPair('server');
      const controller = new AbortController();
      const counts = watchSignal(controller.signal);
      const consumed = outcome(
        connection.consume(
          () => {
            if (ending === 'throw') throw new Error('cannot');
          },
          { signal: controller.signal, concurrency: 3 },
        ),
      );
      await settle();
      expect(counts.listeners).to.equal(1);
      if (ending === 'throw') peer.texts('a');
      if (ending === 'abort') controller.abort();
      if (ending === 'close') peer.close(1000);
      peer.end();
      await consumed;
      // An aborted signal has called its listener, and forgets it.
      expect(counts.listeners).to.equal(0);
    }
  });

  it('with a signal that was aborted before takes nothing', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('a');
    await settle();
    expect(
      await outcome(connection.consume(() => expect.fail('a message'), { signal: AbortSignal.abort('no') })),
    ).to.equal('no');
    expect(await connection.receive()).to.equal('a');
  });

  it('rejects when the connection ends otherwise than quietly', async () => {
    const { connection, peer } = rawPair('server');
    const consumed = outcome(connection.consume(() => {}, { concurrency: 2 }));
    await settle();
    peer.close(4000, 'no more');
    peer.end();
    expect(await consumed)
      .to.be.instanceOf(CloseError)
      .with.include({ closeCode: 4000, reason: 'no more' });
  });

  it('rejects while message has listeners', async () => {
    const { connection } = rawPair('server');
    connection.on('message', () => {});
    expectMisuse(await outcome(connection.consume(() => {})), /'message' has listeners/);
  });

  it('refuses a concurrency that is none', async () => {
    const { connection } = rawPair('server');
    for (const concurrency of [0, -1, 1.5, Number.NaN]) {
      expect(await outcome(connection.consume(() => {}, { concurrency })))
        .to.be.instanceOf(TypeError)
        .with.property('message')
        .that.includes('concurrency');
    }
  });
});
