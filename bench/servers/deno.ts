// The server that is built into Deno; to be run by Deno.
import { beMeasured, Count, type Task, task } from './measured.js';

interface DenoSocket extends EventTarget {
  send(data: string | ArrayBuffer): void;
  onopen: () => void;
  onclose: () => void;
  onmessage: (event: { readonly data: string | ArrayBuffer }) => void;
}
declare const Deno: {
  readonly version: { readonly deno: string };
  serve(
    options: { port: number; hostname: string; onListen: () => void },
    handler: (request: Request) => unknown,
  ): { readonly addr: { readonly port: number } };
  upgradeWebSocket(
    request: Request,
    options: object,
  ): { readonly socket: DenoSocket; readonly response: unknown };
};

const sockets = new Set<DenoSocket>();

function count(socket: DenoSocket): DenoSocket['onmessage'] {
  const count = new Count();
  return ({ data }) => {
    if (typeof data === 'string') socket.send(count.toString());
    else count.add(data.byteLength);
  };
}

const handlers: Record<Task, (socket: DenoSocket) => DenoSocket['onmessage']> = {
  echo:
    (socket) =>
    ({ data }) =>
      socket.send(data),
  count,
  // Events are the only way that it has.
  await: count,
  broadcast:
    () =>
    ({ data }) => {
      for (const other of sockets) other.send(data);
    },
};

const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.onopen = () => sockets.add(socket);
  socket.onclose = () => sockets.delete(socket);
  socket.onmessage = handlers[task](socket);
  return response;
});
beMeasured(server.addr.port, `Deno ${Deno.version.deno}`);
