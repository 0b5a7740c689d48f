import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { createProxy, type ProxyServer } from 'proxy';
import { dial } from '#src/client/dial.js';
import { reconnect } from '#src/client/reconnect.js';
import type { Connection } from '#src/connection/connection.js';
import type { HandshakeError } from '#src/errors.js';
import { serve } from '#src/server/serve.js';
import type { Server } from '#src/server/server.js';
import { tls } from '../fixtures/tls.js';

describe('client: through a proxy', () => {
  let proxy: ProxyServer;
  let server: Server;
  /** What the proxy was asked to connect to. */
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    proxy = createProxy();
    proxy.on('connect', ({ url }: { url: string }) => asked.push(url));
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
  });

  afterEach(async () => {
    await server.close();
    proxy.closeAllConnections();
    proxy.close();
    await once(proxy, 'close');
  });

  function agent(credentials = ''): HttpsProxyAgent<string> {
    return new HttpsProxyAgent(`http://${credentials}127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  }

  async function echo(options: Parameters<typeof serve>[0]): Promise<void> {
    server = await serve({ host: '127.0.0.1', ...options }, async (conn) => {
      for await (const message of conn) await conn.send(message);
    });
  }

  async function expectEcho(connection: Connection<unknown>): Promise<void> {
    for (const message of ['hello', 'ü'.repeat(100_000), Buffer.alloc(300_000, 7)]) {
      await connection.send(message);
      expect(await connection.receive()).to.deep.equal(message);
    }
    expect(await connection.close()).to.include({ code: 1000, wasClean: true });
  }

  it('speaks ws:', async () => {
    await echo({});
    await expectEcho(await dial(server.url, { agent: agent() }));
    expect(asked).to.deep.equal([`127.0.0.1:${server.port}`]);
  });

  it('speaks wss:, and checks the certificate of the server behind it', async () => {
    await echo({ tls });
    await expectEcho(await dial(server.url, { agent: agent(), tls: { ca: tls.cert } }));
    const error = await dial(server.url, { agent: agent() }).catch((reason) => reason as HandshakeError);
    expect(error).to.have.property('code', 'ANTS_CONNECT_FAILED');
    expect((error as HandshakeError).message).to.match(/trust it with the option tls: \{ ca \}$/);
  });

  it('brings credentials for the proxy, and tells of its refusal', async () => {
    await echo({});
    const basic = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
    proxy.authenticate = (request) => request.headers['proxy-authorization'] === basic;
    await expectEcho(await dial(server.url, { agent: agent('ada:secret@') }));
    const error = await dial(server.url, { agent: agent() }).catch((reason) => reason as HandshakeError);
    expect(error).to.include({ code: 'ANTS_HANDSHAKE_REFUSED', status: 407 });
  });

  it('comes back through it', async () => {
    await echo({});
    let count = 0;
    for await (const connection of reconnect(server.url, { agent: agent(), minDelay: 1, maxDelay: 1 })) {
      if (++count === 3) break;
      connection.terminate();
    }
    expect(asked).to.have.lengthOf(3);
  });

  it('says so when there is no proxy', async () => {
    await echo({});
    const nowhere = new HttpsProxyAgent('http://127.0.0.1:1');
    const error = await dial(server.url, { agent: nowhere }).catch((reason) => reason as HandshakeError);
    expect(error).to.have.property('code', 'ANTS_CONNECT_FAILED');
    expect((error as HandshakeError).message).to.include('ECONNREFUSED 127.0.0.1:1');
  });
});
