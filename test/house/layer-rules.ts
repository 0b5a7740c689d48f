import { posix } from 'node:path';

/** The layers from the lowest to the highest; layers of the same rank do not know each other. */
const layers: readonly (readonly string[])[] = [
  ['errors'],
  ['protocol'],
  ['handshake'],
  ['deflate'],
  ['connection'],
  ['streams'],
  ['client', 'server'],
  ['testing'],
  ['index'],
];

/** The modules of Node that a pure layer may use; layers that are not listed may use all but the network ones. */
const pureLayers = new Map<string, readonly string[]>([
  ['errors', []],
  ['protocol', ['node:buffer']],
  ['handshake', ['node:buffer']],
  ['deflate', ['node:buffer', 'node:zlib']],
  ['index', []],
]);

const networkModules =
  /^node:(net|tls|http|https|http2|dgram|dns|stream|child_process|cluster|worker_threads)(\/|$)/;

/** Who may touch sockets and streams. */
const mayUseNetwork = /^src\/(streams\/|client\/|server\/|connection\/(duplex-transport|node-modules)\.ts$)/;

/** Packages that give types only, so that nothing of them is left at run time. */
const typeOnlyPackages: readonly string[] = ['typed-emitter'];

/** One import or re-export of a source file. */
export interface ImportLine {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** The imports and re-exports of a module, dynamic imports included. */
export function readImports(text: string): ImportLine[] {
  const found: ImportLine[] = [];
  const withNames = /^(?:import|export)\s+(type\s+)?(?:[\w$*{][^'";]*?)\sfrom\s+'([^']+)'/gm;
  for (const [, type, specifier] of text.matchAll(withNames)) {
    found.push({ specifier: specifier!, typeOnly: type !== undefined });
  }
  for (const [, specifier] of text.matchAll(/^import\s+'([^']+)'/gm)) {
    found.push({ specifier: specifier!, typeOnly: false });
  }
  // An `import('...')` behind a comment's asterisk is prose; so is `import('...').Name`, which is a type.
  for (const [, specifier] of text.matchAll(/^(?!\s*(?:\*|\/\/)).*\bimport\('([^']+)'\)(?!\.\w)/gm)) {
    found.push({ specifier: specifier!, typeOnly: false });
  }
  return found;
}

/**
 * Holds source files (path from the root to text) against the layer order. Returns one sentence for each breach.
 */
export function findBreaches(files: ReadonlyMap<string, string>): string[] {
  const breaches: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, text] of files) {
    const layer = layerOf(path);
    if (rankOf(layer) === -1) {
      breaches.push(`${path}: the layer ${layer} is unknown; give it a place in test/house/layer-rules.ts`);
    }
    const targets: string[] = [];
    graph.set(path, targets);
    for (const { specifier, typeOnly } of readImports(text)) {
      if (!specifier.startsWith('.')) {
        const breach = judgeModule(path, layer, specifier, typeOnly);
        if (breach !== undefined) breaches.push(`${path}: ${breach}`);
        continue;
      }
      const target = posix.join(posix.dirname(path), specifier.replace(/\.js$/, '.ts'));
      if (!files.has(target)) {
        breaches.push(`${path}: imports ${specifier}, which is not a file under src/`);
        continue;
      }
      if (!typeOnly) targets.push(target);
      const targetLayer = layerOf(target);
      if (targetLayer !== layer && rankOf(targetLayer) >= rankOf(layer)) {
        breaches.push(`${path}: ${layer} must not import from ${targetLayer} (${target})`);
      }
    }
  }
  return [...breaches, ...findCycles(graph)];
}

function judgeModule(path: string, layer: string, specifier: string, typeOnly: boolean): string | undefined {
  if (!specifier.startsWith('node:')) {
    if (typeOnly && typeOnlyPackages.includes(specifier)) return undefined;
    return `imports the package ${specifier}; there are no run-time dependencies, and Node's modules are written node:…`;
  }
  const allowed = pureLayers.get(layer);
  if (allowed !== undefined) {
    return allowed.includes(specifier) ? undefined : `${layer} is pure and must not import ${specifier}`;
  }
  if (networkModules.test(specifier) && !mayUseNetwork.test(path)) {
    return `imports ${specifier}; sockets and streams belong to streams/, client/, server/ and connection/duplex-transport.ts`;
  }
  return undefined;
}

/** The folder under src/, or the file's name for those that lie in src/ itself. */
function layerOf(path: string): string {
  return path.split('/')[1]!.replace(/\.ts$/, '');
}

function rankOf(layer: string): number {
  return layers.findIndex((names) => names.includes(layer));
}

/** Depth first; `done` files lead into no cycle that was not reported yet. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      cycles.push(`import cycle: ${[...trail.slice(start), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}
