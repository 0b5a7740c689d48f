// The page's files, over plain HTTP: a fixed list, read once. No path of a request ever reaches the file system.
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

const folder = new URL('../../../examples/demo/page/', import.meta.url);

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

const names = [
  'index.html',
  'style.css',
  'icon.svg',
  'main.js',
  'chat.js',
  'closing.js',
  'flood.js',
  'frames.js',
  'plot.js',
] as const;

const files = new Map(
  names.map((name) => [
    name === 'index.html' ? '/' : `/${name}`,
    { body: readFileSync(new URL(name, folder)), type: types[name.split('.')[1] as keyof typeof types] },
  ]),
);

/** Nothing but our own files and sockets, and nobody may frame the page. */
const safety = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

/** Answers requests for the page. */
export function servePage(request: IncomingMessage, response: ServerResponse): void {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const file = files.get(path);
  const text = { 'Content-Type': 'text/plain; charset=utf-8', ...safety };
  if (file === undefined) {
    response.writeHead(404, text).end('There is no such page. Try /\n');
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { ...text, Allow: 'GET, HEAD' }).end('Only GET and HEAD are answered here.\n');
  } else {
    response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.body.length, ...safety });
    response.end(file.body); // Node leaves the body of a HEAD out.
  }
}
