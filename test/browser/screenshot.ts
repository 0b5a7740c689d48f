// Makes docs/images/demo.png: npm run screenshot
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { startDemo } from '../../examples/demo/demo.js';
import { launch } from './chromium.js';

const path = fileURLToPath(new URL('../../../docs/images/demo.png', import.meta.url));
const demo = await startDemo(0);
const browser = await launch();

async function visit(): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1180, height: 1000 } });
  await page.goto(demo.url);
  await page.getByText(/^connected as/).waitFor();
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text);
  await page.getByLabel('Message').press('Enter');
}

const [first, second] = [await visit(), await visit()];
await first.getByText('2 pages are here.').waitFor();
await say(first, 'Hello from this tab!');
await say(second, 'And from the other one.');
await first.waitForTimeout(4_000);
await first.getByRole('button', { name: 'Flood this page' }).click();
await first.getByText(/^32\.0 MiB in/).waitFor({ timeout: 60_000 });
await say(
  second,
  'You can watch the frames of a message that is long enough to be compressed, such as this one.',
);
await say(first, 'I see it.');
await first.waitForTimeout(2_000);
await first.screenshot({ path });
await browser.close();
await demo.close();
console.log(`wrote ${path}`);
