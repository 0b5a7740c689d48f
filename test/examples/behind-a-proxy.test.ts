import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from 'ants-ws';
import { expect } from 'chai';
import { createProxy } from 'proxy';
import { inOrder, killAll, start } from './program.js';

describe('example: behind-a-proxy', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('connects through the proxy of the environment, or directly', async () => {
    const server = await serve({ host: '127.0.0.1' }, async (conn) => {
      for await (const message of conn) await conn.send(message);
    });
    const proxy = createProxy();
    const asked: string[] = [];
    proxy.on('connect', ({ url }: { url: string }) => asked.push(url));
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;

    const behind = start('behind-a-proxy', [server.url], { HTTPS_PROXY: `http://${host}` });
    expect(await behind.exited).to.deep.equal(inOrder);
    expect(behind.output).to.equal(`connected through ${host}\nreceived hello`);
    expect(asked).to.deep.equal([`127.0.0.1:${server.port}`]);

    const direct = start('behind-a-proxy', [server.url], { HTTPS_PROXY: '' });
    expect(await direct.exited).to.deep.equal(inOrder);
    expect(direct.output).to.equal('connected directly\nreceived hello');
    expect(asked).to.have.lengthOf(1);

    await server.close();
    proxy.closeAllConnections();
    proxy.close();
  });
});
