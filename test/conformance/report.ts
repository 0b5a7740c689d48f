import type { ConformanceCase } from './case.js';
import { areas } from './cases.js';

/** The committed result of an area: what each case brought. */
export interface ConformanceResult {
  readonly area: string;
  readonly cases: readonly CaseResult[];
}

/** One row: the outcome as a server, as a client, or as both. */
export interface CaseResult {
  readonly number: string;
  readonly name: string;
  readonly section: string;
  readonly server?: string | undefined;
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
ended. Each case says beforehand what has to come back, so the tables below have no row that failed. Our end is an echo, with limits raised as far as the largest
cases need, or with the options that a row names. Sections are those of [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455), where no other RFC is named.

Where compression was agreed on, a message that came back compressed is called deflated. The peer compresses and inflates with Node's zlib, by itself and
held to the window that was agreed on.

The public [Autobahn|Testsuite](https://github.com/crossbario/autobahn-testsuite) covers much of the same; [CONTRIBUTING](../../CONTRIBUTING.md#conformance) says how to run it.

This page is made from [the committed result](../../test/conformance/result.json) by a [test](../../test/conformance/conformance.test.ts), which also runs
the cases; with \`UPDATE_SNAPSHOTS=1 npm test\` it writes both anew.
`;

/** Text as Markdown shows it. */
function toMarkdown(text: string): string {
  return text.replaceAll(/[\\|<*]|__/g, (mark) => mark.replaceAll(/./g, '\\$&'));
}

/** The page of the docs. */
export function page(results: readonly ConformanceResult[]): string {
  const sum = results.reduce((total, { cases }) => total + cases.length, 0);
  const tables = results.map(({ area, cases }, i) => {
    const rows = cases.map(({ number, name, section, server, client }) => {
      const isOne = client === undefined || server === undefined || client === server;
      const outcome = isOne ? (server ?? client) : `server: ${server}; client: ${client}`;
      return `| ${number} | ${toMarkdown(name)} | ${section} | ${outcome} |\n`;
    });
    return `\n## ${i + 1}. ${area}\n\n| case | sent | section | outcome |\n| --- | --- | --- | --- |\n${rows.join('')}`;
  });
  return `${intro}\n${sum} cases in ${results.length} areas.\n${tables.join('')}`;
}
