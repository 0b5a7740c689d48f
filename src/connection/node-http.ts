/**
 * node:http, not by an import: the namespace of a module evaluates every export, and that of node:http has fetch, and with it 3 MB of
 * code that each garbage collection would look at.
 */
export const http: typeof import('node:http') = process.getBuiltinModule('node:http');
