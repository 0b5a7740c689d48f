import { expect } from 'chai';
import { readLinks } from './markdown.js';
import { listFiles, readText } from './root.js';

const page = 'docs/explanation/threat-model.md';

/** The rows of attacks that name no test, or one that is not there. */
function findUntested(text: string, tests: ReadonlySet<string>): string[] {
  const rows = text.split('\n').filter((line) => /^\| (?!attack|---)/.test(line));
  return rows.filter((line) => {
    const named = readLinks(line).map((link) => link.replace('../../', ''));
    return named.length === 0 || named.some((path) => !tests.has(path));
  });
}

describe('the threat model', () => {
  const tests = new Set(listFiles('test', '.test.ts'));

  it('names a test for every attack', () => {
    expect(readText(page)).to.match(/^\| attack /m);
    expect(findUntested(readText(page), tests)).to.deep.equal([]);
  });

  it('is looked at', () => {
    const rows = ['| attack | test |', '| --- | --- |', '| a | none |', '| b | [x](../../test/no.test.ts) |'];
    expect(findUntested(rows.join('\n'), tests)).to.deep.equal(rows.slice(2));
  });
});
