import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readPublicNames } from './public-names.js';
import { listFiles, readText, root } from './root.js';
import { checkSamples, readSamples } from './samples.js';

const pages = ['README.md', ...listFiles('docs', '.md')].filter((page) => existsSync(join(root, page)));

describe('samples in README and docs', () => {
  // This page does not exist; its mistakes prove that the check sees.
  const broken = [
    '```ts',
    'const x: string = 1;',
    '```',
    '```ts',
    "import { AntsError } from 'ants-ws';",
    'conn.send(AntsError);',
    '```',
  ];
  let complaints: string[];

  before(async () => {
    const names = readPublicNames();
    const samples = pages.flatMap((page) => readSamples(page, readText(page), names));
    samples.push(...readSamples('broken.md', broken.join('\n'), names));
    complaints = await checkSamples(samples);
  });

  it('can use what the prelude declares', () => {
    expect(complaints.filter((line) => line.startsWith('prelude.ts'))).to.deep.equal([]);
  });

  it('are looked at', () => {
    const seen = complaints.filter((line) => line.startsWith('broken.md'));
    expect(seen).to.have.length(2);
    expect(seen.find((line) => line.startsWith('broken.md:2:7'))).to.match(/TS2322/);
    expect(seen.find((line) => line.startsWith('broken.md:6:1'))).to.match(/TS2304: Cannot find name 'conn'/);
  });

  for (const page of pages) {
    it(`compile in ${page}`, () => {
      expect(complaints.filter((line) => line.startsWith(`${page}:`))).to.deep.equal([]);
    });
  }

  describe('are read from blocks', () => {
    const none = { values: [], types: [] };

    it('at the lines of their page', () => {
      const [sample] = readSamples('p.md', 'Text.\n\n```ts\na();\n```\n', none);
      expect(sample!.line).to.equal(3);
      expect(sample!.text.split('\n')[3]).to.equal('a();');
    });

    it('which may continue the one before', () => {
      const text = '```ts\na();\n```\nText.\n```ts continued\nb();\n```\n```ts\nc();\n```';
      const samples = readSamples('p.md', text, none);
      expect(samples).to.have.length(2);
      expect(samples[0]!.text.split('\n').slice(1)).to.deep.equal(['a();', '', '', '', 'b();', '']);
      expect(() => readSamples('p.md', '```ts continued\nb();\n```', none)).to.throw(/no block before it/);
    });

    it('with the public names that they do not declare, unless they have imports', () => {
      const names = { values: ['dial', 'serve'], types: ['Message'] };
      const text = "```ts\nconst serve = 1;\n```\n```ts\nimport { AntsError } from 'ants-ws';\n```";
      const [first, second] = readSamples('p.md', text, names);
      expect(first!.text.split('\n')[0]).to.include("import { dial, type Message } from 'ants-ws'");
      expect(second!.text.split('\n')[0]).to.equal('export {};');
    });

    it('whose marks cannot hide them', () => {
      for (const info of ['ts ignore', 'typescript', 'tsx']) {
        expect(() => readSamples('p.md', `\`\`\`${info}\na();\n\`\`\``, none), info).to.throw(
          /mark the block/,
        );
      }
    });
  });
});
