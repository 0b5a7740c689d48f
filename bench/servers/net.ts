// What Node's sockets cost without WebSocket: it answers the opening handshake, and then sends back the bytes that come, masked as they
// are. So it reads as much as the others do, and writes four bytes (the masking key) more for each message.
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { beMeasured } from './measured.js';

const server = createServer({ noDelay: true }, (socket) => {
  let head = '';
  const shakeHands = (chunk: Buffer) => {
    head += chunk.toString('latin1');
    if (!head.endsWith('\r\n\r\n')) return;
    socket.off('data', shakeHands);
    const key = /^sec-websocket-key: *(\S+)/im.exec(head)![1];
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    echo(socket);
  };
  socket.on('data', shakeHands);
  socket.on('error', () => socket.destroy());
});

function echo(socket: Socket): void {
  socket.on('data', (chunk) => socket.write(chunk));
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  beMeasured((server.address() as AddressInfo).port),
);
