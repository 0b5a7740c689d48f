import { isHost } from './host.js';

/** A request target taken apart. */
export interface Target {
  /** The path as it was sent, without the query. */
  readonly path: string;
  /** Host and port, when the target is in absolute-form (RFC 9112 section 3.2.2). */
  readonly authority: string | undefined;
}

const schemes = ['http://', 'https://', 'ws://', 'wss://'];

/**
 * Takes a request target apart: origin-form (`/path?query`) or absolute-form (`http://host/path?query`). Nothing is
 * decoded or normalised. It returns undefined for the other forms, which make no WebSocket, and for malformed targets.
 */
export function parseTarget(target: string): Target | undefined {
  if (!isClean(target)) return undefined;
  // `//host` is a path here, where `new URL` would see an authority.
  if (target.startsWith('/')) return { path: beforeQuery(target), authority: undefined };
  // The scheme is compared in lower case: at most eight characters matter.
  const start = target.slice(0, 8).toLowerCase();
  const scheme = schemes.find((candidate) => start.startsWith(candidate));
  if (scheme === undefined) return undefined;
  const rest = target.slice(scheme.length);
  const end = rest.search(/[/?]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  if (!isHost(authority)) return undefined;
  const path = end === -1 ? '' : beforeQuery(rest.slice(end));
  return { path: path === '' ? '/' : path, authority };
}

function beforeQuery(text: string): string {
  const query = text.indexOf('?');
  return query === -1 ? text : text.slice(0, query);
}

/** A target holds no fragment, no space and no control character (RFC 9112 section 3.2). */
function isClean(target: string): boolean {
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f || code === 0x23) return false;
  }
  return true;
}
