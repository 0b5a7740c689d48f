import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout; compiled tests run from `build/test/house/`. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url));

/** The text of a file, by its path from the root. */
export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/**
 * The paths from the root, with forward slashes and sorted, of all files under `folder` that end in `ending`;
 * none when there is no such folder.
 */
export function listFiles(folder: string, ending: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .sort();
}
