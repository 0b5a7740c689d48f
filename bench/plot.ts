// Puts results of `npm run bench -- --json FILE` into docs/explanation/performance.md, as tables and plots.
//
//   npm run bench:plot -- FILE [FILE of another version of Node...]
//
// What is written by hand there stays; only what is between the markers is replaced.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makePlot } from './compare/plots.js';
import { type Results, tablesOf, versionTables } from './compare/results.js';

const docs = fileURLToPath(new URL('../../docs/explanation/', import.meta.url));
const begin = '<!-- measured: written by npm run bench:plot -->';
const end = '<!-- end of what was measured -->';

const [results, ...others] = process.argv
  .slice(2)
  .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results);
if (results === undefined) throw new TypeError('which file? npm run bench:plot -- FILE');

const plots: string[] = [];
for (const kind of ['server', 'client'] as const) {
  const rows = results.rows.filter((row) => row.kind === kind);
  if (rows.length === 0) continue;
  const name = `performance-${kind}s.svg`;
  writeFileSync(join(docs, name), makePlot(rows));
  plots.push(`![How many times better than ws, ${kind}s](${name})`);
}

const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`);
const measured = [
  `Measured on ${results.date}: ${versions.join(', ')}; ${results.machine}.`,
  `\`${results.command}\`: the median of ${results.rounds} rounds, and the interval that four in five are in.`,
  ...plots,
  tablesOf(results),
  ...(others.length === 0 ? [] : otherVersions(others)),
].join('\n\n');

function otherVersions(others: readonly Results[]): string[] {
  const commands = others.map(({ command }) => `\`${command}\``);
  return [
    `The same on other versions of Node, with \`--node\`: ${[...new Set(commands)].join(', ')}.`,
    versionTables([...others, results!]),
  ];
}

const path = join(docs, 'performance.md');
const page = readFileSync(path, 'utf8');
const from = page.indexOf(begin) + begin.length;
const to = page.indexOf(end);
if (from < begin.length || to < from) throw new Error(`${path} has lost its markers`);
writeFileSync(path, `${page.slice(0, from)}\n\n${measured}\n\n${page.slice(to)}`);
