/** The most characters of a string that a message shows. */
const longest = 100;

/**
 * A value that was given where another was wanted, as an error message shows it. A string is called one, as `8080` and
 * `"8080"` would look the same; of objects nothing is shown.
 */
export function showValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the string ${JSON.stringify(value.length > longest ? `${value.slice(0, longest)}…` : value)}`;
    case 'bigint':
      return `the bigint ${value}`;
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object';
    default:
      return String(value);
  }
}
