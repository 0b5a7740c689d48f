import type { ListenOptions, Server as NetServer } from 'node:net';
import { AntsError } from '../errors.js';

/** What to do about the usual reasons. */
const advice = new Map<string, string>([
  [
    'EADDRINUSE',
    'it is in use; stop the other program, or choose another port, or port 0 for any that is free',
  ],
  ['EACCES', 'permission denied; ports below 1024 and some folders need privileges'],
  ['EADDRNOTAVAIL', 'this machine has no such address; leave host out to listen on all of them'],
  ['ENOTFOUND', 'the host name is not known; leave host out to listen on all addresses'],
]);

/**
 * Lets `server` listen. It resolves when the server listens, or when it was closed meanwhile.
 *
 * @throws AntsError `ANTS_LISTEN_FAILED` with the system's error as `cause`
 */
export async function listen(server: NetServer, options: ListenOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = () => {
      server.off('error', fail).off('listening', done).off('close', done);
      resolve();
    };
    const fail = (error: NodeJS.ErrnoException) => {
      const why = advice.get(error.code ?? '') ?? 'see the cause';
      const message = `cannot listen on ${describe(options)} (${error.code ?? error.message}): ${why}`;
      reject(new AntsError('ANTS_LISTEN_FAILED', message, { cause: error }));
    };
    // A server that is closed before it listens will never do so.
    server.once('error', fail).once('listening', done).once('close', done);
    server.listen(options);
  });
}

function describe({ path, host, port }: ListenOptions): string {
  if (path !== undefined) return path;
  return host === undefined ? `port ${port}` : formatAuthority(host, port);
}

/** Host and port as a URL has them: IPv6 in brackets. */
export function formatAuthority(host: string, port: number | undefined): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}
