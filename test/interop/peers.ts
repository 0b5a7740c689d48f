import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import FayeWebSocket from 'faye-websocket';
import { WebSocket as UndiciWebSocket } from 'undici';
import websocket from 'websocket';
import { WebSocketServer, WebSocket as WsWebSocket } from 'ws';
import { type PeerClient, PeerConnection, type PeerMessage, type PeerServer } from './peer.js';

/** What browsers, undici, faye-websocket and W3CWebSocket have in common. */
interface WebStyleSocket {
  binaryType?: string;
  protocol: string;
  send(data: never): void;
  close(code?: number, reason?: string): void;
}

function webStyle(socket: WebStyleSocket): PeerConnection {
  return new PeerConnection({
    send: (message) => (socket.send as (data: PeerMessage) => void)(message),
    close: (code, reason) => socket.close(code, reason),
    subprotocol: () => socket.protocol ?? '',
  });
}

function toMessage(data: unknown): PeerMessage {
  if (typeof data === 'string') return data;
  return data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.from(data as Buffer);
}

function fromWs(socket: WsWebSocket): PeerConnection {
  const peer = new PeerConnection({
    send: (message) => socket.send(message),
    close: (code, reason) => socket.close(code, reason),
    subprotocol: () => socket.protocol,
  });
  socket.on('message', (data: Buffer, isBinary) => peer.onMessage(isBinary ? data : data.toString()));
  socket.on('close', (code, reason) => peer.onEnd(code, reason.toString()));
  return peer;
}

function fromWebsocket(connection: websocket.connection): PeerConnection {
  const peer = new PeerConnection({
    send: (message) =>
      typeof message === 'string' ? connection.sendUTF(message) : connection.sendBytes(message),
    close: (code, reason) => connection.close(code, reason),
    subprotocol: () => connection.protocol ?? '',
  });
  connection.on('message', (message) =>
    peer.onMessage(message.type === 'utf8' ? message.utf8Data : message.binaryData),
  );
  connection.on('close', (code, reason) => peer.onEnd(code, reason));
  return peer;
}

function fromFaye(socket: FayeWebSocket): PeerConnection {
  const peer = webStyle(socket as unknown as WebStyleSocket);
  socket.on('message', (event: { data: unknown }) => peer.onMessage(toMessage(event.data)));
  socket.on('close', (event: { code: number; reason: string }) => peer.onEnd(event.code, event.reason));
  return peer;
}

/** The clients that our server is tried with. */
export const clients: readonly PeerClient[] = [
  {
    name: 'ws',
    async connect(url, subprotocols) {
      const socket = new WsWebSocket(url, subprotocols);
      const peer = fromWs(socket);
      await once(socket, 'open');
      return peer;
    },
  },
  {
    name: 'undici',
    async connect(url, subprotocols) {
      const socket = new UndiciWebSocket(url, subprotocols);
      socket.binaryType = 'arraybuffer';
      const peer = webStyle(socket as unknown as WebStyleSocket);
      socket.addEventListener('message', (event) => peer.onMessage(toMessage(event.data)));
      socket.addEventListener('close', (event) => peer.onEnd(event.code, event.reason));
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', reject);
      });
      return peer;
    },
  },
  {
    name: 'websocket',
    answersWith: 1000,
    async connect(url, subprotocols) {
      const client = new websocket.client();
      client.connect(url, subprotocols);
      const [connection] = await once(client, 'connect');
      return fromWebsocket(connection);
    },
  },
  {
    name: 'faye-websocket',
    async connect(url, subprotocols) {
      const socket = new FayeWebSocket.Client(url, subprotocols);
      const peer = fromFaye(socket);
      await once(socket, 'open');
      return peer;
    },
  },
];

/** Starts an HTTP server for a library that takes one. */
async function listen(server: Server, accepting: EventEmitter) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/`,
    accepted: async () => (await once(accepting, 'accepted'))[0] as PeerConnection,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The servers that our client is tried with. */
export const servers: readonly PeerServer[] = [
  {
    name: 'ws',
    async listen() {
      const accepting = new EventEmitter();
      const httpServer = createServer();
      const server = new WebSocketServer({ server: httpServer });
      server.on('connection', (socket) => {
        const peer = fromWs(socket);
        socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
        accepting.emit('accepted', peer);
      });
      return listen(httpServer, accepting);
    },
  },
  {
    name: 'websocket',
    answersWith: 1000,
    async listen() {
      const accepting = new EventEmitter();
      const httpServer = createServer();
      const server = new websocket.server({
        httpServer,
        maxReceivedFrameSize: 8 << 20,
        maxReceivedMessageSize: 8 << 20,
      });
      server.on('request', (request) => {
        const connection = request.accept(request.requestedProtocols[0], request.origin);
        const peer = fromWebsocket(connection);
        connection.on('message', (message) =>
          message.type === 'utf8'
            ? connection.sendUTF(message.utf8Data)
            : connection.sendBytes(message.binaryData),
        );
        accepting.emit('accepted', peer);
      });
      return listen(httpServer, accepting);
    },
  },
  {
    name: 'faye-websocket',
    async listen() {
      const accepting = new EventEmitter();
      const httpServer = createServer();
      httpServer.on('upgrade', (request, socket, head) => {
        const connection = new FayeWebSocket(request, socket, head, ['chat']);
        const peer = fromFaye(connection);
        connection.on('message', (event: { data: string | Buffer }) => connection.send(event.data));
        accepting.emit('accepted', peer);
      });
      return listen(httpServer, accepting);
    },
  },
];
