import { once } from 'node:events';
import { expect } from 'chai';
import sinon from 'sinon';
import { Connection } from '#src/connection/connection.js';
import { HandshakeError, TimeoutError } from '#src/errors.js';
import type { UpgraderOptions } from '#src/server/options.js';
import { Upgrader, upgrade } from '#src/server/upgrader.js';
import { sampleAccept } from '../handshake/vectors.js';
import { Harness, rejection, untilClosed } from './harness.js';
import { formatRequest } from './raw-client.js';

/** A text frame from a client, as RFC 6455 section 5.7 has it. */
const helloFrame = Buffer.from('818537fa213d7f9f4d5158', 'hex');
/** A masked Close frame without a code. */
const closeFrame = Buffer.from('888000000000', 'hex');

const origin101 = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Accept: ${sampleAccept}`,
];

describe('server: Upgrader.upgrade', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(async () => {
    sinon.restore();
    await harness.stop();
  });

  describe('accepts', () => {
    it('a request with one write of 101, and makes a connection', async () => {
      const { request, socket, head, client } = await harness.request({ url: '/chat?room=1' });
      const write = sinon.spy(socket, 'write');
      const connection = await harness.own(new Upgrader().upgrade(request, socket, head));
      expect(write.callCount).to.equal(1);
      const text = await client.until('\r\n\r\n');
      expect(text).to.equal(`${origin101.join('\r\n')}\r\n\r\n`);
      expect(connection.role).to.equal('server');
      expect(connection.state).to.equal('open');
      expect(connection.subprotocol).to.equal(undefined);
      expect(connection.data).to.equal(undefined);
      expect(connection.request.url).to.equal('/chat?room=1');
      expect(connection.request.headers.get('host')).to.equal('server.example.com');
    });

    it('and leaves exactly one listener of errors, which is the transport’s', async () => {
      const { socket, upgraded } = await harness.upgrade({});
      await upgraded;
      expect(socket.listenerCount('error')).to.equal(1);
    });

    it('bytes behind the request, in the same packet and in later ones', async () => {
      const early = Buffer.concat([Buffer.from(formatRequest()), helloFrame, helloFrame.subarray(0, 3)]);
      const { request, socket, head, client } = await harness.request(early);
      expect(head.length).to.equal(helloFrame.length + 3);
      let decide!: (data: string) => void;
      const upgrader = new Upgrader<string>({
        authorize: () =>
          new Promise((resolve) => {
            decide = resolve;
          }),
      });
      const upgraded = harness.own(upgrader.upgrade(request, socket, head));
      client.write(helloFrame.subarray(3));
      client.write(helloFrame);
      await once(socket, 'readable');
      decide('data');
      const connection = await upgraded;
      expect(await connection.receive()).to.equal('Hello');
      expect(await connection.receive()).to.equal('Hello');
      expect(await connection.receive()).to.equal('Hello');
    });

    it('with the subprotocol, and more headers', async () => {
      const { client, upgraded } = await harness.upgrade(
        { subprotocols: ['b', 'a'], headers: { 'Set-Cookie': ['a=1', 'b=2'], 'X-A': 'caf\xe9' } },
        { headers: { 'Sec-WebSocket-Protocol': 'a, b' } },
      );
      expect((await upgraded).subprotocol).to.equal('a');
      const expected = ['Sec-WebSocket-Protocol: a', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'X-A: caf\xe9'];
      expect(await client.until('\r\n\r\n')).to.equal(`${[...origin101, ...expected].join('\r\n')}\r\n\r\n`);
    });

    it('with what functions of the options make of the request', async () => {
      const { client, upgraded, request } = await harness.upgrade(
        {
          subprotocols: (offered, asked) => (asked.url === '/chat' ? offered[1] : undefined),
          origins: (origin, asked) => origin === 'http://evil.example' && asked.url === '/chat',
          headers: (asked) => new Headers({ 'X-Url': asked.url ?? '' }),
        },
        { headers: { 'Sec-WebSocket-Protocol': 'a, b', Origin: 'http://evil.example' } },
      );
      expect((await upgraded).subprotocol).to.equal('b');
      expect(await client.until('\r\n\r\n')).to.include(`x-url: ${request.url}`);
    });

    it('with overrides for one request', async () => {
      const upgrader = new Upgrader({ subprotocols: ['a'], headers: { 'X-A': '1' } });
      const { request, socket, head, client } = await harness.request({
        headers: { 'Sec-WebSocket-Protocol': 'a, b' },
      });
      const connection = await harness.own(
        upgrader.upgrade(request, socket, head, { subprotocols: ['b'], headers: undefined }),
      );
      expect(connection.subprotocol).to.equal('b');
      expect(await client.until('\r\n\r\n')).to.include('X-A: 1');
    });

    it('with options for the connection', async () => {
      const { client, upgraded } = await harness.upgrade({ maxMessageSize: 4 });
      const connection = await upgraded;
      client.write(helloFrame);
      const { error } = await connection.closed;
      expect(error?.cause).to.have.property('code', 'ANTS_MESSAGE_TOO_BIG');
    });

    it('through the free function', async () => {
      const { request, socket, head } = await harness.request();
      const connection = await harness.own(
        upgrade(request, socket, head, { authorize: () => ({ user: 'ann' }) }),
      );
      expect(connection.data.user).to.equal('ann');
    });
  });

  describe('authorizes', () => {
    it('at once or later, and hands data over', async () => {
      const sync = await harness.upgrade({ authorize: (request) => request.url });
      expect((await sync.upgraded).data).to.equal('/chat');
      const async = await harness.upgrade({ authorize: async () => ({ id: 1 }) });
      expect((await async.upgraded).data).to.deep.equal({ id: 1 });
    });

    it('and leaves no listener and no timer', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const { request, socket, head } = await harness.request();
      const before = ['error', 'end', 'close'].map((event) => socket.listenerCount(event));
      let during: number[] = [];
      await new Upgrader({
        heartbeatInterval: Infinity,
        authorize: async () => {
          during = ['error', 'end', 'close'].map((event) => socket.listenerCount(event));
          expect(clock.countTimers()).to.equal(1);
        },
      }).upgrade(request, socket, head);
      expect(during).not.to.deep.equal(before);
      // The transport's.
      const remaining = [1, 0, 1];
      expect(['error', 'end', 'close'].map((event) => socket.listenerCount(event))).to.deep.equal(
        before.map((count, i) => count + remaining[i]!),
      );
      expect(clock.countTimers()).to.equal(0);
    });

    it('or refuses with a Response', async () => {
      const { client, upgraded } = await harness.upgrade({
        authorize: async () => {
          const headers = new Headers({
            'WWW-Authenticate': 'Basic',
            'Content-Length': '99',
            Connection: 'x',
          });
          headers.append('Set-Cookie', 'a=1');
          headers.append('Set-Cookie', 'b=2');
          return new Response('wer bist du? \u00fc', { status: 401, headers });
        },
      });
      const error = await rejection(upgraded);
      expect(error).to.be.instanceOf(HandshakeError).with.property('code', 'ANTS_HANDSHAKE_REFUSED');
      expect(error).to.include({ status: 401, body: 'wer bist du? \u00fc' });
      const text = await client.ended;
      expect(text).to.match(/^HTTP\/1\.1 401 Unauthorized\r\n/);
      expect(text).to.include('\r\nConnection: x, close\r\n');
      expect(text).to.include('\r\nwww-authenticate: Basic\r\n');
      expect(text).to.include('\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n');
      expect(text).to.include('\r\nContent-Length: 15\r\n').and.not.include('99');
      expect(text).to.match(/\r\nDate: .* GMT\r\n/);
      expect(Buffer.from(text.split('\r\n\r\n')[1]!, 'latin1').toString()).to.equal('wer bist du? \u00fc');
    });

    it('and sees a refusal in the Response of another package', async () => {
      class Foreign {
        status = 403;
        headers = new Map();
        arrayBuffer = async () => new ArrayBuffer(0);
        get [Symbol.toStringTag]() {
          return 'Response';
        }
      }
      const { client, upgraded } = await harness.upgrade<unknown>({ authorize: () => new Foreign() });
      expect(await rejection(upgraded)).to.have.property('status', 403);
      expect(await client.ended).to.match(/^HTTP\/1\.1 403 /);
    });

    it('and answers 500 for what is thrown, which the client does not see', async () => {
      const thrown = new Error('secret');
      const bad: UpgraderOptions<unknown>['authorize'][] = [
        () => {
          throw thrown;
        },
        async () => {
          throw thrown;
        },
      ];
      for (const authorize of bad) {
        const { client, upgraded } = await harness.upgrade({ authorize });
        expect(await rejection(upgraded)).to.equal(thrown);
        expect(await client.ended)
          .to.match(/^HTTP\/1\.1 500 /)
          .and.not.include('secret');
      }
    });

    it('and lets nobody in for false, which is no Response; anything else is data', async () => {
      for (const authorize of [() => false, async () => false]) {
        const { client, upgraded } = await harness.upgrade<boolean>({ authorize });
        expect(await rejection(upgraded))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.match(/only a Response refuses: return new Response\(null, \{ status: 401 \}\)/);
        expect(await client.ended).to.match(/^HTTP\/1\.1 500 /);
      }
      for (const data of [undefined, null, 0, '', true]) {
        const { upgraded } = await harness.upgrade<unknown>({ authorize: () => data });
        expect((await upgraded).data).to.equal(data);
      }
    });

    it('and answers 500 for a Response that is none', async () => {
      const network = await harness.upgrade({ authorize: () => Response.error() });
      expect(await rejection(network.upgraded)).to.be.instanceOf(TypeError);
      expect(await network.client.ended).to.match(/^HTTP\/1\.1 500 /);
      const used = new Response('x');
      await used.text();
      const second = await harness.upgrade({ authorize: () => used });
      expect(await rejection(second.upgraded)).to.be.instanceOf(TypeError);
    });

    it('within the deadline only: 503', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      let signal!: AbortSignal;
      const { client, upgraded } = await harness.upgrade({
        handshakeTimeout: 300,
        authorize: (_request, context) => {
          signal = context.signal;
          return new Promise<undefined>((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('what comes too late')));
          });
        },
      });
      clock.tick(299);
      expect(signal.aborted).to.equal(false);
      clock.tick(1);
      const error = await rejection(upgraded);
      expect(error).to.be.instanceOf(TimeoutError).with.property('code', 'ANTS_HANDSHAKE_TIMEOUT');
      expect(error).property('message').to.include('300 ms').and.include('handshakeTimeout');
      expect(signal.reason).to.equal(error);
      expect(await client.ended).to.match(/^HTTP\/1\.1 503 /);
    });

    it('in 10 seconds by default, and without a deadline when it is off', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const pending = () => new Promise<undefined>(() => {});
      const { upgraded } = await harness.upgrade({ authorize: pending });
      expect(clock.countTimers()).to.equal(1);
      clock.tick(10_000);
      expect(await rejection(upgraded)).to.be.instanceOf(TimeoutError);
      clock.runAll();
      await harness.upgrade({ authorize: pending, handshakeTimeout: Infinity });
      expect(clock.countTimers()).to.equal(0);
    });

    it('and gives up when the client resets the connection, which harms nobody', async () => {
      let signal!: AbortSignal;
      const { client, socket, upgraded } = await harness.upgrade({
        authorize: (_request, context) => {
          signal = context.signal;
          return new Promise<undefined>(() => {});
        },
      });
      client.socket.resetAndDestroy();
      const error = await rejection(upgraded);
      expect(error).to.be.instanceOf(HandshakeError).with.property('code', 'ANTS_CONNECT_FAILED');
      expect(error).nested.property('cause.code').to.equal('ECONNRESET');
      expect(error).to.have.property('status', undefined);
      expect(signal.aborted).to.equal(true);
      expect(signal.reason).to.equal(error);
      expect(socket.destroyed).to.equal(true);
    });

    it('and gives up when the client ends the connection', async () => {
      const { client, upgraded } = await harness.upgrade({
        authorize: () => new Promise<undefined>(() => {}),
      });
      client.socket.end();
      expect(await rejection(upgraded)).to.have.property('code', 'ANTS_CONNECT_FAILED');
      expect(await client.ended).to.equal('');
    });
  });

  describe('refuses', () => {
    it('with a text, and ends the connection', async () => {
      const { client, upgraded } = await harness.upgrade({}, { headers: { 'Sec-WebSocket-Key': 'x' } });
      const error = await rejection(upgraded);
      expect(error).to.be.instanceOf(HandshakeError).with.property('code', 'ANTS_HANDSHAKE_REFUSED');
      expect(error).to.have.property('status', 400);
      expect(error).property('body').to.include('Sec-WebSocket-Key');
      expect(error).property('message').to.include('400').and.include('Sec-WebSocket-Key');
      const [head, body] = (await client.ended).split('\r\n\r\n');
      expect(head).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(head).to.include('\r\nConnection: close\r\n');
      expect(head).to.include('\r\nContent-Type: text/plain; charset=utf-8\r\n');
      expect(head).to.include(`\r\nContent-Length: ${body!.length}`);
      expect(body).to.equal((error as HandshakeError).body);
    });

    it('another version with 426, which names the connection option as well', async () => {
      const { client } = await harness.upgrade({}, { headers: { 'Sec-WebSocket-Version': '8' } });
      const text = await client.ended;
      expect(text).to.match(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
      expect(text).to.include('\r\nConnection: Upgrade, close\r\n');
      expect(text).to.include('\r\nUpgrade: websocket\r\n');
      expect(text).to.include('\r\nSec-WebSocket-Version: 13\r\n');
    });

    it('another origin with 403', async () => {
      const { client } = await harness.upgrade({}, { headers: { Origin: 'http://evil.example' } });
      expect(await client.ended)
        .to.match(/^HTTP\/1\.1 403 Forbidden\r\n/)
        .and.include('"origins"');
      const listed = { origins: ['http://evil.example'] };
      const { upgraded } = await harness.upgrade(listed, { headers: { Origin: 'http://evil.example' } });
      expect((await upgraded).state).to.equal('open');
    });

    it('HEAD without a body', async () => {
      const { client } = await harness.upgrade({}, { method: 'HEAD' });
      const text = await client.ended;
      expect(text)
        .to.match(/^HTTP\/1\.1 405 /)
        .and.include('\r\nAllow: GET\r\n');
      expect(text).to.match(/\r\n\r\n$/);
    });

    it('HTTP/1.0', async () => {
      const { client } = await harness.upgrade({}, { httpVersion: '1.0' });
      expect(await client.ended)
        .to.match(/^HTTP\/1\.1 400 /)
        .and.include('HTTP/1.1');
    });

    it('a request with more headers than Node keeps, and goes on', async () => {
      harness.http.on(
        'upgrade',
        new Upgrader().handler(() => {}),
      );
      const fillers = Array.from({ length: 2_100 }, (_, i) => `a${i}:`);
      const lines = formatRequest().split('\r\n');
      const flood = await harness.connect();
      flood.write(lines.toSpliced(4, 0, ...fillers).join('\r\n'));
      // Node drops the key, or from version 22 on refuses the request before it gets here.
      expect(await flood.ended).to.match(/^HTTP\/1\.1 (400|431) /);
      const client = await harness.connect();
      client.write(formatRequest());
      await client.until('HTTP/1.1 101');
    });

    it('a client that does not go: it is cut off', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const { request, socket, head, client } = await harness.request({ method: 'POST' });
      client.socket.allowHalfOpen = true;
      const upgraded = new Upgrader().upgrade(request, socket, head);
      await rejection(upgraded);
      await client.until('GET');
      // It goes on to send, which is dropped.
      client.write('x'.repeat(100_000));
      await once(socket, 'data');
      expect(socket.destroyed).to.equal(false);
      clock.tick(1_999);
      expect(socket.destroyed).to.equal(false);
      clock.tick(1);
      await untilClosed(socket);
    });

    it('a client that goes, without waiting', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const { client, socket } = await harness.upgrade({}, { method: 'POST' });
      await untilClosed(socket);
      expect(clock.countTimers()).to.equal(0);
      await client.ended;
    });

    it('and survives a reset after the refusal', async () => {
      const { client, socket, upgraded } = await harness.upgrade({}, { method: 'POST' });
      await rejection(upgraded);
      client.socket.resetAndDestroy();
      await untilClosed(socket);
      expect(socket.listenerCount('error')).to.be.greaterThan(0);
    });

    it('with 500 when a function of the options throws or chooses what it may not', async () => {
      const boom = () => {
        throw new RangeError('boom');
      };
      const headers = { Origin: 'http://evil.example', 'Sec-WebSocket-Protocol': 'a' };
      const bad: [UpgraderOptions, typeof RangeError | typeof TypeError][] = [
        [{ origins: boom }, RangeError],
        [{ origins: '*', subprotocols: boom }, RangeError],
        [{ origins: '*', subprotocols: () => 'b' }, TypeError],
        [{ origins: '*', headers: boom }, RangeError],
        [{ origins: '*', headers: () => ({ 'X-A': 'a\r\nX-B: b' }) }, TypeError],
        [{ origins: '*', headers: () => ({ Upgrade: 'x' }) }, TypeError],
      ];
      for (const [options, type] of bad) {
        const { client, upgraded } = await harness.upgrade(options, { headers });
        expect(await rejection(upgraded)).to.be.instanceOf(type);
        expect(await client.ended)
          .to.match(/^HTTP\/1\.1 500 /)
          .and.not.include('X-B');
      }
    });

    it('with 500 when options of the free function cannot be used', async () => {
      const { request, socket, head, client } = await harness.request();
      expect(await rejection(upgrade(request, socket, head, { handshakeTimeout: -1 }))).to.be.instanceOf(
        TypeError,
      );
      expect(await client.ended).to.match(/^HTTP\/1\.1 500 /);
    });

    it('a socket that is gone', async () => {
      const { request, socket, head } = await harness.request();
      const cause = new Error('gone');
      socket.on('error', () => {});
      socket.destroy(cause);
      const error = await rejection(new Upgrader().upgrade(request, socket, head));
      expect(error).to.include({ code: 'ANTS_CONNECT_FAILED', cause });
      const second = await harness.request();
      second.socket.destroy();
      const plain = await rejection(new Upgrader().upgrade(second.request, second.socket, second.head));
      expect(plain).to.have.property('code', 'ANTS_CONNECT_FAILED');
      expect(plain).not.to.have.property('cause');
    });

    it('a client that ended its side before, or a socket that was ended here', async () => {
      const { request, socket, head, client } = await harness.request();
      client.socket.end();
      await once(socket, 'end');
      expect(socket.destroyed).to.equal(false);
      const error = await rejection(new Upgrader().upgrade(request, socket, head));
      expect(error).to.have.property('code', 'ANTS_CONNECT_FAILED');
      expect(socket.destroyed).to.equal(true);
      const second = await harness.request();
      second.socket.end();
      const late = await rejection(new Upgrader().upgrade(second.request, second.socket, second.head));
      expect(late).to.have.property('code', 'ANTS_CONNECT_FAILED');
      expect(second.socket.destroyed).to.equal(true);
    });

    it('a socket that a function of the options destroyed', async () => {
      const { socket, upgraded } = await harness.upgrade({
        headers: (request) => {
          request.socket.destroy();
          return {};
        },
      });
      expect(await rejection(upgraded)).to.have.property('code', 'ANTS_CONNECT_FAILED');
      expect(socket.destroyed).to.equal(true);
    });

    it('a socket that was handed over before, which goes on', async () => {
      const { request, socket, head, upgraded } = await harness.upgrade({});
      const connection = await upgraded;
      expect(await rejection(new Upgrader().upgrade(request, socket, head)))
        .to.be.instanceOf(TypeError)
        .property('message')
        .to.include('before');
      expect(connection.state).to.equal('open');
      expect(socket.destroyed).to.equal(false);
    });

    it('what is no object of options, or has names that it does not know', async () => {
      for (const options of [5, null, [], 'a']) {
        expect(() => new Upgrader(options as never)).to.throw(
          TypeError,
          /^the options of Upgrader must be an object, such as \{ origins: .*; what was given is /,
        );
      }
      expect(() => new Upgrader({ orgins: [] } as never)).to.throw(
        TypeError,
        'unknown option "orgins"; did you mean "origins"?',
      );
      expect(() => new Upgrader({ path: '/' } as never)).to.throw(TypeError, 'those of Upgrader are ');
      for (const overrides of [5, null, [], { maxMesageSize: 1 }]) {
        const { request, socket, head, client } = await harness.request();
        const error = await rejection(new Upgrader().upgrade(request, socket, head, overrides as never));
        expect(error).to.be.instanceOf(TypeError);
        expect((error as Error).message).to.match(/options of upgrade|did you mean "maxMessageSize"/);
        expect(await client.ended).to.match(/^HTTP\/1\.1 500 /);
      }
    });

    it('options that cannot be used', () => {
      const bad: UpgraderOptions[] = [
        { handshakeTimeout: 0 },
        { handshakeTimeout: Number.NaN },
        { subprotocols: ['a b'] },
        { origins: ['example.com'] },
        { headers: { 'X-A': '\n' } },
        { headers: { Connection: 'close' } },
        { authorize: 'yes' as never },
        { maxMessageSize: -1 },
      ];
      for (const options of bad)
        expect(() => new Upgrader(options), JSON.stringify(options)).to.throw(TypeError);
    });
  });

  describe('keeps track', () => {
    it('of its connections', async () => {
      const upgrader = new Upgrader();
      expect(upgrader.connections.size).to.equal(0);
      const { client, upgraded } = await harness.upgrade(upgrader);
      const connection = await upgraded;
      expect([...upgrader.connections]).to.deep.equal([connection]);
      client.write(closeFrame);
      await connection.closed;
      expect(upgrader.connections.size).to.equal(0);
    });

    it('of its connections, which have left when their listeners hear of it', async () => {
      const upgrader = new Upgrader();
      const { client, upgraded } = await harness.upgrade(upgrader);
      const connection = await upgraded;
      const left = new Promise<number>((resolve) => {
        connection.on('close', () => resolve(upgrader.connections.size));
      });
      client.write(closeFrame);
      expect(await left).to.equal(0);
    });

    it('of its connections, also when all their listeners are removed', async () => {
      const upgrader = new Upgrader();
      const { client, upgraded } = await harness.upgrade(upgrader);
      const connection = await upgraded;
      connection.removeAllListeners();
      client.write(closeFrame);
      await connection.closed;
      expect(upgrader.connections.size).to.equal(0);
    });

    it('of its connections, without saying that it waits for their end', async () => {
      const closed = sinon.spy(Connection.prototype, 'closed', ['get']);
      const { client, socket, upgraded } = await harness.upgrade({});
      await upgraded;
      client.write(closeFrame);
      await untilClosed(socket);
      expect(closed.get.callCount).to.equal(0);
    });

    it('and closes them all with 1001', async () => {
      const upgrader = new Upgrader();
      const clients = await Promise.all([harness.connect(), harness.connect()]);
      harness.http.on(
        'upgrade',
        upgrader.handler(() => {}),
      );
      for (const client of clients) {
        client.write(formatRequest());
        await client.until('\r\n\r\n');
      }
      expect(upgrader.connections.size).to.equal(2);
      const closed = upgrader.close();
      for (const client of clients) {
        await client.until('\r\n\r\n\x88\x02\x03\xe9');
        client.write(closeFrame);
      }
      await closed;
      expect(upgrader.connections.size).to.equal(0);
      for (const client of clients) await client.ended;
    });

    it('and closes them with another code and reason', async () => {
      const upgrader = new Upgrader();
      const { client, upgraded } = await harness.upgrade(upgrader);
      await upgraded;
      const closed = upgrader.close({ code: 1012, reason: 'back soon' });
      await client.until('\x88\x0b\x03\xf4back soon');
      client.write(closeFrame);
      await closed;
    });

    it('and cuts off who does not close in time', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const upgrader = new Upgrader({ closeTimeout: 60_000 });
      const { client, socket, upgraded } = await harness.upgrade(upgrader);
      const connection = await upgraded;
      await client.until('\r\n\r\n');
      const closed = upgrader.close({ timeout: 700 });
      await client.until('\x88\x02');
      clock.tick(699);
      expect(socket.destroyed).to.equal(false);
      clock.tick(1);
      await closed;
      const { code, error } = await connection.closed;
      expect(code).to.equal(1006);
      expect(error?.cause).to.be.instanceOf(TimeoutError).and.include({
        code: 'ANTS_CLOSE_TIMEOUT',
        message: 'the peer did not finish the closing handshake within 700 ms (the timeout of close())',
      });
    });

    it('and refuses with 503 what is undecided and what comes later', async () => {
      let signal!: AbortSignal;
      const upgrader = new Upgrader({
        authorize: (_request, context) => {
          signal = context.signal;
          return new Promise<undefined>(() => {});
        },
      });
      const first = await harness.request();
      const upgraded = upgrader.upgrade(first.request, first.socket, first.head);
      await Promise.all([upgrader.close(), rejection(upgraded)]);
      expect(signal.aborted).to.equal(true);
      expect(await first.client.ended).to.match(/^HTTP\/1\.1 503 /);
      const second = await harness.request();
      expect(await rejection(upgrader.upgrade(second.request, second.socket, second.head))).to.include({
        code: 'ANTS_HANDSHAKE_REFUSED',
        status: 503,
      });
      expect(await second.client.ended).to.match(/^HTTP\/1\.1 503 /);
    });

    it('and refuses with 503 when it is closed by a function of the options', async () => {
      const upgrader: Upgrader = new Upgrader({
        headers: () => {
          void upgrader.close();
          return {};
        },
      });
      const { request, socket, head } = await harness.request();
      expect(await rejection(upgrader.upgrade(request, socket, head))).to.have.property('status', 503);
    });

    it('and closes nothing with a code or reason that cannot be sent', async () => {
      const upgrader = new Upgrader();
      expect(await rejection(upgrader.close({ code: 1006 }))).to.be.instanceOf(TypeError);
      expect(await rejection(upgrader.close({ reason: 'x'.repeat(124) }))).to.be.instanceOf(TypeError);
      expect(await rejection(upgrader.close({ timeout: -1 }))).to.be.instanceOf(TypeError);
      const { upgraded } = await harness.upgrade(upgrader);
      expect((await upgraded).state).to.equal('open');
    });
  });
});
