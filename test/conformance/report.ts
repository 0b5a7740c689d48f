import { areas, type ConformanceCase } from './cases.js';

/** The committed result of an area: what each case brought. */
export interface ConformanceResult {
  readonly area: string;
  readonly cases: readonly CaseResult[];
}

/** One row: the outcome as a server, and as a client where the case has one. */
export interface CaseResult {
  readonly number: string;
  readonly name: string;
  readonly section: string;
  readonly server: string;
  readonly client?: string | undefined;
}

/** The committed result, from the root. */
export const resultPath = 'test/conformance/result.json';

/** The page that is made from it. */
export const pagePath = 'docs/explanation/conformance.md';

/** A case with its number: area, then place in the area. */
export interface NumberedCase {
  readonly number: string;
  readonly area: string;
  readonly case: ConformanceCase;
}

/** Every case of frames. */
export const numbered: readonly NumberedCase[] = areas.flatMap(({ title, cases }, area) =>
  cases.map((one, i) => ({ number: `${area + 1}.${i + 1}`, area: title, case: one })),
);

const intro = `# Conformance

What the library does with right and wrong bytes. A raw peer, which shares no code with it, sends them over real TCP sockets, to our server and to our
client, and notes what comes back: messages and pongs in order with their size and bytes (or the start of their SHA-256), the Close frame, and how TCP
ended. Each case says beforehand what has to come back, so the table below has no row that failed. Sections are those of
[RFC 6455](https://www.rfc-editor.org/rfc/rfc6455).

This page is made from [the committed result](../../test/conformance/result.json) by a [test](../../test/conformance/conformance.test.ts), which also runs
the cases; with \`UPDATE_SNAPSHOTS=1 npm test\` it writes both anew.
`;

/** The page of the docs. */
export function page(results: readonly ConformanceResult[]): string {
  const sum = results.reduce((total, { cases }) => total + cases.length, 0);
  const tables = results.map(({ area, cases }, i) => {
    const rows = cases.map(({ number, name, section, server, client }) => {
      const outcome =
        client === undefined || client === server ? server : `server: ${server}; client: ${client}`;
      return `| ${number} | ${name.replaceAll('|', '\\|')} | ${section} | ${outcome} |\n`;
    });
    return `\n## ${i + 1}. ${area}\n\n| case | sent | section | outcome |\n| --- | --- | --- | --- |\n${rows.join('')}`;
  });
  return `${intro}\n${sum} cases in ${results.length} areas.\n${tables.join('')}`;
}
