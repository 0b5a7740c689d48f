// Who are you? Asked and answered before the upgrade. What was found out is `conn.data`, with its type.
//
//   npm run build && node build/examples/authentication.js [port]
//
// Let in:   node build/examples/ants-client.js 'ws://localhost:8080/?token=ada-token'
// Refused:  node build/examples/ants-client.js ws://localhost:8080/
import type { IncomingMessage } from 'node:http';
import { serve } from 'ants-ws';

interface User {
  name: string;
  mayWrite: boolean;
}

// In your program: a database, or the signature of the token.
const users = new Map<string, User>([
  ['ada-token', { name: 'Ada', mayWrite: true }],
  ['bob-token', { name: 'Bob', mayWrite: false }],
]);

/** The token in the header, for programs; in the cookie, for pages of this host; in the query, where there is no other way. */
function findToken(request: IncomingMessage): string | null {
  const [, bearer] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const [, cookie] = /(?:^|;\s*)token=([^;]*)/.exec(request.headers.cookie ?? '') ?? [];
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams.get('token');
  return bearer ?? cookie ?? query;
}

const port = Number(process.argv[2] ?? process.env['PORT'] ?? 8080);
const server = await serve(
  {
    port,
    host: 'localhost',
    // Async, as it would be with a database; `signal` tells when nobody waits for the answer any more.
    authorize: async (request, { signal }): Promise<User | Response> => {
      signal.throwIfAborted();
      const user = users.get(findToken(request) ?? '');
      if (user !== undefined) return user;
      return new Response('Who are you? Bring a token.\n', {
        status: 401,
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    },
  },
  async (conn) => {
    const { name, mayWrite } = conn.data;
    console.log(`${name} came in`);
    for await (const message of conn) {
      await conn.send(mayWrite ? `${name}: ${message}` : `${name} may only read`);
    }
  },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await server.close();
    console.log('stopped');
  });
}

console.log(`listening on ${server.url}`);
