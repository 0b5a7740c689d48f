import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Connection, dial } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, type Program, start } from './program.js';

type News = Record<string, unknown> & { type: string };

/** The next news of this type. */
async function next(conn: Connection, type: string): Promise<News> {
  for (;;) {
    const message = await conn.receive();
    if (typeof message !== 'string') continue;
    const news = JSON.parse(message) as News;
    if (news.type === type) return news;
  }
}

function wish(conn: Connection, value: unknown): void {
  void conn.send(JSON.stringify(value));
}

describe('example: start, the demo', function () {
  this.timeout(30_000);
  let program: Program;
  let url: string;

  const socket = (path: string) => dial(url.replace('http', 'ws') + path, { compression: true });

  beforeEach(async () => {
    program = start('start', ['0']);
    url = await program.url();
  });
  afterEach(killAll);

  it('serves its page, a fixed list of files, with a strict policy', async () => {
    const page = await fetch(url);
    expect(page.headers.get('Content-Security-Policy')).to.match(/^default-src 'none'; script-src 'self';/);
    expect(page.headers.get('X-Content-Type-Options')).to.equal('nosniff');
    const html = await page.text();
    const [, ...links] = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, link]) => link!);
    expect(links).to.include.members(['style.css', 'main.js', 'icon.svg']);
    for (const link of links) expect((await fetch(url + link)).status, link).to.equal(200);
    for (const path of ['files.ts', '..%2fdemo.ts', 'page/main.js', '%00', 'constructor']) {
      expect((await fetch(url + path)).status, path).to.equal(404);
    }
    expect((await fetch(url, { method: 'POST' })).status).to.equal(405);
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('Content-Length')).to.equal(String(Buffer.byteLength(html)));
  });

  it('has a chat, which newcomers can read as well', async () => {
    const [ada, bob] = [await socket('demo'), await socket('demo')];
    const { ant } = await next(ada, 'welcome');
    wish(ada, { type: 'say', text: '<b>hello</b>' });
    expect(await next(bob, 'said')).to.include({ ant, text: '<b>hello</b>' });
    const { lines } = await next(await socket('demo'), 'welcome');
    expect(lines).to.have.lengthOf(1);
    wish(ada, { type: 'say', text: 'x'.repeat(501) });
    expect((await next(ada, 'complaint'))['message']).to.include('500');
    await ada.send('no JSON');
    await next(ada, 'complaint');
    await bob.close();
    expect(await next(ada, 'here')).to.include({ count: 2 });
  });

  it('shows frames and how connections end, to those who watch', async () => {
    const watcher = await socket('watch');
    const guest = await socket('demo');
    const { ant } = await next(guest, 'welcome');
    wish(guest, { type: 'say', text: 'ants '.repeat(50) });
    type Batch = { frames: Record<string, unknown>[]; ants: { ant: number; latency?: number }[] };
    const seen: Batch['frames'] = [];
    let latency: number | undefined;
    while (
      !seen.some(({ compressed, direction }) => compressed && direction === 'in') ||
      latency === undefined
    ) {
      const { frames, ants } = (await next(watcher, 'seen')) as unknown as Batch;
      seen.push(...frames);
      latency = ants.find((one) => one.ant === ant)?.latency;
    }
    expect(latency).to.be.above(0);
    expect(seen.every((frame) => frame['ant'] === ant)).to.equal(true);
    expect(seen.find(({ compressed, direction }) => compressed && direction === 'in')).to.include({
      opcode: 1,
      masked: true,
    });
    wish(guest, { type: 'close', code: 1006, reason: '' });
    expect((await next(guest, 'complaint'))['message']).to.include('1006');
    wish(guest, { type: 'close', code: 4001, reason: 'as you wish' });
    const { code, reason } = await guest.closed;
    expect({ code, reason }).to.deep.equal({ code: 4001, reason: 'as you wish' });
    expect(await next(watcher, 'closed')).to.include({ ant, code: 4001, wasClean: true });
  });

  it('floods a guest no faster than he reads', async () => {
    const guest = await socket('demo');
    wish(guest, { type: 'flood' });
    wish(guest, { type: 'flood' });
    const flood: number[] = [];
    let last: News | undefined;
    for await (const message of guest) {
      if (typeof message !== 'string') {
        if (flood.push(message.length) === 3000) wish(guest, { type: 'enough' });
        continue;
      }
      last = JSON.parse(message) as News;
      if (last.type === 'flooded') break;
    }
    expect(last).to.include({ type: 'flooded', messages: flood.length, bytes: flood.length * 8192 });
    expect(last!['peak']).to.be.within(8192, 64 * 1024 + 8192 + 14);
  });

  it('echoes on /ants, and closes everyone with 1001 in the end', async () => {
    const client = start('ants-client', [`${url.replace('http', 'ws')}ants`]);
    await client.line(/^received: hello 1$/);
    const guest = await socket('demo');
    await next(guest, 'welcome');
    expect(await program.interrupt()).to.deep.equal(inOrder);
    expect(program.output).to.match(/stopped$/);
    expect((await guest.closed).code).to.equal(1001);
    expect(await client.exited).to.deep.equal(inOrder);
    expect(client.output).to.match(/closed with 1001, clean$/);
  });

  it('takes a free port when its own is taken', async () => {
    const other = createServer().listen(0, 'localhost');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const second = start('start', [String(port)]);
    await second.line(new RegExp(`^port ${port} is taken`));
    expect(new URL(await second.url()).port).not.to.equal(String(port));
    expect(await second.interrupt()).to.deep.equal(inOrder);
    other.close();
  });
});
