import { once } from 'node:events';
import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Connection, dial, HandshakeError } from 'ants-ws';
import { expect } from 'chai';
import { RawServer } from '../client/raw-server.js';
import { signed, tls } from '../fixtures/tls.js';
import { outcome } from '../support/connections.js';
import { upgradeWith } from './upgrading.js';

describe('advisories: secrets', () => {
  for (const withAgent of [false, true]) {
    it(`CVE-2020-15133 (faye-websocket): the host of a certificate was not checked${withAgent ? ', here with an agent' : ''}`, async () => {
      let requests = 0;
      const https = createServer({ key: tls.key, cert: signed.otherHost });
      https.on('upgrade', (_request, socket) => {
        requests++;
        socket.end('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n');
      });
      https.listen(0, '127.0.0.1');
      await once(https, 'listening');
      const url = `wss://ann:secret@localhost:${(https.address() as AddressInfo).port}/`;
      const { ca } = signed;
      const agent = withAgent ? new Agent({ ca }) : undefined;
      // The authority is trusted; it is the name that is wrong.
      expect(await outcome(dial(url, { tls: { ca }, agent })))
        .to.be.instanceOf(HandshakeError)
        .with.nested.property('cause.code', 'ERR_TLS_CERT_ALTNAME_INVALID');
      expect(requests).to.equal(0);
      const named = withAgent ? new Agent({ ca, servername: 'other.example' }) : undefined;
      const options = { tls: { ca, servername: 'other.example' }, agent: named };
      expect(await outcome(dial(url, options))).to.have.property('status', 403);
      expect(requests).to.equal(1);
      https.close();
      await once(https, 'close');
    });
  }

  // There is no check of passwords here that could take its time; the guide shows one that is constant.
  it('CVE-2021-33880 (python-websockets): the time of basic authorization told of the password; nothing looks at it but authorize', async () => {
    const secret = 'Basic YW5uOnNlY3JldA==';
    let looks = 0;
    const watched = (rawHeaders: string[]) =>
      new Proxy(rawHeaders, {
        get(target, key) {
          if (typeof key === 'string' && target[Number(key)] === secret) looks++;
          return Reflect.get(target, key) as unknown;
        },
      });
    let before: number | undefined;
    const authorize = (request: { rawHeaders: string[] }) => {
      before = looks;
      return request.rawHeaders.includes(secret) ? 'ann' : new Response(null, { status: 401 });
    };
    const connection = await upgradeWith({ Authorization: secret }, { authorize }, watched);
    expect(connection).to.be.instanceOf(Connection).with.property('data', 'ann');
    expect(before).to.equal(0);
    // Authorize has.
    expect(looks).to.be.above(0);
    (connection as Connection).terminate();
  });

  it('python-websockets: a redirect carried credentials to another origin', async () => {
    const [first, second] = [await RawServer.start(), await RawServer.start()];
    const headers = { Authorization: 'Bearer x', Cookie: 'a=b', 'Proxy-Authorization': 'y', 'X-A': 'z' };
    const urls = [first.url, first.url.replace('ws://', 'ws://ann:secret@')];
    const inHeaders = dial(urls[0]!, { maxRedirects: 2, headers });
    const inUrl = async () => dial(urls[1]!, { maxRedirects: 2, headers: { Cookie: 'a=b', 'X-A': 'z' } });
    for (const start of [() => inHeaders, inUrl]) {
      const dialling = start();
      const moved = (to: string) => `HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;
      const { text: within } = await first.answer(moved('/b'));
      const { text: same } = await first.answer(moved(second.url));
      const { text: other } = await second.accept();
      for (const text of [within, same])
        expect(text)
          .to.match(/^Authorization: /im)
          .and.match(/^Cookie: a=b/im);
      expect(other).to.not.match(/^(Authorization|Cookie|Proxy-Authorization):/im);
      expect(other).to.include('\r\nX-A: z\r\n');
      (await dialling).terminate();
    }
    await first.stop();
    await second.stop();
  });
});
