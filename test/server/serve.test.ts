import { getEventListeners, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { expect } from 'chai';
import sinon from 'sinon';
import { dial } from '#src/client/dial.js';
import { AntsError } from '#src/errors.js';
import { type ServeOptions, serve } from '#src/server/serve.js';
import { Server } from '#src/server/server.js';
import { tls } from '../fixtures/tls.js';
import { rejection } from './harness.js';
import { formatRequest, RawClient } from './raw-client.js';

const echo = async (
  connection: AsyncIterable<string | Buffer> & { send(data: string | Buffer): unknown },
) => {
  for await (const message of connection) await connection.send(message);
};

describe('server: serve', () => {
  const servers: Server<unknown>[] = [];
  const clients: RawClient[] = [];
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ants-'));
  });

  after(() => rmSync(folder, { recursive: true }));

  afterEach(async () => {
    sinon.restore();
    for (const client of clients.splice(0)) client.socket.destroy();
    for (const server of servers.splice(0)) await server.close({ timeout: 0 });
  });

  async function start<Data = undefined>(options: ServeOptions<Data> = {}): Promise<Server<Data>> {
    const server = await serve<Data>({ host: '127.0.0.1', ...options }, echo);
    servers.push(server as Server<unknown>);
    return server;
  }

  async function connect(server: Server<unknown>): Promise<RawClient> {
    const client = await RawClient.connect({ port: server.port!, host: '127.0.0.1' });
    clients.push(client);
    return client;
  }

  async function ask(server: Server<unknown>, bytes: string): Promise<string> {
    const client = await connect(server);
    client.write(bytes);
    return client.ended;
  }

  async function echoes(url: string, options = {}): Promise<void> {
    const connection = await dial(url, options);
    await connection.send('hello');
    expect(await connection.receive()).to.equal('hello');
    await connection.close();
  }

  describe('listens', () => {
    it('on any free port of all addresses by default', async () => {
      const server = await start({ host: undefined });
      expect(server.port).to.be.greaterThan(0);
      expect(server.url).to.equal(`ws://localhost:${server.port}/`);
      expect(server.address()).to.include({ port: server.port });
      await echoes(server.url);
    });

    it('on a host, at a path', async () => {
      const server = await start({ path: '/ants' });
      expect(server.url).to.equal(`ws://127.0.0.1:${server.port}/ants`);
      await echoes(server.url);
      const other = new URL('/other', server.url);
      expect(await rejection(dial(other))).to.include({ code: 'ANTS_HANDSHAKE_REFUSED', status: 404 });
    });

    it('with a URL that can be dialled for wildcards and IPv6', async () => {
      const wildcard = await start({ host: '0.0.0.0' });
      expect(wildcard.url).to.equal(`ws://localhost:${wildcard.port}/`);
      const http = { address: () => ({ port: 5 }), on: () => {} };
      const init = { http, isOwn: false, isSecure: true, path: '/a' };
      expect(new Server({ ...init, host: '::1' } as never).url).to.equal('wss://[::1]:5/a');
      expect(new Server({ ...init, host: '::' } as never).url).to.equal('wss://localhost:5/a');
    });

    it('on a port that is given', async () => {
      const free = await start();
      const port = free.port!;
      await free.close();
      const server = await start({ port, backlog: 5 });
      expect(server.port).to.equal(port);
    });

    it('on a unix socket', async () => {
      const isWindows = process.platform === 'win32';
      const socketPath = isWindows ? `\\\\.\\pipe\\ants-${process.pid}` : join(folder, 'ants.sock');
      const server = await start({ host: undefined, socketPath, path: '/chat' });
      expect(server.url).to.equal('ws://localhost/chat');
      expect(server.port).to.equal(undefined);
      expect(server.address()).to.equal(socketPath);
      await echoes(server.url, { socketPath });
    });

    it('with TLS', async () => {
      const server = await start({ tls });
      expect(server.url).to.equal(`wss://127.0.0.1:${server.port}/`);
      await echoes(server.url, { tls: { ca: tls.cert } });
    });

    it('with the backlog that is given', async () => {
      const listen = sinon.spy(createServer().constructor.prototype, 'listen');
      await start({ backlog: 7 });
      expect(listen.firstCall.args[0]).to.include({ backlog: 7, port: 0 });
    });

    it('with authorize and its data', async () => {
      const seen: string[] = [];
      const server = await serve({ host: '127.0.0.1', authorize: () => ({ user: 'ann' }) }, (connection) => {
        seen.push(connection.data.user);
        connection.close(1000);
      });
      servers.push(server as Server<unknown>);
      const connection = await dial(server.url);
      await connection.closed;
      expect(seen).to.deep.equal(['ann']);
    });
  });

  describe('rejects', () => {
    it('when the port is taken, and says what to do', async () => {
      const { port } = await start();
      const error = await rejection(serve({ port, host: '127.0.0.1' }, echo));
      expect(error).to.be.instanceOf(AntsError).with.property('code', 'ANTS_LISTEN_FAILED');
      expect(error).nested.property('cause.code').to.equal('EADDRINUSE');
      expect(error)
        .property('message')
        .to.match(new RegExp(`127\\.0\\.0\\.1:${port} .*EADDRINUSE.*in use.*another port`));
    });

    it('when the address is not here, and for any other reason', async () => {
      const error = await rejection(serve({ host: '192.0.2.1' }, echo));
      expect(error).to.have.property('code', 'ANTS_LISTEN_FAILED');
      expect(error).property('message').to.include('192.0.2.1:0').and.include('EADDRNOTAVAIL');
      const socketPath = join(folder, 'no', 'folder.sock');
      const second = await rejection(serve({ socketPath }, echo));
      expect(second).property('message').to.include(socketPath);
      const blocker = createNetServer().listen(0);
      await once(blocker, 'listening');
      const { port } = blocker.address() as AddressInfo;
      const third = await rejection(serve({ port }, echo));
      expect(third).property('message').to.include(`port ${port}`);
      blocker.close();
    });

    it('options that do not go together', async () => {
      const http = createServer();
      const bad: ServeOptions[] = [
        { server: http, port: 1 },
        { server: http, host: 'a' },
        { server: http, socketPath: '/a' },
        { server: http, tls: {} },
        { server: http, backlog: 1 },
        { server: http, maxHeaderSize: 1 },
        { socketPath: '/a', port: 1 },
        { socketPath: '/a', host: 'a' },
      ];
      for (const options of bad) expect(await rejection(serve(options, echo))).to.be.instanceOf(TypeError);
      expect(http.listenerCount('upgrade')).to.equal(0);
    });

    it('options that cannot be used', async () => {
      const bad: ServeOptions[] = [
        { port: -1 },
        { port: 65_536 },
        { port: 1.5 },
        { maxHeaderSize: 0 },
        { handshakeTimeout: 0 },
        { path: 'ants' },
      ];
      for (const options of bad) expect(await rejection(serve(options, echo))).to.be.instanceOf(TypeError);
      expect(await rejection(serve({}, undefined as never))).to.be.instanceOf(TypeError);
      for (const port of ['8080', 8080.5, null]) {
        const { message } = (await rejection(serve({ port: port as never }, echo))) as Error;
        expect(message).to.match(/^port must be a whole number from 0 to 65535; it is /);
        expect(
          message.endsWith(typeof port === 'string' ? 'it is the string "8080"' : `it is ${port}`),
        ).to.equal(true);
      }
      expect(await rejection(serve({ tls: { cert: 'nonsense' } }, echo))).to.be.instanceOf(Error);
    });
  });

  describe('says what it wants', () => {
    async function complaint(options: unknown): Promise<string> {
      const error = await rejection(serve(options as ServeOptions, echo));
      expect(error).to.be.instanceOf(TypeError);
      return (error as TypeError).message;
    }

    it('when the options are no object', async () => {
      for (const [options, shown] of [
        [8080, '8080'],
        [undefined, 'undefined'],
        [null, 'null'],
        ['8080', 'the string "8080"'],
        [[8080], 'an array'],
        [echo, 'a function'],
      ]) {
        expect(await complaint(options)).to.equal(
          `the options of serve must be an object, such as { port: 8080 }; what was given is ${shown}`,
        );
      }
    });

    it('when it does not know an option', async () => {
      expect(await complaint({ orgins: [] })).to.equal('unknown option "orgins"; did you mean "origins"?');
      expect(await complaint({ prot: 1 })).to.equal('unknown option "prot"; did you mean "port"?');
      expect(await complaint({ cheese: 1 })).to.match(
        /^unknown option "cheese"; those of serve are port, host, .*, maxMessageSize, .*, handshakeTimeout, sharedReads$/,
      );
    });

    it('when the signal is none', async () => {
      for (const signal of [null, 5, new AbortController()]) {
        expect(await complaint({ signal })).to.match(/^signal must be an AbortSignal, such as .*; it is /);
      }
    });

    it('when the server is none', async () => {
      const app = Object.assign(() => {}, { on: () => {}, listen: () => {} });
      for (const server of [app, {}, null, 8080]) {
        expect(await complaint({ server })).to.match(
          /^server must be an http\.Server; with Express that is what app\.listen\(\) returns; it is /,
        );
      }
    });

    it('when tls has nothing to show to clients', async () => {
      for (const wrong of [true, null, 'cert.pem', {}, { ca: tls.cert }, { key: tls.key }]) {
        expect(await complaint({ tls: wrong })).to.match(
          /^tls must be an object with cert and key, or with pfx, SNICallback or pskCallback; it is /,
        );
      }
    });
  });

  it('takes TLS that finds its certificate later', async () => {
    const SNICallback = (_name: string, found: (error: Error | null, context?: SecureContext) => void) =>
      found(null, createSecureContext(tls));
    const server = await start({ tls: { SNICallback } });
    await echoes(server.url, { tls: { ca: tls.cert, servername: 'localhost' } });
  });

  describe('answers', () => {
    it('plain HTTP requests with 426 and a text', async () => {
      const server = await start({ path: '/ants' });
      for (const path of ['/', '/ants']) {
        const response = await fetch(new URL(path, server.url.replace('ws', 'http')));
        expect(response.status).to.equal(426);
        expect(response.headers.get('upgrade')).to.equal('websocket');
        expect(response.headers.get('connection')).to.equal('Upgrade, close');
        expect(await response.text()).to.include('WebSocket');
      }
    });

    it('an upload without reading it to its end', async () => {
      const server = await start();
      const upload = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n';
      expect(await ask(server, `${upload}xxx`)).to.match(/^HTTP\/1\.1 426 /);
    });

    it('an upgrade to something else with 426', async () => {
      const server = await start();
      const text = await ask(
        server,
        formatRequest({ headers: { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings' } }),
      );
      expect(text)
        .to.match(/^HTTP\/1\.1 426 /)
        .and.include('\r\nUpgrade: websocket\r\n');
    });

    it('HTTP/1.0 with 400', async () => {
      const server = await start();
      expect(await ask(server, formatRequest({ httpVersion: '1.0' }))).to.match(/^HTTP\/1\.1 400 /);
    });

    it('what is not HTTP with 400, once', async () => {
      const server = await start();
      const client = await connect(server);
      client.write('\x16\x03\x01 nonsense\r\n\r\n');
      await client.until('HTTP/1.1 400');
      client.write('more nonsense\r\n\r\n');
      const text = await client.ended;
      expect(text.match(/HTTP\/1\.1 400/g)).to.have.lengthOf(1);
      expect(text).to.include('HPE_');
    });

    it('a body that would become frames with 400', async () => {
      const server = await start();
      const smuggled = formatRequest({ headers: { 'Transfer-Encoding': 'chunked' } });
      expect(await ask(server, smuggled)).to.match(/^HTTP\/1\.1 400 /);
    });

    it('a flood of headers with 431', async () => {
      const server = await start();
      const text = await ask(server, formatRequest({ headers: { 'X-A': 'x'.repeat(17_000) } }));
      expect(text)
        .to.match(/^HTTP\/1\.1 431 /)
        .and.include('16384')
        .and.include('maxHeaderSize');
    });

    it('headers up to the limit that is given', async () => {
      const large = formatRequest({ headers: { 'X-A': 'x'.repeat(30_000) } });
      const client = await connect(await start({ maxHeaderSize: 40_000 }));
      client.write(large);
      await client.until('HTTP/1.1 101');
      const unlimited = await connect(await start({ maxHeaderSize: Infinity }));
      unlimited.write(large);
      await unlimited.until('HTTP/1.1 101');
      const small = await ask(await start({ maxHeaderSize: 100 }), formatRequest());
      expect(small)
        .to.match(/^HTTP\/1\.1 431 /)
        .and.include('100 bytes');
    });

    it('more headers than Node keeps, with those that matter last', async () => {
      const server = await start({ maxHeaderSize: 100_000 });
      const filler = Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`X-${i}`, 'x']));
      const [line, ...rest] = formatRequest().split('\r\n');
      const fillers = Object.entries(filler).map(([name, value]) => `${name}: ${value}`);
      const client = await connect(server);
      client.write([line, ...fillers, ...rest].join('\r\n'));
      await client.until('HTTP/1.1 101');
      const foreign = await connect(server);
      const origin = 'Origin: http://evil.example';
      foreign.write([line, ...fillers, origin, ...rest].join('\r\n'));
      await foreign.until('HTTP/1.1 403');
    });

    it('a request that does not arrive in time with 408', async () => {
      const server = await start({ handshakeTimeout: 40 });
      const texts = await Promise.all([ask(server, formatRequest().slice(0, 40)), ask(server, '')]);
      for (const text of texts)
        expect(text)
          .to.match(/^HTTP\/1\.1 408 /)
          .and.include('40 ms');
    });

    it('without a deadline when it is off', async () => {
      const create = sinon.spy(createServer().constructor.prototype, 'listen');
      await start({ handshakeTimeout: Infinity });
      expect(create.firstCall.thisValue).to.include({ headersTimeout: 0, requestTimeout: 0 });
    });

    it('nobody who resets the connection, and goes on', async () => {
      const server = await start();
      for (const bytes of ['', 'GET / HT', formatRequest(), 'nonsense\r\n\r\n']) {
        const client = await connect(server);
        client.write(bytes);
        client.socket.resetAndDestroy();
        await client.ended;
      }
      await echoes(server.url);
    });

    it('nobody who speaks no TLS where TLS is spoken, and goes on', async () => {
      const server = await start({ tls });
      expect(await ask(server, formatRequest())).not.to.include('101');
      const secure = connectTls({ port: server.port!, host: '127.0.0.1', ca: tls.cert });
      await once(secure, 'secureConnect');
      secure.write('nonsense\r\n\r\n');
      const [text] = (await once(secure.setEncoding('latin1'), 'data')) as [string];
      expect(text).to.match(/^HTTP\/1\.1 400 /);
      secure.destroy();
      await echoes(server.url, { tls: { ca: tls.cert } });
    });

    it('nobody who is silent where TLS is spoken', async () => {
      const server = await start({ tls, handshakeTimeout: 40 });
      expect(await ask(server, '')).to.equal('');
    });
  });

  describe('closes', () => {
    it('with 1001 for everyone, and frees the port', async () => {
      const server = await start();
      const port = server.port!;
      const connections = await Promise.all([dial(server.url), dial(server.url)]);
      expect(server.connections.size).to.equal(2);
      await server.close();
      for (const connection of connections) {
        expect(await connection.closed).to.include({ code: 1001, wasClean: true });
      }
      expect(server.connections.size).to.equal(0);
      expect(server.address()).to.equal(null);
      await start({ port });
    });

    it('with another code and reason', async () => {
      const server = await start();
      const connection = await dial(server.url);
      await server.close({ code: 1012, reason: 'restart' });
      expect(await connection.closed).to.include({ code: 1012, reason: 'restart' });
    });

    it('and still knows where it was', async () => {
      const http = createServer().listen(0, '127.0.0.1');
      await once(http, 'listening');
      const before = http.listenerCount('listening');
      const given = await start({ host: undefined, server: http });
      for (const server of [await start(), given]) {
        const { url, port } = server;
        await server.close();
        http.close();
        expect(server).to.include({ url, port });
        expect(port).to.be.a('number');
        expect(server.address()).to.equal(null);
      }
      expect(http.listenerCount('listening')).to.equal(before);
    });

    it('once, however often it is called', async () => {
      const server = await start();
      const closed = server.close();
      expect(server.close({ code: 1012 })).to.equal(closed);
      await closed;
    });

    it('at the end of a block', async () => {
      const server = await start();
      await server[Symbol.asyncDispose]();
      expect(server.address()).to.equal(null);
    });

    it('also with half requests and refused clients that do not go', async () => {
      const plain = await start();
      const secure = await start({ tls });
      const half = await connect(plain);
      half.write('GET / HTTP/1.1\r\n');
      const refused = await RawClient.connect({ port: plain.port!, host: '127.0.0.1', allowHalfOpen: true });
      clients.push(refused);
      refused.write(formatRequest({ method: 'POST' }));
      await refused.until('\r\n\r\n');
      await connect(secure);
      await Promise.all([plain.close(), secure.close()]);
    });

    it('not when an argument cannot be used: everything goes on, and it can be closed later', async () => {
      const server = await start();
      const connection = await dial(server.url);
      for (const wrong of [{ code: 5 }, { reason: 'x'.repeat(124) }, { timeout: Number.NaN }]) {
        expect(await rejection(server.close(wrong))).to.be.instanceOf(TypeError);
      }
      await connection.send('still there');
      expect(await connection.receive()).to.equal('still there');
      void connection.closed;
      await server.close();
      expect(await connection.closed).to.include({ code: 1001 });
      expect(server.address()).to.equal(null);
    });

    it('and answers 503 to a client that waits for authorize', async () => {
      let isAsked!: () => void;
      const asked = new Promise<void>((resolve) => {
        isAsked = resolve;
      });
      const server = await start<undefined>({
        authorize: () => {
          isAsked();
          return new Promise<undefined>(() => {});
        },
      });
      const refused = rejection(dial(server.url));
      await asked;
      await server.close();
      expect(await refused).to.include({ code: 'ANTS_HANDSHAKE_REFUSED', status: 503 });
    });

    it('when the signal is aborted', async () => {
      const controller = new AbortController();
      const server = await start({ signal: controller.signal });
      const connection = await dial(server.url);
      controller.abort();
      expect(await connection.closed).to.include({ code: 1001 });
      await server.close();
      expect(server.address()).to.equal(null);
    });

    it('before it has begun, when the signal is aborted that early', async () => {
      const reason = new Error('early');
      expect(await rejection(serve({ signal: AbortSignal.abort(reason) }, echo))).to.equal(reason);
      const controller = new AbortController();
      const serving = serve({ signal: controller.signal }, echo);
      controller.abort(reason);
      expect(await rejection(serving)).to.equal(reason);
    });

    it('and leaves nothing on the signal when it cannot listen', async () => {
      const { signal } = new AbortController();
      const { port } = await start();
      expect(await rejection(serve({ host: '127.0.0.1', port, signal }, echo))).to.be.instanceOf(AntsError);
      expect(getEventListeners(signal, 'abort')).to.be.empty;
    });

    it('and takes its listener from the signal', async () => {
      const { signal } = new AbortController();
      const remove = sinon.spy(signal, 'removeEventListener');
      const add = sinon.spy(signal, 'addEventListener');
      const server = await start({ signal });
      await server.close();
      expect(remove.args).to.deep.equal(add.args);
      expect(add.callCount).to.equal(1);
    });
  });

  it('tells onError when the system fails to accept a connection', async () => {
    const onError = sinon.fake();
    const listen = sinon.spy(createServer().constructor.prototype, 'listen');
    await start({ onError });
    const error = new Error('EMFILE');
    listen.firstCall.thisValue.emit('error', error);
    expect(onError.args).to.deep.equal([[error]]);
  });

  describe('on a server that is there', () => {
    it('shares the port with its routes', async () => {
      const http = createServer((_request, response) => response.end('page')).listen(0, '127.0.0.1');
      await once(http, 'listening');
      const server = await start({ host: undefined, server: http, path: '/chat' });
      expect(server.url).to.equal(`ws://localhost:${server.port}/chat`);
      await echoes(server.url);
      const page = await fetch(server.url.replace('ws', 'http'));
      expect(await page.text()).to.equal('page');
      const connection = await dial(server.url);
      await server.close();
      expect(await connection.closed).to.include({ code: 1001 });
      expect(http.listening).to.equal(true);
      expect(http.listenerCount('upgrade')).to.equal(0);
      http.close();
      await once(http, 'close');
    });

    it('which may listen later, or with TLS', async () => {
      const http = createSecureServer({ ...tls });
      const server = await start({ host: undefined, server: http });
      expect(server.port).to.equal(undefined);
      expect(() => server.url)
        .to.throw(AntsError, /^there is no url before the HTTP server listens; .* event 'listening'$/)
        .with.property('code', 'ANTS_NOT_LISTENING');
      http.listen(0, '127.0.0.1');
      await once(http, 'listening');
      expect(server.url).to.equal(`wss://localhost:${(http.address() as AddressInfo).port}/`);
      await echoes(server.url, { tls: { ca: tls.cert } });
      await server.close();
      http.close();
      await once(http, 'close');
    });
  });

  it('keeps the process alive for nobody', async () => {
    // A plain client with an agent of its own, to see that the answer ends the connection.
    const server = await start();
    const request = httpRequest(server.url.replace('ws', 'http'), { agent: false });
    request.end();
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'close');
    expect(server.connections.size).to.equal(0);
  });
});
