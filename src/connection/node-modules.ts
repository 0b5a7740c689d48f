/**
 * Modules of Node, not by imports: the namespace of a module evaluates every export, and that of node:http has fetch, and with it 3 MB
 * of code that each garbage collection would look at.
 */
export const http: typeof import('node:http') = process.getBuiltinModule('node:http');

/** Loaded when it is first needed, as most programs leave TLS to a proxy. */
export function https(): typeof import('node:https') {
  return process.getBuiltinModule('node:https');
}

/** As {@link https}. */
export function tls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}

/** Loaded when a file is first sent or received. */
export function files(): typeof import('node:fs/promises') {
  return process.getBuiltinModule('node:fs/promises');
}
