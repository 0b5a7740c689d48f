import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import sinon from 'sinon';
import { reconnect } from '#src/client/reconnect.js';
import type { ReconnectAttempt, ReconnectContext, ReconnectOptions } from '#src/client/reconnect-options.js';
import type { Connection } from '#src/connection/connection.js';
import { CloseError, type HandshakeError } from '#src/errors.js';
import { fakeClock } from '../support/clock.js';
import { RawServer } from './raw-server.js';

type Connections = AsyncIterableIterator<Connection, undefined>;

const refusal = (status: number, lines = '') => `HTTP/1.1 ${status} x\r\n${lines}Content-Length: 0\r\n\r\n`;

/** A Close frame of a server. */
function closeFrame(code: number): Buffer {
  return Buffer.from([0x88, 2, code >> 8, code & 0xff]);
}

/** Lets turns of the event loop pass until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

async function rejection(promise: Promise<unknown>): Promise<HandshakeError> {
  return promise.then(
    () => {
      throw new Error('it resolved');
    },
    (error) => error as HandshakeError,
  );
}

describe('client: reconnect', () => {
  let server: RawServer;
  let clock: sinon.SinonFakeTimers;
  let random: sinon.SinonStub;
  let attempts: ReconnectAttempt[];
  let open: Connections[];

  beforeEach(async () => {
    server = await RawServer.start();
    clock = fakeClock();
    random = sinon.stub(Math, 'random').returns(0.5);
    attempts = [];
    open = [];
  });

  afterEach(async () => {
    clock.restore();
    sinon.restore();
    await server.stop();
    for (const one of open) await one.return!();
  });

  /** Starts to reconnect to the raw server; without heartbeats, whose timers would be counted. */
  function start(
    options: ReconnectOptions = {},
    target: Parameters<typeof reconnect>[0] = server.url,
  ): Connections {
    const onAttempt = (attempt: ReconnectAttempt) => void attempts.push(attempt);
    const connections = reconnect(target, { heartbeatInterval: Infinity, onAttempt, ...options });
    open.push(connections);
    return connections;
  }

  /** The next connection, which the server accepts. */
  async function accept(connections: Connections) {
    const [result, request] = await Promise.all([connections.next(), server.accept()]);
    return { connection: result.value!, ...request };
  }

  /** Waits until so many attempts are over, and what follows the last one has begun. */
  async function untilAttempts(count: number): Promise<void> {
    await until(() => attempts.length === count);
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits until a backoff has begun that had not when `random` had been called so often; gives its length, and lets it pass. */
  async function passBackoff(calls = random.callCount): Promise<number> {
    await until(() => random.callCount > calls);
    await new Promise((resolve) => setImmediate(resolve));
    const before = clock.now;
    clock.next();
    return clock.now - before;
  }

  it('brings the next connection when the one before has ended, whose iteration ends quietly', async () => {
    const connections = start();
    for (const code of [1000, 1001, 1011, 4001]) {
      if (code > 1000) void passBackoff();
      const { connection, socket } = await accept(connections);
      expect(connection.state).to.equal('open');
      socket.end(Buffer.concat([Buffer.from('810548656c6c6f', 'hex'), closeFrame(code)]));
      const messages: unknown[] = [];
      for await (const message of connection) messages.push(message);
      expect(messages).to.deep.equal(['Hello']);
      expect((await connection.closed).code).to.equal(code);
    }
  });

  it('ends iteration quietly also when the connection breaks', async () => {
    const { connection, socket } = await accept(start());
    socket.resetAndDestroy();
    for await (const message of connection) expect.fail(String(message));
    expect((await connection.closed).code).to.equal(1006);
  });

  it('waits longer after each failure, and tells of each', async () => {
    const connections = start({ minDelay: 100, maxDelay: 300 });
    const first = connections.next();
    for (const [index, delay] of [50, 100, 150, 150].entries()) {
      await server.answer(refusal(503));
      await untilAttempts(index + 1);
      expect(attempts[index]).to.include({ attempt: index + 1, url: server.url, delay });
      expect(attempts[index]!.error).to.include({ code: 'ANTS_HANDSHAKE_REFUSED', status: 503 });
      clock.tick(delay - 1);
      expect(clock.countTimers()).to.equal(1);
      clock.tick(1);
    }
    await server.accept();
    expect((await first).value?.state).to.equal('open');
    expect(attempts[4]).to.deep.equal({ attempt: 5, url: server.url, error: undefined, delay: undefined });
  });

  it('begins anew after a connection that was healthy, and not after one that was not', async () => {
    const connections = start({ minDelay: 100, healthyAfter: 1_000 });
    const delays: Promise<number>[] = [];
    for (const lifetime of [999, 999, 1_000, 0, 0]) {
      const { connection, socket } = await accept(connections);
      clock.tick(lifetime);
      socket.destroy();
      await connection.closed;
      delays.push(passBackoff());
    }
    await accept(connections);
    expect(await Promise.all(delays)).to.deep.equal([50, 100, 50, 100, 200]);
  });

  it('heeds Retry-After, up to a cap', async () => {
    const connections = start({ minDelay: 100, maxRetryAfter: 60_000 });
    void connections.next().catch(() => {});
    await server.answer(refusal(503, 'Retry-After: 7\r\n'));
    await untilAttempts(1);
    expect(attempts[0]!.delay).to.equal(7_050);
    clock.tick(7_050);
    await server.answer(refusal(429, 'Retry-After: 3600\r\n'));
    await untilAttempts(2);
    expect(attempts[1]!.delay).to.equal(60_100);
  });

  it('ends quietly after our own close, in whatever way', async () => {
    for (const close of [
      (connection: Connection) => connection.close(),
      (connection: Connection) => connection.close(4000, 'enough'),
      (connection: Connection) => connection[Symbol.asyncDispose](),
    ]) {
      const connections = start();
      const { connection, socket } = await accept(connections);
      const closed = close(connection);
      socket.end(closeFrame(1000));
      await closed;
      expect(await connections.next()).to.deep.equal({ value: undefined, done: true });
      expect(await connections.next()).to.deep.equal({ value: undefined, done: true });
    }
  });

  it('goes on after close() of a connection that had ended already, and after terminate()', async () => {
    const connections = start();
    for (const end of ['peer', 'terminate']) {
      const { connection, socket } = await accept(connections);
      if (end === 'peer') socket.end(closeFrame(1001));
      else connection.terminate();
      await connection.closed;
      await connection.close();
      void passBackoff();
    }
    expect((await accept(connections)).connection.state).to.equal('open');
  });

  it('throws what is final, and tells of it', async () => {
    const connections = start();
    const next = rejection(connections.next());
    await server.answer(refusal(404));
    expect(await next).to.include({ code: 'ANTS_HANDSHAKE_REFUSED', status: 404 });
    expect(attempts).to.have.lengthOf(1);
    expect(attempts[0]).to.include({ delay: undefined }).with.nested.property('error.status', 404);
    expect(await connections.next()).to.deep.equal({ value: undefined, done: true });
  });

  it('takes the codes of an option for final: throws, or ends quietly after an end in order', async () => {
    const finalCodes = [1000, 4001];
    const throwing = start({ finalCodes });
    const first = await accept(throwing);
    first.socket.end(closeFrame(4001));
    const error = await rejection(throwing.next());
    expect(error).to.be.instanceOf(CloseError).with.property('closeCode', 4001);
    const quiet = start({ finalCodes });
    const second = await accept(quiet);
    second.socket.end(closeFrame(1000));
    expect(await quiet.next()).to.deep.equal({ value: undefined, done: true });
  });

  describe('with a function', () => {
    it('asks it for URL, headers and subprotocols each time, and tells it why', async () => {
      const asked: ReconnectContext[] = [];
      const headers = { 'X-A': 'of the option' };
      const connections = start({ headers, minDelay: 1 }, async (context) => {
        asked.push(context);
        if (context.attempt === 1)
          return { url: server.url, headers: { 'X-A': 'fresh' }, subprotocols: ['a'] };
        return context.attempt === 2 ? new URL(`${server.url}two`) : `${server.url}three`;
      });
      const next = connections.next();
      const one = await server.answer(refusal(500));
      await untilAttempts(1);
      clock.next();
      const two = await server.answer(refusal(500));
      await untilAttempts(2);
      clock.next();
      const three = await server.accept();
      await next;
      expect(one.text).to.include('X-A: fresh').and.include('Protocol: a');
      expect(two.text)
        .to.match(/^GET \/two /)
        .and.include('X-A: of the option')
        .and.not.include('Protocol: a');
      expect(three.text).to.match(/^GET \/three /);
      expect(asked.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3]);
      expect(asked[0]!.error).to.equal(undefined);
      expect(asked[1]!.error).to.equal(attempts[0]!.error);
    });

    it('tries 401 and 403 once more, and not twice', async () => {
      const connections = start({}, () => server.url);
      const next = rejection(connections.next());
      await server.answer(refusal(401));
      await untilAttempts(1);
      clock.next();
      await server.answer(refusal(403));
      expect((await next).status).to.equal(403);
      expect(attempts.map(({ delay }) => delay)).to.deep.equal([500, undefined]);
    });

    it('takes what it throws for a failed attempt, and what cannot be dialled for final', async () => {
      const failure = new TypeError('fetch failed');
      const results: (() => unknown)[] = [
        () => {
          throw failure;
        },
        () => 'nonsense',
      ];
      const next = rejection(start({}, () => results.shift()!() as string).next());
      await untilAttempts(1);
      expect(attempts[0]).to.deep.equal({ attempt: 1, url: undefined, error: failure, delay: 500 });
      clock.next();
      expect(await next)
        .to.be.instanceOf(TypeError)
        .with.property('message')
        .that.includes('nonsense');
      for (const bad of [undefined, 5, {}, { url: 5 }]) {
        expect(await rejection(start({}, () => bad as never).next())).to.be.instanceOf(TypeError);
      }
    });

    it('does not wait for it when nobody wants a connection any more', async () => {
      const signals: AbortSignal[] = [];
      const connections = start({}, ({ signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      });
      const next = connections.next();
      await until(() => signals.length === 1);
      await connections.return!();
      expect(await next).to.deep.equal({ value: undefined, done: true });
      expect(signals[0]!.aborted).to.equal(true);
    });
  });

  describe('is left', () => {
    it('by break, which closes the connection', async () => {
      const accepted = server.accept();
      const left = (async () => {
        for await (const connection of start()) {
          const { socket } = await accepted;
          socket.once('data', () => socket.end(closeFrame(1000)));
          return connection;
        }
        return undefined;
      })();
      expect((await (await left)!.closed).code).to.equal(1000);
      expect(clock.countTimers()).to.equal(0);
    });

    it('while it dials and while it waits', async () => {
      const dialling = start();
      const first = dialling.next();
      const { socket } = await server.request();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await dialling.return!();
      expect(await first).to.deep.equal({ value: undefined, done: true });
      await closed;
      const waiting = start();
      const second = waiting.next();
      await server.answer(refusal(500));
      await untilAttempts(1);
      await waiting.return!();
      expect(await second).to.deep.equal({ value: undefined, done: true });
      expect(clock.countTimers()).to.equal(0);
    });

    it('by the signal: before, while it dials, while it waits, and while a connection is open', async () => {
      const reason = new Error('enough');
      expect(await rejection(start({ signal: AbortSignal.abort(reason) }).next())).to.equal(reason);

      for (const answer of [undefined, refusal(500)]) {
        const controller = new AbortController();
        const remove = sinon.spy(controller.signal, 'removeEventListener');
        const next = rejection(start({ signal: controller.signal }).next());
        const count = attempts.length;
        const { socket } = await server.request();
        if (answer !== undefined) {
          socket.write(answer);
          await untilAttempts(count + 1);
        }
        controller.abort(reason);
        expect(await next).to.equal(reason);
        expect(remove.callCount).to.be.at.least(1);
        expect(clock.countTimers()).to.equal(0);
      }

      const controller = new AbortController();
      const connections = start({ signal: controller.signal });
      const { connection, socket } = await accept(connections);
      socket.once('data', () => socket.end(closeFrame(1000)));
      controller.abort(reason);
      for await (const message of connection) expect.fail(String(message));
      expect(await rejection(connections.next())).to.equal(reason);
      expect((await connection.closed).wasClean).to.equal(true);
    });

    it('by what onAttempt throws, and closes what it was told of', async () => {
      const oops = new Error('oops');
      const next = rejection(
        start({
          onAttempt: () => {
            throw oops;
          },
        }).next(),
      );
      const { socket } = await server.accept();
      expect(await next).to.equal(oops);
      await new Promise((resolve) => socket.once('data', resolve));
    });
  });

  it('takes concurrent calls in turn', async () => {
    const connections = start();
    const both = Promise.all([connections.next(), connections.next()]);
    const { socket } = await server.accept();
    // The second waits for the end of the first.
    await new Promise((resolve) => setImmediate(resolve));
    const passed = passBackoff();
    socket.destroy();
    await passed;
    await server.accept();
    const [first, second] = await both;
    expect([first.value!.state, second.value!.state]).to.deep.equal(['closed', 'open']);
  });

  it('refuses URLs and options that cannot be used, at once', () => {
    const bad: [target: unknown, options: unknown, says: string][] = [
      ['nonsense', {}, 'nonsense'],
      [undefined, {}, 'a URL such as'],
      [server.url, { minDelay: 0 }, 'minDelay'],
      [server.url, { maxDelay: Infinity }, 'finite'],
      [server.url, { minDelay: 5, maxDelay: 4 }, 'minDelay (5) <= maxDelay (4)'],
      [server.url, { healthyAfter: -1 }, 'healthyAfter'],
      [server.url, { maxRetryAfter: Number.NaN }, 'maxRetryAfter'],
      [server.url, { finalCodes: 4001 }, 'finalCodes'],
      [server.url, { finalCodes: ['4001'] }, 'finalCodes'],
      [server.url, { onAttempt: 5 }, 'onAttempt'],
      [server.url, { maxdelay: 5 }, 'did you mean "maxDelay"'],
      [server.url, { subprotocols: ['a b'] }, 'subprotocol'],
      [server.url, null, 'the options of reconnect must be an object'],
    ];
    for (const [target, options, says] of bad) {
      expect(() => reconnect(target as string, options as object), says).to.throw(TypeError, says);
    }
    expect(() => reconnect(server.url, { minDelay: undefined, signal: undefined })).not.to.throw();
  });

  it('keeps the process alive while somebody waits', () => {
    const script = `
      import { reconnect } from 'ants-ws';
      const controller = new AbortController();
      let count = 0;
      const onAttempt = () => { if (++count === 3) controller.abort(new Error('three')); };
      try {
        for await (const conn of reconnect('ws://127.0.0.1:1/', { minDelay: 1, maxDelay: 20, onAttempt, signal: controller.signal }));
      } catch (error) { console.log(error.message); }`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(output).to.equal('three\n');
  });
});
