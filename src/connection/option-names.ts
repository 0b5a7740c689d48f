import { showValue } from '../protocol/show-value.js';

/** What takes options, and which. */
export interface OptionTaker {
  /** As a message calls it, such as `serve`. */
  readonly name: string;
  /** An object of options to try, as one would write it. */
  readonly example: string;
  /** An object that has every option that there is; its values do not matter. */
  readonly known: object;
}

/**
 * Sees to it that `options` is an object, and that `taker` knows each of its names: a misspelt option would be one that is
 * not set, which matters for `origins`.
 *
 * @throws TypeError when it is not, with the name that may have been meant
 */
export function checkOptionNames(taker: OptionTaker, options: unknown): void {
  const { name, example, known } = taker;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(
      `the options of ${name} must be an object, such as ${example}; what was given is ${showValue(options)}`,
    );
  }
  for (const given of Object.keys(options)) {
    if (Object.hasOwn(known, given)) continue;
    const names = Object.keys(known);
    const nearest = findNearest(given, names);
    const advice =
      nearest === undefined ? `those of ${name} are ${names.join(', ')}` : `did you mean "${nearest}"?`;
    throw new TypeError(`unknown option ${JSON.stringify(given)}; ${advice}`);
  }
}

/**
 * Checks the option `signal`.
 *
 * @throws TypeError when it is given and no AbortSignal
 */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  // By its looks: there are signals of other realms.
  const { aborted, addEventListener } = (signal ?? {}) as { aborted?: unknown; addEventListener?: unknown };
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return;
  throw new TypeError(
    `signal must be an AbortSignal, such as AbortSignal.timeout(3_000) or the signal of an AbortController; ` +
      `it is ${showValue(signal)}`,
  );
}

/** The name with the fewest changes from `given`: one for each four letters at most. */
function findNearest(given: string, names: readonly string[]): string | undefined {
  // A name of any length costs no more than this.
  if (given.length > 40) return undefined;
  let nearest: string | undefined;
  let least = Math.ceil(given.length / 4) + 1;
  for (const name of names) {
    const distance = countChanges(given.toLowerCase(), name.toLowerCase());
    if (distance >= least) continue;
    nearest = name;
    least = distance;
  }
  return nearest;
}

/** How many letters to add, drop, change, or swap with their neighbour, from `a` to `b`. */
function countChanges(a: string, b: string): number {
  let last: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + change);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) cost = Math.min(cost, last[j - 2]! + 1);
      next.push(cost);
    }
    last = row;
    row = next;
  }
  return row[b.length]!;
}
