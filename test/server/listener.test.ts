import { expect } from 'chai';
import sinon from 'sinon';
import type { Connection } from '#src/connection/connection.js';
import { HandshakeRequest } from '#src/connection/request.js';
import type { UpgradeHandler } from '#src/server/listener.js';
import { Upgrader } from '#src/server/upgrader.js';
import { Harness } from './harness.js';
import { formatRequest } from './raw-client.js';

describe('server: Upgrader.handler', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(async () => {
    sinon.restore();
    await harness.stop();
  });

  /** Sends a request for `url` and returns the response, or its head when it is a 101. */
  async function ask(url: string, changes = {}): Promise<string> {
    const client = await harness.connect();
    client.write(formatRequest({ url, ...changes }));
    await client.until('\r\n\r\n');
    return client.received.startsWith('HTTP/1.1 101') ? client.received : client.ended;
  }

  /** A handler that keeps the connections open and remembers the paths that it served. */
  function remember(served: string[]): UpgradeHandler<undefined> {
    return (connection, request) => {
      connection.on('message', () => {});
      served.push(request.url);
    };
  }

  it('serves connections of one path, with or without a query', async () => {
    const served: string[] = [];
    harness.http.on('upgrade', new Upgrader().handler('/chat', remember(served)));
    expect(await ask('/chat')).to.match(/^HTTP\/1\.1 101 /);
    expect(await ask('/chat?a=/b')).to.match(/^HTTP\/1\.1 101 /);
    expect(await ask('http://server.example.com/chat')).to.match(/^HTTP\/1\.1 101 /);
    expect(served).to.deep.equal(['/chat', '/chat?a=/b', 'http://server.example.com/chat']);
  });

  it('answers all other paths with 404 when nobody else is there', async () => {
    harness.http.on(
      'upgrade',
      new Upgrader().handler('/chat', () => {}),
    );
    for (const path of ['/', '/chat/', '/CHAT', '/chatter', '//chat', '/%63hat', '/a/../chat', '/?/chat']) {
      expect(await ask(path), path).to.match(/^HTTP\/1\.1 404 Not Found\r\n/);
    }
    expect(await ask('/other')).to.match(/\r\n\r\nThere is no WebSocket at "\/other"\.\n$/);
  });

  it('answers them as a listener that is called once, too', async () => {
    harness.http.once(
      'upgrade',
      new Upgrader().handler('/chat', () => {}),
    );
    expect(await ask('/other')).to.match(/^HTTP\/1\.1 404 /);
  });

  it('answers malformed targets with 400', async () => {
    harness.http.on(
      'upgrade',
      new Upgrader().handler('/chat', () => {}),
    );
    expect(await ask('*'))
      .to.match(/^HTTP\/1\.1 400 /)
      .and.include('malformed');
    expect(await ask('/chat#x')).to.match(/^HTTP\/1\.1 400 /);
  });

  it('serves every path without one', async () => {
    const served: string[] = [];
    harness.http.on('upgrade', new Upgrader().handler(remember(served)));
    harness.http.removeAllListeners('upgrade');
    harness.http.on('upgrade', new Upgrader().handler(undefined, remember(served)));
    expect(await ask('/a')).to.match(/^HTTP\/1\.1 101 /);
    expect(await ask('/b')).to.match(/^HTTP\/1\.1 101 /);
    expect(served).to.deep.equal(['/a', '/b']);
  });

  it('hands the small copy of the request over', async () => {
    let seen: unknown[] = [];
    const handler = (connection: Connection<undefined>, request: HandshakeRequest) => {
      seen = [connection.request, request];
    };
    harness.http.on('upgrade', new Upgrader().handler('/chat', handler));
    await ask('/chat');
    expect(seen[0]).to.be.instanceOf(HandshakeRequest);
    expect(seen[0]).to.equal(seen[1]);
  });

  it('closes the connection as an async handler settles', async () => {
    harness.http.on(
      'upgrade',
      new Upgrader().handler('/chat', async () => {}),
    );
    const client = await harness.connect();
    client.write(formatRequest());
    await client.until('\x88\x02\x03\xe8');
  });

  it('lives beside others on the same server', async () => {
    const a: string[] = [];
    const b: string[] = [];
    harness.http.on('upgrade', new Upgrader().handler('/a', remember(a)));
    harness.http.on('upgrade', new Upgrader().handler('/b', remember(b)));
    expect(await ask('/a')).to.match(/^HTTP\/1\.1 101 /);
    expect(await ask('/b')).to.match(/^HTTP\/1\.1 101 /);
    const refusal = await ask('/c');
    expect(refusal).to.match(/^HTTP\/1\.1 404 /);
    // One answer, from the last of them.
    expect(refusal.match(/HTTP\/1\.1/g)).to.have.lengthOf(1);
    expect(a).to.deep.equal(['/a']);
    expect(b).to.deep.equal(['/b']);
  });

  it('leaves foreign paths to listeners of other software', async () => {
    harness.http.on(
      'upgrade',
      new Upgrader().handler('/chat', () => {}),
    );
    harness.http.on('upgrade', (request, socket) => {
      if (request.url === '/hmr') socket.end('HTTP/1.1 101 Other\r\n\r\n');
      else if (request.url !== '/chat') socket.end('HTTP/1.1 418 Other\r\n\r\n');
    });
    expect(await ask('/hmr')).to.equal('HTTP/1.1 101 Other\r\n\r\n');
    expect(await ask('/other')).to.equal('HTTP/1.1 418 Other\r\n\r\n');
    expect(await ask('/chat')).to.match(/^HTTP\/1\.1 101 Switching/);
  });

  it('answers with 404 when it is called by hand for a foreign path', async () => {
    const listener = new Upgrader().handler('/chat', () => {});
    harness.http.on('upgrade', (request, socket, head) => {
      listener.call(undefined, request, socket, head);
    });
    expect(await ask('/other')).to.match(/^HTTP\/1\.1 404 /);
    expect(await ask('/chat')).to.match(/^HTTP\/1\.1 101 /);
  });

  it('tells onError about functions that throw, and nothing about clients', async () => {
    const onError = sinon.fake();
    const thrown = new Error('thrown');
    const upgrader = new Upgrader<boolean | undefined>({
      onError,
      authorize: (request) => {
        if (request.url === '/throws') throw thrown;
        if (request.url === '/false') return false;
        return request.url === '/refused' ? new Response('no', { status: 403 }) : undefined;
      },
    });
    harness.http.on(
      'upgrade',
      upgrader.handler(() => {}),
    );
    expect(await ask('/refused')).to.match(/^HTTP\/1\.1 403 /);
    expect(await ask('/chat', { method: 'POST' })).to.match(/^HTTP\/1\.1 405 /);
    expect(onError.callCount).to.equal(0);
    expect(await ask('/throws')).to.match(/^HTTP\/1\.1 500 /);
    expect(onError.args).to.deep.equal([[thrown]]);
    expect(await ask('/false')).to.match(/^HTTP\/1\.1 500 /);
    expect(onError.lastCall.args[0]).to.be.instanceOf(TypeError);
  });

  it('tells onError about the connection whose handler throws', async () => {
    const thrown = new Error('thrown');
    const failed = new Promise<unknown[]>((resolve) => {
      const upgrader = new Upgrader({ onError: (...args) => resolve(args) });
      harness.http.on(
        'upgrade',
        upgrader.handler('/chat', () => {
          throw thrown;
        }),
      );
    });
    const client = await harness.connect();
    client.write(formatRequest());
    const [error, connection] = await failed;
    expect(error).to.equal(thrown);
    expect(connection).to.have.property('role', 'server');
    await client.until('\x88\x02\x03\xf3');
  });

  it('tells onError when two handlers take the same request', async () => {
    const failed = new Promise<unknown>((resolve) => {
      const upgrader = new Upgrader({ onError: resolve });
      harness.http.on('upgrade', upgrader.handler('/chat', remember([])));
      harness.http.on('upgrade', upgrader.handler('/chat', remember([])));
    });
    expect(await ask('/chat')).to.match(/^HTTP\/1\.1 101 /);
    expect(await failed)
      .to.be.instanceOf(TypeError)
      .property('message')
      .to.include('before');
  });

  it('prints errors when there is no onError, also those of onError itself', async () => {
    const print = sinon.stub(console, 'error');
    const thrown = new Error('thrown');
    const second = new Error('second');
    const authorize = () => {
      throw thrown;
    };
    harness.http.on(
      'upgrade',
      new Upgrader({ authorize }).handler('/a', () => {}),
    );
    const onError = () => {
      throw second;
    };
    harness.http.on(
      'upgrade',
      new Upgrader({ authorize, onError }).handler('/b', () => {}),
    );
    expect(await ask('/a')).to.match(/^HTTP\/1\.1 500 /);
    expect(await ask('/b')).to.match(/^HTTP\/1\.1 500 /);
    sinon.assert.calledWithExactly(print, sinon.match(/^ants-ws: /), thrown);
    sinon.assert.calledWithExactly(print, thrown, second);
  });

  it('wants a path and a function', () => {
    const upgrader = new Upgrader();
    for (const path of ['', 'chat', '/a?b', '/a#b', '/a b', 'http://a/b', '*', 5 as never]) {
      expect(() => upgrader.handler(path, () => {}), String(path)).to.throw(TypeError, 'is not a path');
    }
    expect(() => upgrader.handler('/a', undefined as never)).to.throw(TypeError, 'function');
    expect(() => upgrader.handler('/a' as never)).to.throw(TypeError, 'function');
  });
});
