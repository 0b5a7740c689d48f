/** What Autobahn says of one case. */
export interface CaseVerdict {
  /** Such as `9.3.1`. */
  readonly id: string;
  /** `OK`, `INFORMATIONAL`, `NON-STRICT`, `UNIMPLEMENTED`, `FAILED` and others. */
  readonly behavior: string;
  /** The same of the closing handshake; also `UNCLEAN`, `WRONG CODE` and others. */
  readonly behaviorClose: string;
  /** The file with the details, beside `index.json`. */
  readonly file: string;
}

/**
 * Reads the `index.json` of a report.
 *
 * @throws Error when it says nothing about `agent`, or is something else
 */
export function readReport(json: string, agent: string): CaseVerdict[] {
  const cases = fieldOf(JSON.parse(json), agent);
  if (typeof cases !== 'object' || cases === null || Object.keys(cases).length === 0) {
    throw new Error(`the report has no cases of "${agent}"`);
  }
  return Object.entries(cases)
    .map(([id, one]) => ({
      id,
      behavior: textOf(one, id, 'behavior'),
      behaviorClose: textOf(one, id, 'behaviorClose'),
      file: textOf(one, id, 'reportfile'),
    }))
    .sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}

/** What is not as it should be. INFORMATIONAL are cases for which there is no right or wrong. */
export function problemsOf(verdicts: readonly CaseVerdict[]): CaseVerdict[] {
  return verdicts.filter(({ behavior, behaviorClose }) => !isFine(behavior) || !isFine(behaviorClose));
}

/** The report in a line, and a line for each problem. */
export function sayReport(title: string, verdicts: readonly CaseVerdict[]): string[] {
  const counts = new Map<string, number>();
  for (const { behavior } of verdicts) counts.set(behavior, (counts.get(behavior) ?? 0) + 1);
  const sums = [...counts].map(([behavior, count]) => `${count} ${behavior}`).join(', ');
  const problems = problemsOf(verdicts).map(
    ({ id, behavior, behaviorClose, file }) => `  ${id}: ${behavior}, close ${behaviorClose}: ${file}`,
  );
  return [`${title}: ${verdicts.length} cases: ${sums}`, ...problems];
}

function isFine(behavior: string): boolean {
  return behavior === 'OK' || behavior === 'INFORMATIONAL';
}

function fieldOf(value: unknown, name: string): unknown {
  const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
  return isObject ? (value as Record<string, unknown>)[name] : undefined;
}

function textOf(one: unknown, id: string, name: string): string {
  const value = fieldOf(one, name);
  if (typeof value !== 'string') throw new Error(`case ${id} of the report has no "${name}"`);
  return value;
}
