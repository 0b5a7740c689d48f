import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Where `npm run bench:peers` puts the runtimes. */
const peersFolder = join(root, '.cache', 'bench-peers');

/** The program under `build/bench`. */
export function benchProgram(path: string): string {
  return join(root, 'build', 'bench', `${path}.js`);
}

/** A column of a table: what is measured. */
export interface Peer {
  readonly name: string;
  /** Without the argument that is the task. */
  readonly command: readonly string[];
  readonly env: Record<string, string>;
  /** The package whose version belongs into the results. */
  readonly package?: string;
  /** Knows no WebSocket behind the handshake. */
  readonly isRaw?: boolean;
}

const noAddOn = { WS_NO_BUFFER_UTIL: '1' };

/** The columns `ws` and `ws-js`, of which the others are given as multiples. */
export const reference = { ws: 'ws', wsWithoutAddOn: 'ws-js', raw: 'net' } as const;

/** Servers, in the order of the table. Bun and Deno are there when they are installed. */
export function serverPeers(node: string): Peer[] {
  const onNode = (program: string) => [node, '--expose-gc', benchProgram(`servers/${program}`)];
  return [
    { name: 'ants', command: onNode('ants'), env: {} },
    // With the documented part of Node's sockets alone.
    { name: 'ants-doc', command: onNode('ants'), env: { ANTSWS_READS: 'documented' } },
    { name: reference.raw, command: onNode('net'), env: {}, isRaw: true },
    { name: reference.ws, command: onNode('ws'), env: {}, package: 'ws' },
    { name: reference.wsWithoutAddOn, command: onNode('ws'), env: noAddOn, package: 'ws' },
    { name: 'websocket', command: onNode('websocket'), env: {}, package: 'websocket' },
    { name: 'faye', command: onNode('faye-websocket'), env: {}, package: 'faye-websocket' },
    ...runtimes('servers/bun', 'servers/deno'),
  ];
}

/** Clients, in the order of the table. */
export function clientPeers(node: string): Peer[] {
  const onNode = (program: string) => [node, benchProgram(`clients/${program}`)];
  return [
    { name: 'ants', command: onNode('ants'), env: {} },
    { name: reference.raw, command: onNode('net'), env: {}, isRaw: true },
    { name: reference.ws, command: onNode('ws'), env: {}, package: 'ws' },
    { name: reference.wsWithoutAddOn, command: onNode('ws'), env: noAddOn, package: 'ws' },
    { name: 'undici', command: onNode('undici'), env: {}, package: 'undici' },
    ...runtimes('clients/built-in', 'clients/built-in'),
  ];
}

function runtimes(bunProgram: string, denoProgram: string): Peer[] {
  const binary = (name: string) => join(peersFolder, 'node_modules', '.bin', name);
  const flags = ['--no-prompt', '--quiet', '-A', '--v8-flags=--expose-gc'];
  const all: Peer[] = [
    { name: 'bun', command: [binary('bun'), 'run', benchProgram(bunProgram)], env: {} },
    { name: 'deno', command: [binary('deno'), 'run', ...flags, benchProgram(denoProgram)], env: {} },
  ];
  return all.filter(({ command }) => existsSync(command[0]!));
}

/** The version of a package that is installed here, or of this one. */
export function versionOf(name?: string): string {
  const path =
    name === undefined ? join(root, 'package.json') : join(root, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
