import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { killAll, start } from '../examples/program.js';
import { launch } from './chromium.js';

describe('the demo in Chromium', function () {
  this.timeout(60_000);
  let browser: Browser;
  let context: BrowserContext;
  let url: string;
  let problems: string[];

  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    url = await start('start', ['0']).url();
    context = await browser.newContext();
    problems = [];
    // Also whatever the policy of the page forbids.
    context.on('console', (message) => problems.push(message.text()));
    context.on('weberror', (error) => problems.push(String(error.error())));
  });
  afterEach(async () => {
    await context.close();
    await killAll();
  });

  async function visit(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(url);
    await page.getByText(/^connected as ant \d+$/).waitFor();
    return page;
  }

  it('chats between two pages, in text only', async () => {
    const [first, second] = [await visit(), await visit()];
    await first.getByText('2 pages are here.').waitFor();
    await first.getByLabel('Message').fill('<img src=x onerror=alert(1)> hello');
    await first.getByLabel('Message').press('Enter');
    await second.getByRole('log').getByText('ant 1: <img src=x onerror=alert(1)> hello').waitFor();
    expect(await second.getByRole('log').locator('img').count()).to.equal(0);
    expect(await first.getByLabel('Message').inputValue()).to.equal('');
    await first.close();
    await second.getByText('One page is here.').waitFor();
    expect(problems).to.deep.equal([]);
  });

  it('shows frames, of this page and of others, and holds still when told to', async () => {
    const [first, second] = [await visit(), await visit()];
    await second.getByLabel('Message').fill('ants '.repeat(20));
    await second.getByLabel('Message').press('Enter');
    const row = (page: Page) =>
      page.getByRole('row', { name: /ant 2 → to server text [\d,]+ FIN, compressed, masked/ });
    await row(first).first().waitFor();
    await row(second).first().waitFor();
    expect(await row(second).first().getAttribute('class')).to.equal('own');
    expect(await row(first).first().getAttribute('class')).to.equal(null);
    const hold = first.getByRole('button', { name: 'Hold' });
    await hold.press('Space');
    expect(await hold.getAttribute('aria-pressed')).to.equal('true');
    const table = (page: Page) => page.locator('#frames tbody').textContent();
    const [held, before] = [await table(first), await row(second).count()];
    await second.getByLabel('Message').fill('while it is held');
    await second.getByLabel('Message').press('Enter');
    await first.getByRole('log').getByText('while it is held').waitFor();
    await row(second).nth(before).waitFor();
    expect(await table(first)).to.equal(held);
    expect(problems).to.deep.equal([]);
  });

  it('plots latency', async () => {
    const page = await visit();
    await page.getByText(/^\d+\.\d ms$/).waitFor();
    await page.locator('#latency-plot polyline[points*=" "]').waitFor({ state: 'attached' });
    expect(problems).to.deep.equal([]);
  });

  it('floods, while little waits in the server, and stops when it is enough', async () => {
    const page = await visit();
    await page.getByLabel('read slowly').uncheck();
    await page.getByRole('button', { name: 'Flood this page' }).click();
    const result = page.getByText(/^32\.0 MiB in 4,096 messages.* At most [\d.]+ KiB waited/);
    await result.waitFor();
    const [, peak] = /At most ([\d.]+) KiB/.exec((await result.textContent())!)!;
    expect(Number(peak)).to.be.within(8, 73);
    expect(await page.locator('#progress').getAttribute('value')).to.equal('1');

    await page.getByLabel('read slowly').check();
    await page.getByRole('button', { name: 'Flood this page' }).click();
    await page.getByRole('button', { name: 'Enough' }).click();
    await page.getByRole('button', { name: 'Flood this page' }).waitFor();
    expect(problems).to.deep.equal([]);
  });

  it('closes with a code, from either side, shows both views, and connects again', async () => {
    const page = await visit();
    for (const [button, code] of [
      ['Close from here', 4321],
      ['Let the server close', 3210],
    ] as const) {
      await page.getByLabel('Code').fill(String(code));
      await page.getByLabel('Reason').fill('tea time');
      await page.getByRole('button', { name: button }).click();
      await page.getByText(`closed with ${code}`).waitFor();
      // The server answers a Close frame with its code alone, Chromium repeats the reason as well.
      const pageSaw = code === 4321 ? '(none)' : 'tea time';
      await page.getByRole('row', { name: `this page ${code} ${pageSaw} yes` }).waitFor();
      await page.getByRole('row', { name: `the server ${code} tea time yes` }).waitFor();
      await page.getByRole('button', { name: 'Connect again' }).click();
      await page.getByText(/^connected as ant/).waitFor();
    }
    await page.getByLabel('Code').fill('1001');
    await page.getByRole('button', { name: 'Close from here' }).click();
    await page.getByText(/1001 is neither/).waitFor();
    expect(problems).to.deep.equal([]);
  });

  it('can be used by keyboard, on a phone, in the dark, and has landmarks and names', async () => {
    const page = await visit();
    await page.setViewportSize({ width: 360, height: 700 });
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).to.equal(true);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Skip to the demo');
    const focused: string[] = [];
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press('Tab');
      focused.push(await page.evaluate('document.activeElement.id || document.activeElement.value || ""'));
    }
    expect(focused).to.include.members([
      'lines',
      'text',
      'flood',
      'slowly',
      'code',
      'reason',
      'page',
      'server',
      'mine',
      'hold',
    ]);
    for (const role of ['banner', 'main', 'contentinfo'] as const) {
      expect(await page.getByRole(role).count(), role).to.equal(1);
    }
    for (const name of ['Chat', 'Live', 'Flood', 'Close', 'Frames']) {
      expect(await page.getByRole('region', { name, exact: true }).count(), name).to.equal(1);
    }
    expect(
      await page.evaluate(
        '[...document.querySelectorAll("input")].every(({ labels }) => labels.length === 1)',
      ),
    ).to.equal(true);
    expect(problems).to.deep.equal([]);
  });
});
