// The server that all of this is about, with its default options; but when only one of many connections says anything, no heartbeat
// asks the others, as the load would take a Ping for a wrong message.
import type { Connection } from 'ants-ws';
import { serve } from '../support/packed.js';
import { beMeasured, Count, type Task, task } from './measured.js';

const handlers: Record<Task, (conn: Connection) => unknown> = {
  echo(conn) {
    conn.on('message', (message) => conn.send(message));
  },
  count(conn) {
    const count = new Count();
    conn.on('message', (message) => {
      if (typeof message === 'string') conn.send(count.toString());
      else count.add(message.length);
    });
  },
  async await(conn) {
    const count = new Count();
    for await (const message of conn) {
      if (typeof message === 'string') await conn.send(count.toString());
      else count.add(message.length);
    }
  },
  broadcast(conn) {
    conn.on('message', (message) => server.broadcast(message));
  },
};

const silence = task === 'broadcast' ? { heartbeatInterval: Infinity } : {};
const server = await serve({ host: '127.0.0.1', backlog: 4096, ...silence }, handlers[task]);
beMeasured(server.port!);
