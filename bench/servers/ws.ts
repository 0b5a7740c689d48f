// `ws` with its default options. It masks with the add-on `bufferutil` unless WS_NO_BUFFER_UTIL is set.
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { beMeasured, Count, type Task, task } from './measured.js';

function count(socket: WebSocket): void {
  const count = new Count();
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) count.add(data.length);
    else socket.send(count.toString());
  });
}

const handlers: Record<Task, (socket: WebSocket) => void> = {
  echo(socket) {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  },
  count,
  // Events are the only way that it has.
  await: count,
  broadcast(socket) {
    socket.on('message', (data, isBinary) => {
      for (const other of server.clients) other.send(data, { binary: isBinary });
    });
  },
};

const server: WebSocketServer = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  beMeasured((server.address() as AddressInfo).port),
);
server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  handlers[task](socket);
});
