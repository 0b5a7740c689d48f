// `faye-websocket` with its default options.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket from 'faye-websocket';
import { beMeasured, Count, type Task, task } from './measured.js';

interface MessageEvent {
  readonly data: string | Buffer;
}

const connections = new Set<WebSocket>();

function count(connection: WebSocket): void {
  const count = new Count();
  connection.on('message', ({ data }: MessageEvent) => {
    if (typeof data === 'string') connection.send(count.toString());
    else count.add(data.length);
  });
}

const handlers: Record<Task, (connection: WebSocket) => void> = {
  echo(connection) {
    connection.on('message', ({ data }: MessageEvent) => connection.send(data));
  },
  count,
  // Events are the only way that it has.
  await: count,
  broadcast(connection) {
    connection.on('message', ({ data }: MessageEvent) => {
      for (const other of connections) other.send(data);
    });
  },
};

const httpServer = createServer();
httpServer.on('upgrade', (request, socket, head) => {
  const connection = new WebSocket(request, socket, head);
  connections.add(connection);
  connection.on('close', () => connections.delete(connection));
  handlers[task](connection);
});
httpServer.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  beMeasured((httpServer.address() as AddressInfo).port),
);
