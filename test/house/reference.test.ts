import { CloseCode } from 'ants-ws';
import { expect } from 'chai';
import { connectionDefaults } from '#src/connection/options.js';
import { listFiles, readText } from './root.js';

// That nothing public is left out is seen to by docs-reference.test.ts; here the tables are held against the code.

/** The names of the properties that an interface declares itself. */
function propertiesOf(name: string, path: string): string[] {
  const declaration = new RegExp(`^export interface ${name}\\b[^{]*\\{\n([\\s\\S]*?)^\\}`, 'm');
  const [, body] = declaration.exec(readText(path)) ?? [];
  return [...body!.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, property]) => property!);
}

/** The cells of the first row of a page's tables that begins with `name` in code, alone or in a list; none when there is none. */
function rowOf(name: string, page: string): string[] {
  const row = page.split('\n').find((line) => new RegExp(`^\\| [^|]*\`${name}\``).test(line));
  return row === undefined ? [] : row.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

/** A number as the tables write it, such as `1 MiB` or `16,384`. */
function parseQuantity(cell: string): number {
  const [, number, unit] = /^`?([\d,]+|Infinity)`?(?: (KiB|MiB))?/.exec(cell) ?? [];
  const factors = new Map([
    ['KiB', 1024],
    ['MiB', 1024 * 1024],
  ]);
  return Number(number?.replaceAll(',', '')) * (factors.get(unit ?? '') ?? 1);
}

describe('the tables of docs/reference', () => {
  const options = readText('docs/reference/options.md');
  const errors = readText('docs/reference/errors.md');

  for (const [name, path] of [
    ['ConnectionOptions', 'src/connection/options.ts'],
    ['UpgraderOptions', 'src/server/options.ts'],
    ['ServeOptions', 'src/server/serve.ts'],
    ['AdmissionOptions', 'src/server/admission.ts'],
    ['TrustProxy', 'src/server/client-address.ts'],
    ['CloseAllOptions', 'src/server/close-all.ts'],
    ['DialOptions', 'src/client/options.ts'],
    ['ReconnectOptions', 'src/client/reconnect-options.ts'],
  ] as const) {
    it(`have a row for each of the ${name}`, () => {
      const names = propertiesOf(name, path);
      expect(names.length).to.be.at.least(3);
      expect(names.filter((option) => rowOf(option, options).length < 5)).to.deep.equal([]);
    });
  }

  it('have the defaults of connections as they are', () => {
    for (const [index, role] of (['server', 'client'] as const).entries()) {
      for (const [name, value] of Object.entries(connectionDefaults[role])) {
        if (typeof value !== 'number') continue;
        expect(parseQuantity(rowOf(name, options)[2 + index]!), `${name} of a ${role}`).to.equal(value);
      }
    }
  });

  it('have the properties and the events of a connection', () => {
    const page = readText('docs/reference/connection.md');
    for (const [name, path] of [
      ['CloseInfo', 'src/connection/events.ts'],
      ['ConnectionEvents', 'src/connection/events.ts'],
    ] as const) {
      const names = propertiesOf(name, path);
      expect(names, name).not.to.deep.equal([]);
      expect(names.filter((property) => rowOf(property, page).length < 5)).to.deep.equal([]);
    }
  });

  it('have a row for each error code, and the pages speak of no other', () => {
    const sources = listFiles('src', '.ts').map(readText).join('\n');
    const codes = new Set([...sources.matchAll(/'(ANTS_[A-Z0-9_]+)'/g)].map(([, code]) => code!));
    expect([...codes]).to.include('ANTS_MESSAGE_TOO_BIG');
    expect([...codes].filter((code) => !errors.includes(`| \`${code}\` |`))).to.deep.equal([]);
    const pages = ['README.md', ...listFiles('docs', '.md')].map(readText).join('\n');
    const told = [...pages.matchAll(/\bANTS_[A-Z0-9_]+\b/g)].map(([code]) => code);
    expect(told.filter((code) => !codes.has(code))).to.deep.equal([]);
  });

  it('have every close code', () => {
    const page = readText('docs/reference/close-codes.md');
    for (const [name, code] of Object.entries(CloseCode)) {
      expect(page, name).to.include(`| ${code} | \`${name}\` |`);
    }
  });

  it('are read as they are written', () => {
    const page =
      '| option | default |\n| --- | --- |\n| `size` | 64 KiB | a \\| b |\n| `a`, `b` | 16,384 | x |';
    expect(rowOf('size', page).slice(1, -1)).to.deep.equal(['`size`', '64 KiB', 'a \\| b']);
    expect(rowOf('b', page)).to.include('16,384');
    expect(rowOf('default', page)).to.deep.equal([]);
    expect(['64 KiB', '16,384', '`Infinity`', '1 MiB'].map(parseQuantity)).to.deep.equal([
      65_536,
      16_384,
      Infinity,
      1_048_576,
    ]);
    expect(parseQuantity('none')).to.deep.equal(Number.NaN);
  });
});
