import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * Starts the Chromium of this machine, without a window.
 *
 * @throws Error when there is none: these tests fail then, they are not skipped
 */
export function launch(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? places.find((place) => existsSync(place));
  if (executablePath === undefined) {
    throw new Error(
      'these tests need Chromium: apt-get install chromium, or set CHROMIUM to the path of a Chromium or Chrome',
    );
  }
  // Its sandbox does not run as root, as which CI has everything run.
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
}
