import type { CloseInfo, Connection, UpgraderOptions } from 'ants-ws';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { launch } from './chromium.js';
import { call, type Site, startSite, talk } from './site.js';

async function echo(conn: Connection): Promise<void> {
  for await (const message of conn) await conn.send(message);
}

for (const secure of [false, true]) {
  describe(`Chromium over ${secure ? 'wss' : 'ws'}`, function () {
    this.timeout(60_000);
    let browser: Browser;
    let page: Page;
    const sites: Site[] = [];

    before(async () => {
      browser = await launch();
    });
    after(() => browser?.close());
    beforeEach(async () => {
      page = await browser.newPage({ ignoreHTTPSErrors: true });
    });
    afterEach(async () => {
      await page.close();
      await Promise.all(sites.splice(0).map((site) => site.close()));
    });

    /** A site; the page is on it. */
    async function visit(
      options: UpgraderOptions = {},
      handler: (conn: Connection) => unknown = echo,
    ): Promise<Site> {
      const site = await startSite(secure, options, handler);
      sites.push(site);
      await page.goto(site.url);
      return site;
    }

    /** A site that tells how its connection ended. */
    async function visitOnce(
      handler: (conn: Connection) => unknown,
    ): Promise<{ site: Site; ended: Promise<CloseInfo> }> {
      let resolve!: (info: CloseInfo) => void;
      const ended = new Promise<CloseInfo>((res) => {
        resolve = res;
      });
      const site = await visit({}, (conn) => {
        conn.on('close', resolve);
        return handler(conn);
      });
      return { site, ended };
    }

    for (const compression of [false, true]) {
      it(`text and binary, of every length form, ${compression ? 'compressed' : 'plain'}`, async () => {
        let stats: Connection['stats'] | undefined;
        const { socketUrl } = await visit({ compression }, async (conn) => {
          await echo(conn);
          stats = conn.stats;
        });
        const lengths = [0, 1, 125, 126, 65_535, 65_536, 200_000];
        const texts = [...lengths.map((length) => 'a'.repeat(length)), 'Ameisen: 🐜 蟻'];
        const bytes = lengths.map((length) => Array.from({ length }, (_, index) => index % 251));
        const send = [...texts, ...bytes];
        const seen = await talk(page, socketUrl, { send, messages: send.length, close: [1000, 'done'] });
        expect(seen.messages).to.deep.equal(send);
        expect(seen).to.include({ code: 1000, wasClean: true });
        const sent = 2 * lengths.reduce((sum, length) => sum + length);
        if (compression) {
          expect(seen.extensions).to.match(/^permessage-deflate/);
          expect(stats!.bytesReceived).to.be.below(sent / 10);
          expect(stats!.bytesSent).to.be.below(sent / 10);
        } else {
          expect(seen.extensions).to.equal('');
          expect(stats!.bytesReceived).to.be.above(sent);
        }
      });
    }

    it('close codes of the page', async () => {
      for (const [code, reason] of [
        [1000, ''],
        [3000, 'registered'],
        [4999, 'ä'.repeat(61)],
      ] as const) {
        const { site, ended } = await visitOnce(echo);
        const seen = await talk(page, site.socketUrl, { close: [code, reason] });
        // The answer to a Close frame has its code, not its reason.
        expect(seen).to.include({ code, reason: '', wasClean: true });
        expect(await ended).to.include({ code, reason, wasClean: true });
      }
    });

    it('a close of the page without a code', async () => {
      const { site, ended } = await visitOnce(echo);
      expect(await talk(page, site.socketUrl, { close: [] })).to.include({ code: 1005, wasClean: true });
      expect(await ended).to.include({ code: 1005, wasClean: true });
    });

    it('close codes of the server', async () => {
      for (const [code, reason] of [
        [1000, ''],
        [1001, 'away'],
        [1013, 'later'],
        [4000, 'wrong room'],
      ] as const) {
        const { site, ended } = await visitOnce((conn) => void conn.close(code, reason));
        expect(await talk(page, site.socketUrl)).to.include({ opened: true, code, reason, wasClean: true });
        expect(await ended).to.include({ code, wasClean: true });
      }
    });

    it('a connection that the server cuts', async () => {
      const { site } = await visitOnce((conn) => conn.terminate());
      expect(await talk(page, site.socketUrl)).to.include({ code: 1006, wasClean: false });
    });

    it('a message over the limit', async () => {
      const { socketUrl } = await visit({ maxMessageSize: 10 });
      expect(await talk(page, socketUrl, { send: ['x'.repeat(11)] })).to.include({ code: 1009 });
    });

    it('subprotocols: the one of the server, or none and the page gives up', async () => {
      const { socketUrl } = await visit({ subprotocols: ['chat.v2', 'chat.v1'] });
      const offer = (...protocols: string[]) => talk(page, socketUrl, { protocols, close: [1000] });
      expect(await offer('chat.v1', 'chat.v2')).to.include({ opened: true, protocol: 'chat.v1' });
      expect(await offer('other', 'chat.v2')).to.include({ opened: true, protocol: 'chat.v2' });
      expect(await offer()).to.include({ opened: true, protocol: '' });
      expect(await offer('other')).to.include({ opened: false, code: 1006 });
    });

    it('an origin: refused, unless it is listed', async () => {
      const own = await visit();
      const other = await startSite(secure, {}, echo);
      const open = await startSite(secure, { origins: [new URL(own.url).origin] }, echo);
      sites.push(other, open);
      const close = [1000] as const;
      expect(await talk(page, other.socketUrl, { close })).to.include({ opened: false, code: 1006 });
      expect(await talk(page, open.socketUrl, { close })).to.include({ opened: true, code: 1000 });
      expect(await talk(page, own.socketUrl, { close })).to.include({ opened: true, code: 1000 });
    });

    it('a message of 20 MB', async () => {
      const { socketUrl } = await visit({
        maxMessageSize: 20_000_000,
        readHold: 32_000_000,
        maxBufferedAmount: 64_000_000,
      });
      expect(await call(page, 'echoLarge', socketUrl, 20_000_000)).to.equal(true);
    });

    it('a page that goes away, and one whose browser does', async () => {
      const first = await visitOnce(echo);
      await call(page, 'leaveOpen', first.site.socketUrl);
      await page.goto('about:blank');
      expect(await first.ended).to.include({ code: 1001 });

      const second = await visitOnce(echo);
      await call(page, 'leaveOpen', second.site.socketUrl);
      await page.close();
      // With a Close frame or without one: a browser may be in a hurry.
      expect((await second.ended).code).to.be.oneOf([1001, 1006]);
    });

    it('pings are answered by the browser', async () => {
      let latency: number | undefined;
      const { site } = await visitOnce(async (conn) => {
        latency = await conn.ping('are you there?');
        await conn.close(1000);
      });
      expect(await talk(page, site.socketUrl)).to.include({ code: 1000 });
      expect(latency).to.be.above(0);
    });
  });
}
