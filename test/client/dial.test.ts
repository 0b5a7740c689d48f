import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { expect } from 'chai';
import sinon from 'sinon';
import { Dialer, dial } from '#src/client/dial.js';
import type { DialOptions } from '#src/client/options.js';
import type { Connection } from '#src/connection/connection.js';
import { HandshakeError, TimeoutError } from '#src/errors.js';
import { serve } from '#src/server/serve.js';
import { tls } from '../fixtures/tls.js';
import { RawServer, switching } from './raw-server.js';

/** An unmasked text frame, as RFC 6455 section 5.7 has it. */
const helloFrame = Buffer.from('810548656c6c6f', 'hex');

/** What a promise rejects with; it must not resolve. */
async function rejection(promise: Promise<unknown>): Promise<HandshakeError> {
  try {
    await promise;
  } catch (error) {
    return error as HandshakeError;
  }
  throw new Error('it resolved');
}

/** Waits until a socket is gone, in whatever way. */
async function untilClosed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

describe('client: dial', () => {
  let server: RawServer;
  const opened: Connection<unknown>[] = [];

  beforeEach(async () => {
    server = await RawServer.start();
  });

  afterEach(async () => {
    sinon.restore();
    for (const connection of opened.splice(0)) {
      connection.terminate();
      await connection.closed;
    }
    await server.stop();
  });

  /** Dials the raw server, which accepts; gives the connection and the request as text. */
  async function open<Data = undefined>(
    options: DialOptions<Data> = {},
    { url = server.url, lines = [] as string[], behind = Buffer.alloc(0) } = {},
  ) {
    const [connection, request] = await Promise.all([dial(url, options), server.accept(lines, behind)]);
    opened.push(connection as Connection<unknown>);
    return { connection, ...request };
  }

  describe('opens', () => {
    it('a connection with a request of one write', async () => {
      const { connection, text } = await open({}, { url: `${server.url}chat?room=1` });
      const [line, ...lines] = text.split('\r\n');
      expect(line).to.equal('GET /chat?room=1 HTTP/1.1');
      const key = lines.find((one) => one.startsWith('Sec-WebSocket-Key: '));
      expect(key).to.match(/: [A-Za-z0-9+/]{22}==$/);
      expect(lines).to.deep.equal([
        `Host: 127.0.0.1:${server.port}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        key,
        'Sec-WebSocket-Version: 13',
        '',
        '',
      ]);
      expect(connection.role).to.equal('client');
      expect(connection.state).to.equal('open');
      expect(connection.subprotocol).to.equal(undefined);
      expect(connection.data).to.equal(undefined);
      expect(connection.request.url).to.equal('/chat?room=1');
      expect(connection.request.headers.get('sec-websocket-version')).to.equal('13');
      expect(connection.remoteAddress).to.include({ address: '127.0.0.1', port: server.port });
    });

    it('with a new key each time', async () => {
      const [first, second] = [await open(), await open()];
      expect(first.text).not.to.equal(second.text);
    });

    it('and loses nothing that came behind the response', async () => {
      const { connection, socket } = await open(
        {},
        { behind: Buffer.concat([helloFrame, helloFrame.subarray(0, 1)]) },
      );
      socket.write(helloFrame.subarray(1));
      expect(await connection.receive()).to.equal('Hello');
      expect(await connection.receive()).to.equal('Hello');
    });

    it('from a URL object, and from http:', async () => {
      expect((await open({}, { url: new URL(server.url) as never })).connection.state).to.equal('open');
      expect((await open({}, { url: server.url.replace('ws:', 'http:') })).connection.state).to.equal('open');
    });

    it('after interim responses', async () => {
      const dialled = dial(server.url);
      const { text, socket } = await server.answer('HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n');
      socket.write(switching(text));
      opened.push((await dialled) as Connection<unknown>);
      expect(opened[0]!.state).to.equal('open');
    });

    it('with headers in every shape', async () => {
      for (const headers of [{ 'X-A': ['1', '2'] }, [['X-A', '1'] as const, ['X-A', '2'] as const]]) {
        expect((await open({ headers })).text).to.include('\r\nX-A: 1\r\nX-A: 2\r\n');
      }
      for (const headers of [new Headers({ 'x-a': '1' }), new Map([['x-a', '1']])]) {
        expect((await open({ headers })).text).to.include('\r\nx-a: 1\r\n');
      }
    });

    it("with the user's Host", async () => {
      const { text } = await open({ headers: { Host: 'other.example' } });
      expect(text.match(/\r\nHost: .*/g)).to.deep.equal(['\r\nHost: other.example']);
    });

    it('with an origin, which outweighs the header', async () => {
      const headers = { Origin: 'https://b.example' };
      expect((await open({ headers })).text).to.include('\r\nOrigin: https://b.example\r\n');
      const { text } = await open({ headers, origin: 'https://a.example' });
      expect(text.match(/\r\nOrigin: .*/g)).to.deep.equal(['\r\nOrigin: https://a.example']);
    });

    it('with the user and password of the URL, unless there is an Authorization', async () => {
      const url = server.url.replace('ws://', 'ws://ann:p%40ss@');
      const basic = `Basic ${Buffer.from('ann:p@ss').toString('base64')}`;
      const first = await open({}, { url });
      expect(first.text).to.include(`\r\nAuthorization: ${basic}\r\n`);
      expect(first.text).to.include(`\r\nHost: 127.0.0.1:${server.port}\r\n`);
      const second = await open({ headers: { authorization: 'Bearer x' } }, { url });
      expect(second.text.match(/\r\nauthorization: .*/gi)).to.deep.equal(['\r\nauthorization: Bearer x']);
    });

    it('with a subprotocol', async () => {
      const offer = { subprotocols: ['a', 'b'] };
      const { connection, text } = await open(offer, { lines: ['Sec-WebSocket-Protocol: b'] });
      expect(text).to.include('\r\nSec-WebSocket-Protocol: a, b\r\n');
      expect(connection.subprotocol).to.equal('b');
      expect((await open(offer)).connection.subprotocol).to.equal(undefined);
    });

    it('with data and with options for the connection', async () => {
      const { connection } = await open({ data: { id: 5 }, maxMessageSize: 4 }, { behind: helloFrame });
      expect(connection.data.id).to.equal(5);
      const { error } = await connection.closed;
      expect(error?.cause).to.have.property('code', 'ANTS_MESSAGE_TOO_BIG');
    });

    it('through an agent', async () => {
      const made: object[] = [];
      class Watching extends Agent {
        override createConnection(options: { host: string; port: number }) {
          made.push(options);
          return createConnection(options);
        }
      }
      const agent = new Watching({ keepAlive: true });
      const { connection } = await open({ agent });
      expect(made).to.have.lengthOf(1);
      expect(connection.state).to.equal('open');
      expect(Object.keys(agent.freeSockets)).to.deep.equal([]);
      expect(Object.keys(agent.sockets)).to.deep.equal([]);
    });

    it('through an agent that makes another kind of stream', async () => {
      class Piped extends Agent {
        override createConnection() {
          const socket = createConnection(server.port, '127.0.0.1');
          return Duplex.from({ readable: socket, writable: socket });
        }
      }
      const { connection } = await open({ agent: new Piped() as Agent }, { behind: helloFrame });
      expect(await connection.receive()).to.equal('Hello');
      expect(connection.remoteAddress).to.equal(undefined);
    });

    it('and leaves no timer, and no listener on the signal', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const { signal } = new AbortController();
      const add = sinon.spy(signal, 'addEventListener');
      const remove = sinon.spy(signal, 'removeEventListener');
      await open({ signal, heartbeatInterval: Infinity });
      expect(clock.countTimers()).to.equal(0);
      expect(add.callCount).to.equal(1);
      expect(remove.args).to.deep.equal(add.args);
    });
  });

  describe('opens elsewhere', () => {
    it('over a unix socket', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ants-'));
      const isWindows = process.platform === 'win32';
      const socketPath = isWindows ? `\\\\.\\pipe\\ants-dial-${process.pid}` : join(folder, 'ants.sock');
      const listening = await serve({ socketPath }, () => {});
      const connection = await dial('ws://any.example/', { socketPath });
      expect(connection.request.headers.get('host')).to.equal('any.example');
      await connection.close();
      await listening.close();
      const error = await rejection(dial('ws://any.example/', { socketPath }));
      expect(error.code).to.equal('ANTS_CONNECT_FAILED');
      expect(error.message).to.include(`cannot connect to ${socketPath}`);
      rmSync(folder, { recursive: true });
    });

    it('with TLS, and checks the certificate and its host', async () => {
      const listening = await serve({ tls, host: '127.0.0.1' }, () => {});
      const { port, url } = listening;
      const ca = tls.cert;
      for (const good of [url, url.replace('wss:', 'https:')]) {
        const connection = await dial(good, { tls: { ca } });
        expect(connection.state).to.equal('open');
        await connection.close();
      }
      const named = await dial(url, { tls: { ca, servername: 'localhost' } });
      await named.close();
      const agent = new SecureAgent({ ca });
      const through = await dial(url, { agent });
      await through.close();

      const untrusted = await rejection(dial(url));
      expect(untrusted.code).to.equal('ANTS_CONNECT_FAILED');
      expect(untrusted.message).to.match(
        /^cannot connect to 127\.0\.0\.1:\d+: .*self.signed.*; trust it with the option tls: \{ ca \}$/,
      );
      const misnamed = await rejection(dial(url, { tls: { ca, servername: 'other.example' } }));
      expect(misnamed).nested.property('cause.code').to.equal('ERR_TLS_CERT_ALTNAME_INVALID');
      const plain = await rejection(dial(`ws://127.0.0.1:${port}/`));
      expect(plain.code).to.equal('ANTS_CONNECT_FAILED');
      expect(plain.message).to.include('is it wss:?');
      await listening.close();
    });

    it('not with TLS where none is spoken, and says so', async () => {
      const listening = await serve({ host: '127.0.0.1' }, () => {});
      const error = await rejection(dial(listening.url.replace('ws:', 'wss:')));
      expect(error.code).to.equal('ANTS_CONNECT_FAILED');
      expect(error.message).to.match(
        /^cannot connect to 127\.0\.0\.1:\d+: the server does not speak TLS; is it ws:\?$/,
      );
      expect(error)
        .nested.property('cause.code')
        .to.match(/^(EPROTO|ERR_SSL_)/);
      await listening.close();
    });

    it('with the same defaults each time, and with other options this time', async () => {
      const dialer = new Dialer({ headers: { 'X-A': '1' }, subprotocols: ['a'] });
      const [first, firstRequest] = await Promise.all([
        dialer.dial(server.url, { subprotocols: ['b'], headers: undefined }),
        server.accept(),
      ]);
      const [second, secondRequest] = await Promise.all([dialer.dial(server.url), server.accept()]);
      opened.push(first as Connection<unknown>, second as Connection<unknown>);
      expect(firstRequest.text).to.include('\r\nX-A: 1\r\n').and.include('\r\nSec-WebSocket-Protocol: b\r\n');
      expect(secondRequest.text)
        .to.include('\r\nX-A: 1\r\n')
        .and.include('\r\nSec-WebSocket-Protocol: a\r\n');
    });
  });

  describe('rejects', () => {
    it('URLs and options that cannot be used, without connecting', async () => {
      const bad: DialOptions[] = [
        { subprotocols: ['a b'] },
        { subprotocols: ['a', 'a'] },
        { subprotocols: 'a' as never },
        { headers: { 'X-A': 'a\r\nX-B: b' } },
        { headers: { 'Sec-WebSocket-Protocol': 'a' } },
        { headers: { Connection: 'close' } },
        { headers: { 'Content-Length': '5' } },
        { origin: 'a\r\n' },
        { handshakeTimeout: 0 },
        { maxResponseBody: -1 },
        { maxHeaderSize: 0 },
        { maxMessageSize: Number.NaN },
      ];
      for (const options of bad) {
        expect(await rejection(dial(server.url, options)), JSON.stringify(options)).to.be.instanceOf(
          TypeError,
        );
        expect(() => new Dialer(options)).to.throw(TypeError);
      }
      for (const tls of [true, null, 'ca']) {
        const error = await rejection(dial(server.url, { tls: tls as never }));
        expect(error.message).to.match(/^tls must be an object, such as \{ ca \}; it is /);
      }
      for (const signal of [null, 5, new AbortController()]) {
        const error = await rejection(dial(server.url, { signal: signal as never }));
        expect(error).to.be.instanceOf(TypeError);
        expect(error.message).to.match(/^signal must be an AbortSignal, such as .*; it is /);
      }
      for (const url of ['nonsense', 'ftp://a/', 'ws://a/#b']) {
        expect(await rejection(dial(url))).to.be.instanceOf(TypeError);
      }
      const agent = new SecureAgent();
      expect(await rejection(dial(server.url, { agent }))).to.be.instanceOf(TypeError);
    });

    it('what is no object of options, or has names that it does not know', async () => {
      for (const [options, shown] of [
        [['chat'], 'an array'],
        ['chat', 'the string "chat"'],
        [null, 'null'],
        [5, '5'],
      ]) {
        const error = await rejection(dial(server.url, options as never));
        expect(error).to.be.instanceOf(TypeError);
        expect(error.message).to.equal(
          "the options of dial must be an object, such as { subprotocols: ['chat'] }; " +
            `what was given is ${shown}`,
        );
        expect(() => new Dialer(options as never)).to.throw(TypeError, 'the options of Dialer');
      }
      const error = await rejection(dial(server.url, { protocols: ['chat'] } as never));
      expect(error.message).to.equal('unknown option "protocols"; did you mean "subprotocols"?');
      expect(() => new Dialer({ port: 1 } as never)).to.throw(TypeError, 'unknown option "port"; those of');
    });

    it('when nobody listens', async () => {
      const other = await RawServer.start();
      const { url } = other;
      await other.stop();
      const error = await rejection(dial(url));
      expect(error).to.be.instanceOf(HandshakeError).with.property('code', 'ANTS_CONNECT_FAILED');
      expect(error.message).to.match(/^cannot connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
      expect(error.cause).to.have.property('code', 'ECONNREFUSED');
      expect(error).to.include({ status: undefined, body: '' });
    });

    it('when the server resets or ends the connection instead of an answer', async () => {
      for (const leave of ['resetAndDestroy', 'end'] as const) {
        const dialled = dial(server.url);
        const { socket } = await server.request();
        socket[leave]();
        const error = await rejection(dialled);
        expect(error.code).to.equal('ANTS_CONNECT_FAILED');
        expect(error.message).to.include('closed before a response came');
      }
    });

    it('an answer that is not HTTP, or half of one', async () => {
      for (const answer of ['\x15\x03\x01nonsense\r\n\r\n', 'HTTP/1.1 101 Switching\nUp:']) {
        const dialled = dial(server.url);
        const { socket } = await server.answer(answer);
        socket.end();
        const error = await rejection(dialled);
        expect(error).to.be.instanceOf(HandshakeError);
        expect(error.message).to.match(/not HTTP\/1\.1 \(|closed before a response/);
        await untilClosed(socket);
      }
      const dialled = dial(server.url);
      const { socket } = await server.answer('nonsense\r\n\r\n');
      expect(await rejection(dialled)).to.have.property('code', 'ANTS_HANDSHAKE_INVALID');
      await untilClosed(socket);
    });

    it('headers beyond the limit, which is an option', async () => {
      const large = `X-A: ${'x'.repeat(20_000)}`;
      const dialled = dial(server.url);
      const { socket } = await server.accept([large]);
      const error = await rejection(dialled);
      expect(error.code).to.equal('ANTS_HANDSHAKE_INVALID');
      expect(error.message).to.include('maxHeaderSize');
      await untilClosed(socket);
      expect((await open({ maxHeaderSize: 30_000 }, { lines: [large] })).connection.state).to.equal('open');
      expect((await open({ maxHeaderSize: Infinity }, { lines: [large] })).connection.state).to.equal('open');
    });

    const invalid: [name: string, change: (answer: string) => string, says: string][] = [
      ['with a wrong accept', (answer) => answer.replace(/Accept: ./, 'Accept: !'), 'Sec-WebSocket-Accept'],
      ['without Upgrade', (answer) => answer.replace('Upgrade: websocket\r\n', ''), 'Upgrade: websocket'],
      [
        'without Connection',
        (answer) => answer.replace('Connection: Upgrade\r\n', ''),
        'Connection: Upgrade',
      ],
      ['to another protocol', (answer) => answer.replace('websocket', 'h2c'), 'Upgrade: websocket'],
      [
        'with a subprotocol that was not offered',
        (answer) => answer.replace('Upgrade:', 'Sec-WebSocket-Protocol: x\r\nUpgrade:'),
        '"x"',
      ],
      [
        'with an extension that was not offered',
        (answer) => answer.replace('Upgrade:', 'Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade:'),
        'permessage-deflate',
      ],
    ];
    for (const [name, change, says] of invalid) {
      it(`a 101 ${name}, and destroys the socket`, async () => {
        const dialled = dial(server.url);
        const { text, socket } = await server.request();
        socket.write(change(switching(text)));
        const error = await rejection(dialled);
        expect(error).to.be.instanceOf(HandshakeError).with.property('code', 'ANTS_HANDSHAKE_INVALID');
        expect(error.message).to.include(says);
        expect(error.status).to.equal(101);
        await untilClosed(socket);
      });
    }
  });

  describe('is refused', () => {
    it('with status, headers and body, and destroys the socket', async () => {
      const dialled = dial(server.url);
      const { socket } = await server.answer(
        'HTTP/1.1 401 Whatever\r\nWWW-Authenticate: Basic\r\nContent-Length: 23\r\n\r\nWho are you?\nTell me more.',
      );
      const error = await rejection(dialled);
      expect(error).to.be.instanceOf(HandshakeError).with.property('code', 'ANTS_HANDSHAKE_REFUSED');
      expect(error.status).to.equal(401);
      expect(error.headers.get('www-authenticate')).to.equal('Basic');
      expect(error.body).to.equal('Who are you?\nTell me mo');
      expect(error.message).to.include('401 (Unauthorized): "Who are you?"');
      await untilClosed(socket);
    });

    it('with the first line of the body in the message, up to 300 characters', async () => {
      for (const [line, shown] of [
        ['x'.repeat(300), `"${'x'.repeat(300)}"`],
        ['x'.repeat(301), `"${'x'.repeat(300)}…"`],
      ]) {
        const dialled = dial(server.url);
        await server.answer(`HTTP/1.1 403 No\r\nContent-Length: 400\r\n\r\n${`${line}\n`.padEnd(400, 'y')}`);
        expect((await rejection(dialled)).message.endsWith(`403 (Forbidden): ${shown}`)).to.equal(true);
      }
    });

    it('also with a keep-alive agent, whose socket is not used again', async () => {
      const agent = new Agent({ keepAlive: true });
      const dialled = dial(server.url, { agent });
      const { socket } = await server.answer('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n');
      const error = await rejection(dialled);
      expect(error.message).to.match(/403 \(Forbidden\)$/);
      await untilClosed(socket);
      expect(Object.keys(agent.freeSockets)).to.deep.equal([]);
    });

    it('with an unknown status, 200 or a redirect', async () => {
      for (const status of [299, 200, 301, 999]) {
        const dialled = dial(server.url);
        await server.answer(`HTTP/1.1 ${status} \r\nContent-Length: 0\r\n\r\n`);
        expect(await rejection(dialled)).to.include({ code: 'ANTS_HANDSHAKE_REFUSED', status });
      }
    });

    it('with as much of the body as the option allows', async () => {
      const endless = `HTTP/1.1 500 x\r\n\r\n${'\u00e9'.repeat(50_000)}`;
      const sizes: [maxResponseBody: number | undefined, length: number][] = [
        [undefined, 32_768],
        [10, 5],
        [11, 5],
        [0, 0],
      ];
      for (const [maxResponseBody, length] of sizes) {
        const dialled = dial(server.url, { maxResponseBody });
        const { socket } = await server.answer(endless);
        const error = await rejection(dialled);
        expect(error.body).to.equal('\u00e9'.repeat(length));
        await untilClosed(socket);
      }
      const dialled = dial(server.url, { maxResponseBody: Infinity });
      const { socket } = await server.answer(endless);
      socket.end();
      expect((await rejection(dialled)).body).to.have.lengthOf(50_000);
    });

    it('with a body in chunks, whatever the agent', async () => {
      const response =
        'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWho \r\n8\r\nare you?\r\n0\r\n\r\n';
      for (const agent of [undefined, new Agent()]) {
        const dialled = dial(server.url, { agent });
        const { socket } = await server.answer(response);
        expect(await rejection(dialled)).to.include({ status: 403, body: 'Who are you?' });
        await untilClosed(socket);
      }
    });

    it('with what came of a body that breaks off', async () => {
      const dialled = dial(server.url);
      const { socket } = await server.request();
      socket.end('HTTP/1.1 500 x\r\nContent-Length: 100\r\n\r\npart');
      expect(await rejection(dialled)).to.include({ status: 500, body: 'part' });
    });

    it('with what came of a body that stalls until the deadline', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const dialled = dial(server.url, { handshakeTimeout: 500, agent: watchedAgent() });
      const { socket } = await server.answer('HTTP/1.1 500 x\r\nContent-Length: 100\r\n\r\npart');
      await arrived();
      clock.tick(500);
      expect(await rejection(dialled)).to.include({
        code: 'ANTS_HANDSHAKE_REFUSED',
        status: 500,
        body: 'part',
      });
      expect(clock.countTimers()).to.equal(0);
      await untilClosed(socket);
    });
  });

  /** The sockets that `watchedAgent` made. */
  const sockets: Socket[] = [];

  function watchedAgent(): Agent {
    class Watching extends Agent {
      override createConnection(options: { host: string; port: number }) {
        const socket = createConnection(options);
        sockets.push(socket);
        return socket;
      }
    }
    return new Watching();
  }

  /** Waits until the last client socket has been handed data, and the turn after it. */
  async function arrived(): Promise<void> {
    const socket = sockets.at(-1)!;
    while (socket.bytesRead === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }

  describe('gives up', () => {
    it('not when the response was there before a deadline that came late', async () => {
      const inTimers = setTimeout;
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const dialled = dial(server.url, { handshakeTimeout: 500 });
      const { text, socket } = await server.request();
      // As behind a blocked event loop: the timer is due when the response has arrived and nobody has looked at it.
      inTimers(() => {
        socket.write(switching(text));
        clock.tick(500);
      }, 1);
      const connection = await dialled;
      expect(connection.state).to.equal('open');
      connection.terminate();
    });

    it('when there is no response in time', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const dialled = dial(server.url, { handshakeTimeout: 500 });
      const { socket } = await server.request();
      clock.tick(499);
      expect(clock.countTimers()).to.equal(1);
      clock.tick(1);
      const error = await rejection(dialled);
      expect(error).to.be.instanceOf(TimeoutError).with.property('code', 'ANTS_HANDSHAKE_TIMEOUT');
      expect(error.message)
        .to.include('500 ms')
        .and.include('handshakeTimeout')
        .and.include(`${server.port}`);
      await untilClosed(socket);
    });

    it('after 10 seconds by default, and never when that is off', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const dialled = dial(server.url);
      await server.request();
      clock.tick(10_000);
      expect(await rejection(dialled)).to.be.instanceOf(TimeoutError);
      const patient = dial(server.url, { handshakeTimeout: Infinity });
      const { text, socket } = await server.request();
      expect(clock.countTimers()).to.equal(0);
      socket.write(switching(text));
      opened.push((await patient) as Connection<unknown>);
    });

    it('when a connection cannot even be made in time', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const stuck = new Duplex({ read() {}, write() {} });
      class Stuck extends Agent {
        override createConnection() {
          return stuck;
        }
      }
      const dialled = dial('ws://a.example/', { agent: new Stuck() as Agent });
      clock.tick(10_000);
      expect(await rejection(dialled)).to.be.instanceOf(TimeoutError);
      if (!stuck.destroyed) await once(stuck, 'close');
    });

    it('when the signal was aborted before, without connecting', async () => {
      const reason = new Error('early');
      const made = sinon.fake();
      class Watching extends Agent {
        override createConnection() {
          made();
          return new Duplex();
        }
      }
      const options = { signal: AbortSignal.abort(reason), agent: new Watching() as Agent };
      expect(await rejection(dial(server.url, options))).to.equal(reason);
      expect(made.callCount).to.equal(0);
    });

    it('when the signal is aborted while it connects', async () => {
      const controller = new AbortController();
      const dialled = dial(server.url, { signal: controller.signal, agent: watchedAgent() });
      const reason = new Error('while it connects');
      controller.abort(reason);
      expect(await rejection(dialled)).to.equal(reason);
      await untilClosed(sockets.at(-1)!);
    });

    it('when the signal is aborted before the response', async () => {
      const controller = new AbortController();
      const dialled = dial(server.url, { signal: controller.signal });
      const { socket } = await server.request();
      controller.abort();
      expect(await rejection(dialled)).to.have.property('name', 'AbortError');
      await untilClosed(socket);
    });

    it('when the signal is aborted within the body of a refusal', async () => {
      const controller = new AbortController();
      const dialled = dial(server.url, { signal: controller.signal, agent: watchedAgent() });
      const { socket } = await server.answer('HTTP/1.1 500 x\r\nContent-Length: 100\r\n\r\npart');
      await arrived();
      const reason = new Error('within the body');
      controller.abort(reason);
      expect(await rejection(dialled)).to.equal(reason);
      await untilClosed(socket);
    });

    it('while a name is being looked up, and while it connects, and leaves no socket behind', async () => {
      const looked = sinon.stub(dns, 'lookup').callsFake((() => {}) as never);
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const late = dial('ws://name.example/', { handshakeTimeout: 500 });
      clock.tick(500);
      expect(await rejection(late)).to.be.instanceOf(TimeoutError);
      const controller = new AbortController();
      const reason = new Error('given up');
      const aborted = dial('ws://name.example/', { signal: controller.signal });
      controller.abort(reason);
      expect(await rejection(aborted)).to.equal(reason);
      expect(looked.callCount).to.equal(2);
      looked.restore();
      const connecting = new AbortController();
      const other = dial(server.url, { signal: connecting.signal });
      connecting.abort(reason);
      expect(await rejection(other)).to.equal(reason);
      expect(clock.countTimers()).to.equal(0);
    });

    it('not any more when the connection is open', async () => {
      const controller = new AbortController();
      const { connection, socket } = await open({ signal: controller.signal });
      controller.abort();
      socket.write(helloFrame);
      expect(await connection.receive()).to.equal('Hello');
    });
  });
});
