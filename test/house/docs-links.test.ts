import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect } from 'chai';
import { readAnchors, readLinks } from './markdown.js';
import { listFiles, readText, root } from './root.js';

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...listFiles('docs', '.md'),
  ...listFiles('examples', '.md'),
];

/** The relative links of a page that lead nowhere. */
function findDeadLinks(page: string, text: string): string[] {
  return readLinks(text).filter((link) => {
    if (/^[a-z][a-z+.-]*:/i.test(link)) return false;
    const [path, anchor] = decodeURI(link).split('#');
    const target = path === '' ? page : posix.join(posix.dirname(page), path!);
    if (target.startsWith('..') || !existsSync(join(root, target))) return true;
    if (anchor === undefined || !target.endsWith('.md')) return false;
    return !readAnchors(path === '' ? text : readText(target)).has(anchor);
  });
}

describe('links in the docs', () => {
  for (const page of pages) {
    it(`lead somewhere in ${page}`, () => {
      expect(findDeadLinks(page, readText(page))).to.deep.equal([]);
    });
  }

  it('are looked at', () => {
    const text = [
      '# The title: `send()`',
      '[here](#the-title-send) [file](package.json) [folder](src/) [web](https://example.com/) ![x](no.png)',
      '[gone](docs/gone.md) [no such heading](#nowhere) [outside](../x) `[code](no.md)`',
      '```\n[code](no.md)\n```',
      '[reference][1]\n\n[1]: missing.md',
    ].join('\n');
    expect(findDeadLinks('CHANGELOG.md', text)).to.deep.equal([
      'no.png',
      'docs/gone.md',
      '#nowhere',
      '../x',
      'missing.md',
    ]);
  });

  it('have pages to stand in', () => {
    expect(pages).to.include.members(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']);
    expect(statSync(join(root, 'docs')).isDirectory()).to.equal(true);
  });
});
