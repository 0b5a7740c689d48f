import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Connection, dial } from 'ants-ws';
import { expect } from 'chai';
import { HandshakeError } from '#src/errors.js';
import { RawServer, switching } from '../client/raw-server.js';
import { outcome, until } from '../support/connections.js';

const timeouts = {
  handshakeTimeout: 200,
  heartbeatInterval: 100,
  heartbeatTimeout: 100,
  closeTimeout: 100,
  writeTimeout: 200,
};

const compressed = 'Sec-WebSocket-Extensions: permessage-deflate';

/** How far a server gets: what it answers before it fails, of the 101 and behind it. */
const stages: readonly { name: string; answer: (request: string) => string | Buffer; opens: boolean }[] = [
  { name: 'without an answer', answer: () => '', opens: false },
  { name: 'in the status line', answer: () => 'HTTP/1.1 10', opens: false },
  { name: 'in the headers', answer: (request) => switching(request).slice(0, 60), opens: false },
  { name: 'once it is open', answer: (request) => switching(request), opens: true },
  { name: 'in a header of a frame', answer: behind('81'), opens: true },
  { name: 'in a message', answer: behind('82 7e 1000 41 41'), opens: true },
  { name: 'between fragments', answer: behind('01 01 41'), opens: true },
  { name: 'in a compressed message', answer: behind('41 03 f248cd'), opens: true },
  { name: 'behind a compressed message', answer: behind('c1 07 f248cdc9c90700'), opens: true },
  { name: 'in a Close frame', answer: behind('88 02 03'), opens: true },
];

function behind(hex: string): (request: string) => Buffer {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return (request) => Buffer.concat([Buffer.from(switching(request, [compressed])), bytes]);
}

/** How it fails. In silence it reads nothing and says nothing; dripping, it says something that never becomes anything. */
const faults: readonly { name: string; fail: (socket: Socket) => void }[] = [
  { name: 'RST', fail: (socket) => socket.resetAndDestroy() },
  { name: 'FIN', fail: (socket) => socket.end() },
  { name: 'silence', fail: (socket) => socket.pause() },
];

/** What holds this process open that a client might leave behind. */
function handles(): string[] {
  const kinds = ['TCPSocketWrap', 'TCPWrap', 'TCPConnectWrap', 'GetAddrInfoReqWrap'];
  return process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind));
}

describe('a server that fails', () => {
  let server: RawServer;
  let before: string[];

  beforeEach(async () => {
    before = handles();
    server = await RawServer.start();
  });

  afterEach(async () => {
    await server.stop();
    // Never, if a socket is left.
    await until(() => handles().length <= before.length);
  });

  for (const { name: stage, answer, opens } of stages) {
    for (const { name: fault, fail } of faults) {
      it(`${stage}, by ${fault}: ${opens ? 'one close event' : 'a rejection'} with a cause`, async () => {
        const dialled = outcome(dial(server.url, { ...timeouts, compression: true }));
        const { text, socket } = await server.request();
        const bytes = answer(text);
        if (bytes.length > 0) await new Promise((resolve) => socket.write(bytes, resolve));
        if (!opens) {
          fail(socket);
          const error = await dialled;
          expect(error).to.be.an('error');
          expect((error as Error).message).to.match(/./);
          expect(error instanceof HandshakeError || 'code' in (error as Error)).to.equal(true);
          return;
        }
        const conn = (await dialled) as Connection;
        let closes = 0;
        conn.on('close', () => closes++);
        conn.on('message', () => {});
        fail(socket);
        const [info] = (await once(conn, 'close')) as [{ code: number; wasClean: boolean; error?: Error }];
        expect(info).to.include({ code: 1006, wasClean: false });
        expect(info.error).to.be.an('error').with.property('code', 'ANTS_CLOSED');
        await new Promise(setImmediate);
        expect(closes).to.equal(1);
      });
    }
  }

  it('by dripping a response: the deadline of the handshake holds', async () => {
    const dialled = outcome(dial(server.url, timeouts));
    const { socket } = await server.request();
    socket.write('HTTP/1.1 101 Switching Protocols\r\nX-Drip: ');
    const drip = setInterval(() => socket.write('.'), 20);
    expect(await dialled)
      .to.be.an('error')
      .with.property('code', 'ANTS_HANDSHAKE_TIMEOUT');
    clearInterval(drip);
  });
});
