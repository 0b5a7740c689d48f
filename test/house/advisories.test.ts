import { execFile } from 'node:child_process';
import { relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { readLinks } from './markdown.js';
import { readText, root } from './root.js';

const page = 'docs/explanation/threat-model.md';
const advisory = /\b(?:CVE-\d{4}-\d+|GHSA(?:-\w{4}){3}|facil\.io#\d+)/;

/** Advisories, each with the files that are about it. */
type Files = Record<string, string[]>;

/** What the rows of the page say. */
function readRows(text: string): Files {
  const files: Files = {};
  for (const line of text.split('\n')) {
    const [number] = /^\| /.test(line) ? (advisory.exec(line) ?? []) : [];
    if (number === undefined) continue;
    files[number] = readLinks(line).map((link) => link.replace('../../', ''));
  }
  return files;
}

/** What the titles of the tests say that mocha would run. */
async function listTests(): Promise<Files> {
  const args = ['--dry-run', '--reporter', 'json', 'build/test/advisories/*.test.js'];
  const run = promisify(execFile)(process.execPath, ['node_modules/mocha/bin/mocha.js', ...args], {
    cwd: root,
  });
  const { tests } = JSON.parse((await run).stdout) as { tests: { title: string; file: string }[] };
  const files: Record<string, Set<string>> = {};
  for (const { title, file } of tests) {
    const [number] = advisory.exec(title) ?? [];
    if (number === undefined) continue;
    const source = relative(`${root}/build`, file).split(sep).join('/').replace(/js$/, 'ts');
    files[number] ??= new Set();
    files[number].add(source);
  }
  return Object.fromEntries(Object.entries(files).map(([number, names]) => [number, [...names].sort()]));
}

describe('the advisories in the threat model', () => {
  it('are those of the tests, file by file', async () => {
    const rows = readRows(readText(page));
    for (const files of Object.values(rows)) files.sort();
    expect(rows).to.deep.equal(await listTests());
  });

  it('are looked at', () => {
    const lines = ['| CVE-2020-1 | x | [a](../../a.ts), [b](../../b.ts) |', 'CVE-2020-2', '| x | y |'];
    expect(readRows(lines.join('\n'))).to.deep.equal({ 'CVE-2020-1': ['a.ts', 'b.ts'] });
  });
});
