// `websocket` with its default options, but for large messages: it takes them, and does not cut its own into frames.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import websocket, { type connection as Connection, type Message } from 'websocket';
import { beMeasured, Count, type Task, task } from './measured.js';

const send = (connection: Connection, message: Message) =>
  message.type === 'utf8'
    ? connection.sendUTF(message.utf8Data)
    : connection.sendBytes(message.binaryData as Buffer);

function count(connection: Connection): void {
  const count = new Count();
  connection.on('message', (message) => {
    if (message.type === 'binary') count.add(message.binaryData.length);
    else connection.sendUTF(count.toString());
  });
}

const handlers: Record<Task, (connection: Connection) => void> = {
  echo(connection) {
    connection.on('message', (message) => send(connection, message));
  },
  count,
  // Events are the only way that it has.
  await: count,
  broadcast(connection) {
    connection.on('message', (message) => {
      for (const other of server.connections) send(other, message);
    });
  },
};

const httpServer = createServer();
const server = new websocket.server({
  httpServer,
  maxReceivedFrameSize: 2 << 20,
  maxReceivedMessageSize: 2 << 20,
  fragmentOutgoingMessages: false,
  // After 30 s it would cut clients that answer no pings, and the load does not.
  keepalive: false,
});
server.on('request', (request) => handlers[task](request.accept(undefined, request.origin)));
httpServer.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  beMeasured((httpServer.address() as AddressInfo).port),
);
