import process from 'node:process';
import { beMeasured } from './measured.js';

interface StandardSocket {
  binaryType: string;
  onopen: unknown;
  onerror: unknown;
  onmessage: unknown;
  send(message: string | Uint8Array<ArrayBuffer>): void;
}

/** Measures a client with the interface of browsers. */
export function measureStandard(WebSocket: new (url: string) => StandardSocket, runtime?: string): void {
  beMeasured(
    (url, take) =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(url);
        socket.binaryType = 'arraybuffer';
        socket.onmessage = ({ data }: { data: ArrayBuffer }) => take(data);
        socket.onopen = () => resolve(socket);
        socket.onerror = () => reject(new Error('the connection failed'));
      }),
    runtime ?? `Node ${process.versions.node}`,
  );
}
