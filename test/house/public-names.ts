/** The names that a module exports, by their kind. */
export interface ExportedNames {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/**
 * Reads the export lines of `src/index.ts`, which lists every name: `export { A, type B } from` and `export type { C } from`.
 *
 * @throws Error at any other form of export, such as `export *`, since nobody would see what it adds.
 */
export function parseExports(text: string): ExportedNames {
  const values: string[] = [];
  const types: string[] = [];
  const known = /^export\s+(type\s+)?\{([^}]*)\}\s+from\s+'[^']+';/gm;
  for (const [, onlyTypes, list] of text.matchAll(known)) {
    const entries = list!.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '').split(',');
    for (const entry of entries.map((part) => part.trim()).filter((part) => part !== '')) {
      const isType = onlyTypes !== undefined || entry.startsWith('type ');
      const name = entry.split(/\s+/).at(-1)!;
      (isType ? types : values).push(name);
    }
  }
  const other = /^export\b.*$/m.exec(text.replace(known, ''));
  if (other !== null) throw new Error(`src/index.ts should list names one by one, not: ${other[0]}`);
  return { values: values.sort(), types: types.sort() };
}

/** What a user can reach through a value: the members of a class, the keys of a plain object. */
export function membersOf(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.keys(value).map((key) => `.${key}`);
  if (typeof value !== 'function') return [];
  const statics = describeKeys(value, ['length', 'name', 'prototype']).map((key) => `static .${key}`);
  const prototype: unknown = value.prototype;
  if (typeof prototype !== 'object' || prototype === null) return statics;
  return [...describeKeys(prototype, ['constructor']).map((key) => `.${key}`), ...statics];
}

function describeKeys(target: object, except: readonly string[]): string[] {
  return (
    Reflect.ownKeys(target)
      .filter((key) => typeof key === 'symbol' || !except.includes(key))
      // Node 20 calls the symbols that it does not have yet by another name.
      .map((key) => (typeof key === 'symbol' ? `[${key.description?.replace('nodejs.', 'Symbol.')}]` : key))
      .sort()
  );
}
