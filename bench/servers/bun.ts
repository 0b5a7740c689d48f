// The server that is built into Bun; to be run by Bun.
import { beMeasured, Count, type Task, task } from './measured.js';

interface BunSocket {
  readonly data: Count;
  send(data: string | Uint8Array): void;
  subscribe(topic: string): void;
}
declare const Bun: {
  readonly version: string;
  serve(options: {
    port: number;
    hostname: string;
    fetch(request: Request, server: { upgrade(request: Request, options: object): boolean }): void;
    websocket: {
      open(socket: BunSocket): void;
      message(socket: BunSocket, message: string | Uint8Array): void;
    };
  }): { readonly port: number; publish(topic: string, message: string | Uint8Array): void };
};

function count(socket: BunSocket, message: string | Uint8Array): void {
  if (typeof message === 'string') socket.send(socket.data.toString());
  else socket.data.add(message.length);
}

const handlers: Record<Task, (socket: BunSocket, message: string | Uint8Array) => void> = {
  echo: (socket, message) => socket.send(message),
  count,
  // Events are the only way that it has.
  await: count,
  broadcast: (_socket, message) => server.publish('all', message),
};

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, server) {
    server.upgrade(request, { data: new Count() });
  },
  websocket: {
    open(socket) {
      if (task === 'broadcast') socket.subscribe('all');
    },
    message: handlers[task],
  },
});
beMeasured(server.port, `Bun ${Bun.version}`);
