declare module 'faye-websocket' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  class WebSocket extends EventEmitter {
    constructor(request: IncomingMessage, socket: Duplex, head: Buffer, protocols?: string[]);
    protocol: string;
    send(data: string | Buffer): boolean;
    ping(data: string, answered: () => void): boolean;
    close(code?: number, reason?: string): void;
    static Client: new (
      url: string,
      protocols?: string[],
    ) => WebSocket;
  }
  export default WebSocket;
}
