// The load for clients: a server in bytes. `/echo/SIZE` answers each message of SIZE bytes with a prepared one of the same size;
// `/push/SIZE` answers a text message, which is a number, with that many messages.
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { answerLines } from '../support/answer-lines.js';
import { encodeFrame, encodeHeader, makePayload } from './frames.js';
import { fail } from './raw-client.js';

/** Replies that go out in one write at most. */
const mostReplies = 64;

/** Every so many messages one is looked at byte by byte. */
const samplePeriod = 101;

const server = createServer({ noDelay: true }, (socket) => {
  let head = Buffer.alloc(0);
  const shakeHands = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n') + 4;
    if (end === 3) return;
    socket.off('data', shakeHands);
    const [, kind, size] = /^GET \/(\w+)\/(\d+) /.exec(head.toString('latin1', 0, end))!;
    const key = /^sec-websocket-key: *(\S+)/im.exec(head.toString('latin1', 0, end))![1];
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('data', kind === 'echo' ? replier(socket, Number(size)) : pusher(socket, Number(size)));
    if (end < head.length) socket.emit('data', head.subarray(end));
  };
  socket.on('data', shakeHands);
  socket.on('error', () => socket.destroy());
});

function replier(socket: Socket, size: number): (chunk: Buffer) => void {
  const reply = encodeFrame({ isText: false, payload: makePayload(size, false, 1) }, false);
  const replies = Buffer.concat(Array.from({ length: size > 4096 ? 1 : mostReplies }, () => reply));
  const header = encodeHeader(0x82, size, true);
  const payload = makePayload(size, false, 0);
  const keyOffset = header.length;
  const frameSize = keyOffset + 4 + size;
  const key = Buffer.alloc(4);
  let offset = 0;
  let messages = 0;

  /** Looks at bytes of one frame; every header, and the payload of some. */
  const isRight = (chunk: Buffer, start: number, end: number): boolean => {
    const headerEnd = Math.min(end, start + Math.max(0, keyOffset - offset));
    if (
      headerEnd > start &&
      header.compare(chunk, start, headerEnd, offset, offset + headerEnd - start) !== 0
    )
      return false;
    if (messages % samplePeriod !== 0) return true;
    for (let i = headerEnd; i < end; i++) {
      const at = offset + i - start - keyOffset;
      if (at < 4) key[at] = chunk[i]!;
      else if ((chunk[i]! ^ key[at & 3]!) !== payload[at - 4]) return false;
    }
    return true;
  };

  return (chunk) => {
    let complete = 0;
    for (let start = 0; start < chunk.length; ) {
      const end = Math.min(chunk.length, start + frameSize - offset);
      if (!isRight(chunk, start, end)) {
        fail(new Error(`message ${messages} of the client is wrong`));
      }
      offset += end - start;
      start = end;
      if (offset < frameSize) break;
      offset = 0;
      messages++;
      complete++;
    }
    for (; complete > 0; ) {
      const some = Math.min(complete, replies.length / reply.length);
      socket.write(replies.subarray(0, some * reply.length));
      complete -= some;
    }
  };
}

function pusher(socket: Socket, size: number): (chunk: Buffer) => void {
  const frame = encodeFrame({ isText: false, payload: makePayload(size, false, 1) }, false);
  return async (chunk) => {
    const length = chunk[1]! & 0x7f;
    if (chunk[0] !== 0x81 || chunk.length !== length + 6)
      fail(new Error('the question of the client is wrong'));
    const digits = chunk.subarray(6).map((byte, i) => byte ^ chunk[2 + (i & 3)]!);
    for (let left = Number(Buffer.from(digits).toString()); left > 0; left--) {
      if (!socket.write(frame)) await new Promise((resolve) => socket.once('drain', resolve));
    }
  };
}

server.listen({ port: 0, host: '127.0.0.1' }, () =>
  answerLines({ port: () => (server.address() as AddressInfo).port }),
);
