import { median, quantile } from 'simple-statistics';
import type { Samples } from './measure.js';
import { reference } from './peers.js';

/** What `npm run bench -- --json` writes. */
export interface Results {
  readonly date: string;
  readonly command: string;
  readonly machine: string;
  readonly rounds: number;
  /** Of runtimes and packages. */
  readonly versions: Record<string, string>;
  readonly rows: readonly Row[];
}

/** A scenario and what was measured. */
export interface Row {
  readonly kind: 'server' | 'client';
  readonly name: string;
  readonly title: string;
  readonly unit: 'µs' | 'bytes';
  readonly samples: Samples;
}

/** The middle of the rounds, and the interval that four in five of them are in. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sample = [...values];
  return { median: median(sample), low: quantile(sample, 0.1), high: quantile(sample, 0.9) };
}

/** How many times better than `base` a peer is, round by round, as rounds are neighbours in time. Undefined without either. */
export function multiplesOf(base: string, name: string, samples: Samples): Spread | undefined {
  const bases = samples[base];
  const values = samples[name];
  if (bases === undefined || values === undefined) return undefined;
  return spreadOf(values.map((value, round) => bases[round]! / value));
}

/** The tables of all results, as Markdown. */
export function tablesOf(results: Results): string {
  const parts: string[] = [];
  for (const kind of ['server', 'client'] as const) {
    const rows = results.rows.filter((row) => row.kind === kind);
    if (rows.length === 0) continue;
    const names = [...new Set(rows.flatMap(({ samples }) => Object.keys(samples)))];
    const heading = kind === 'server' ? 'Servers' : 'Clients';
    parts.push(
      table(`${heading}: CPU per message in µs (bytes for memory)`, names, rows, (name, { samples }) =>
        samples[name] === undefined ? undefined : spreadOf(samples[name]),
      ),
    );
    for (const base of Object.values(reference)) {
      if (!names.includes(base)) continue;
      const others = names.filter((name) => name !== base);
      if (others.length === 0) continue;
      parts.push(
        table(`${heading}: times better than ${base}`, others, rows, (name, { samples }) =>
          multiplesOf(base, name, samples),
        ),
      );
    }
  }
  return parts.join('\n\n');
}

/** How many times better than ws this library is in each of several results, of different versions of Node; as Markdown. */
export function versionTables(results: readonly Results[]): string {
  const nodeOf = ({ versions }: Results) => versions['Node'] ?? '';
  const all = results.toSorted((a, b) => nodeOf(a).localeCompare(nodeOf(b), 'en', { numeric: true }));
  const columns = all.map((one) => `Node ${nodeOf(one)}`);
  if (new Set(columns).size < columns.length)
    throw new Error(`results of one version of Node twice: ${columns.join(', ')}`);
  const isSame = (row: Row) => (other: Row) => row.kind === other.kind && row.name === other.name;
  const rowIn = (column: string, row: Row) => all[columns.indexOf(column)]!.rows.find(isSame(row));
  const tableOf = (peer: string) => {
    const measured = all.flatMap((one) => one.rows).filter(({ samples }) => samples[peer] !== undefined);
    const rows = measured.filter((row, index) => measured.findIndex(isSame(row)) === index);
    return table(`Times better than ${reference.ws}: ${peer}`, columns, rows, (column, row) =>
      multiplesOf(reference.ws, peer, rowIn(column, row)?.samples ?? {}),
    );
  };
  return ['ants', 'ants-doc'].map(tableOf).join('\n\n');
}

function table(
  title: string,
  names: readonly string[],
  rows: readonly Row[],
  cell: (name: string, row: Row) => Spread | undefined,
): string {
  const lines = [
    [title, ...names],
    ...rows.map((row) => [row.title, ...names.map((name) => show(cell(name, row)))]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const format = (line: readonly string[]) =>
    `| ${line.map((text, column) => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [format(lines[0]!), rule, ...lines.slice(1).map(format)].join('\n');
}

function show(spread: Spread | undefined): string {
  if (spread === undefined) return '–';
  const { median, low, high } = spread;
  return `${digits(median)} [${digits(low)}–${digits(high)}]`;
}

/** Three digits that matter. */
function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
