import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ants from 'ants-ws';
import * as testing from 'ants-ws/testing';
import { expect } from 'chai';
import { findForgotten, membersOf, parseExports, readPublicNames } from './public-names.js';
import { listFiles, readText, root } from './root.js';

const modules = [
  { name: 'ants-ws', exported: ants, index: 'src/index.ts', snapshotPath: 'test/house/public-names.txt' },
  {
    name: 'ants-ws/testing',
    exported: testing,
    index: 'src/testing/index.ts',
    snapshotPath: 'test/house/public-names.testing.txt',
  },
];

/** What users need no name for: arguments of constructors that they do not call, and the type behind `extends`. */
const unneeded: readonly string[] = [
  'Connection mentions TypedEmitter',
  'ConnectionInit mentions DeflateAgreement',
  'Server mentions ServerInit',
];

describe('public names', () => {
  for (const { name, exported, index } of modules) {
    it(`of ${name} are the ones that ${index} lists`, () => {
      expect(readPublicNames(index).values).to.deep.equal(Object.keys(exported).sort());
    });
  }

  for (const { name: module, exported, index, snapshotPath } of modules)
    it(`of ${module} are the ones in the snapshot`, () => {
      const names = readPublicNames(index);
      const lines = ['# Values, with the members of classes and objects'];
      for (const [name, value] of Object.entries(exported).sort(([a], [b]) => (a < b ? -1 : 1))) {
        lines.push(name, ...membersOf(value).map((member) => `  ${member}`));
      }
      lines.push('', '# Types', ...names.types, '');
      const now = lines.join('\n');
      if (process.env['UPDATE_SNAPSHOTS'] === '1') writeFileSync(join(root, snapshotPath), now);
      expect(now).to.equal(
        readText(snapshotPath),
        `The public names are not those of ${snapshotPath}. If that is meant, run "UPDATE_SNAPSHOTS=1 npm test", ` +
          'commit the file, and tell of the change in CHANGELOG.md and in docs/reference.',
      );
    });

  it('include every type that they mention', () => {
    const declarations = listFiles('dist', '.d.ts').map(readText);
    const all = modules.map(({ index }) => readPublicNames(index));
    const names = { values: all.flatMap(({ values }) => values), types: all.flatMap(({ types }) => types) };
    const forgotten = findForgotten(names, declarations);
    expect(forgotten.filter((line) => !unneeded.includes(line))).to.deep.equal([]);
  });

  it('miss a type that is mentioned and not exported', () => {
    const declarations = [
      '/** See {@link Hidden}. */\nexport declare class Shown {\n  a: Secret;\n}\n',
      'export interface Secret {}\nexport interface Hidden {}\n',
    ];
    expect(findForgotten({ values: ['Shown'], types: [] }, declarations)).to.deep.equal([
      'Shown mentions Secret',
    ]);
  });

  describe('are read from export lines', () => {
    it('of values and types, also mixed, renamed, and over several lines', () => {
      const text = [
        "export { dial, Dialer as Caller, type DialOptions } from './client/dial.js';",
        "export type {\n  // the events\n  Message,\n  CloseInfo,\n} from './connection/events.js';",
      ].join('\n');
      expect(parseExports(text, () => '')).to.deep.equal({
        values: ['Caller', 'dial'],
        types: ['CloseInfo', 'DialOptions', 'Message'],
      });
    });

    it('of a whole module', () => {
      const module = [
        'export class Fault extends Error {}',
        'export const Code = {} as const;\nexport type Code = 1;',
        'export interface Options {}\ninterface Hidden {}\nconst hidden = 1;',
        'export async function open(): Promise<void> {}',
      ].join('\n');
      expect(parseExports("export * from './module.js';", () => module)).to.deep.equal({
        values: ['Code', 'Fault', 'open'],
        types: ['Options'],
      });
    });

    it('and nothing may be exported in another way', () => {
      for (const line of [
        "export * as errors from './errors.js';",
        'export const x = 1;',
        'export default 1;',
      ]) {
        expect(() => parseExports(line, () => ''), line).to.throw(/should only re-export/);
      }
    });
  });

  it('include the members of classes and objects', () => {
    class Sample {
      static from(): Sample {
        return new Sample();
      }
      get state(): number {
        return 1;
      }
      send(): void {}
      async [Symbol.asyncDispose](): Promise<void> {}
    }
    expect(membersOf(Sample)).to.deep.equal(['.[Symbol.asyncDispose]', '.send', '.state', 'static .from']);
    expect(membersOf({ NormalClosure: 1000 })).to.deep.equal(['.NormalClosure']);
    expect(membersOf(1000)).to.deep.equal([]);
  });
});
