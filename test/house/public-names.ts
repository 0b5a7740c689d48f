import { posix } from 'node:path';
import { readText } from './root.js';

/** The names that a module exports, by their kind. */
export interface ExportedNames {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/**
 * Reads the export lines of an index: `export { A, type B } from`, `export type { C } from`, and `export * from` a module that
 * declares what it exports, whose text `read` returns.
 *
 * @throws Error at any other form of export.
 */
export function parseExports(text: string, read: (specifier: string) => string): ExportedNames {
  const values: string[] = [];
  const types: string[] = [];
  for (const [, onlyTypes, list] of text.matchAll(named)) {
    const entries = list!.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '').split(',');
    for (const entry of entries.map((part) => part.trim()).filter((part) => part !== '')) {
      const isType = onlyTypes !== undefined || entry.startsWith('type ');
      const name = entry.split(/\s+/).at(-1)!;
      (isType ? types : values).push(name);
    }
  }
  for (const [, specifier] of text.matchAll(everything)) {
    for (const [, kind, name] of read(specifier!).matchAll(declared)) {
      (kind === 'interface' || kind === 'type' ? types : values).push(name!);
    }
  }
  const other = /^export\b.*$/m.exec(text.replace(named, '').replace(everything, ''));
  if (other !== null) throw new Error(`an index should only re-export, not: ${other[0]}`);
  // A name can be both, such as a const object and the type of its values.
  const both = new Set(values);
  return { values: values.sort(), types: types.filter((name) => !both.has(name)).sort() };
}

const named = /^export\s+(type\s+)?\{([^}]*)\}\s+from\s+'[^']+';/gm;
const everything = /^export\s+\*\s+from\s+'([^']+)';/gm;
const declared =
  /^export\s+(?:declare\s+|abstract\s+|async\s+)*(class|const|let|function\*?|interface|type)\s+(\w+)/gm;

/** The names that a module of this package exports. */
export function readPublicNames(index = 'src/index.ts'): ExportedNames {
  return parseExports(readText(index), (specifier) =>
    readText(posix.join(posix.dirname(index), specifier.replace(/\.js$/, '.ts'))),
  );
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

/**
 * The types that public declarations mention and that users cannot import, as `Connection mentions Message`.
 *
 * @param declarations The text of every `.d.ts` file of the build.
 */
export function findForgotten(names: ExportedNames, declarations: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const text of declarations) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    for (const block of code.split(/^(?=export |declare |type |interface )/m)) {
      const name = declaration.exec(block)?.[1];
      if (name !== undefined) byName.set(name, `${byName.get(name) ?? ''}${block}`);
    }
  }
  const exported = new Set([...names.values, ...names.types]);
  const forgotten: string[] = [];
  for (const name of exported) {
    for (const word of new Set(byName.get(name)?.match(/\b[A-Z]\w+\b/g))) {
      if (byName.has(word) && !exported.has(word)) forgotten.push(`${name} mentions ${word}`);
    }
  }
  return forgotten.sort();
}

const declaration = /^(?:export )?(?:declare |abstract )*(?:class|const|let|function|interface|type)\s+(\w+)/;
