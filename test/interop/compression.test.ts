import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Connection, dial, serve } from 'ants-ws';
import { expect } from 'chai';
import { WebSocket as UndiciWebSocket } from 'undici';
import { type PerMessageDeflateOptions, WebSocket, WebSocketServer } from 'ws';

/** Each side's history gets used, also where little of it is left, and across the border to the thread pool. */
const messages: readonly (string | Buffer)[] = [
  '',
  'hello',
  '{"type":"said","name":"Ada","text":"hello hello 🐜"}'.repeat(3),
  '{"type":"said","name":"Bob","text":"hello hello 🐜"}'.repeat(3),
  Buffer.alloc(0),
  Buffer.from(Array.from({ length: 5_000 }, (_, i) => ((i % 300) * 7) & 255)),
  Buffer.from(Array.from({ length: 5_000 }, (_, i) => ((i % 300) * 7) & 255)),
  Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255)),
  'y'.repeat(200_000),
  '{"type":"said","name":"Ada","text":"hello hello 🐜"}'.repeat(3),
];

/** What ws may be asked for: each of its switches, and windows of every size that zlib can do. */
const settings: PerMessageDeflateOptions[] = [];
for (const serverNoContextTakeover of [undefined, true])
  for (const clientNoContextTakeover of [undefined, true])
    for (const serverMaxWindowBits of [undefined, 8, 9, 15])
      for (const clientMaxWindowBits of [undefined, 8, 9, 15]) {
        settings.push(
          Object.fromEntries(
            Object.entries({
              serverNoContextTakeover,
              clientNoContextTakeover,
              serverMaxWindowBits,
              clientMaxWindowBits,
            }).filter(([, value]) => value !== undefined),
          ),
        );
      }

describe('interop with compression', () => {
  it('ws as client, for all that it can offer and we can be set to', async () => {
    for (const compression of [
      {},
      { contextTakeover: false, peerContextTakeover: false },
      { windowBits: 10, peerWindowBits: 10, fragmentSize: 1_000 },
    ]) {
      const { fragmentSize, ...rest } = { fragmentSize: undefined, ...compression };
      const server = await serve(
        { port: 0, host: '127.0.0.1', compression: { threshold: 0, ...rest }, fragmentSize },
        async (connection) => {
          for await (const message of connection) await connection.send(message);
        },
      );
      for (const offer of settings) {
        const about = JSON.stringify([compression, offer]);
        const socket = new WebSocket(server.url, { perMessageDeflate: { threshold: 0, ...offer } });
        await once(socket, 'open');
        // ws does not offer to be limited where it has a number in mind that is larger, but then it is a number.
        const isOn = socket.extensions !== '';
        expect(socket.extensions.startsWith('permessage-deflate'), about).to.equal(isOn);
        if (rest.peerWindowBits === undefined) expect(isOn, about).to.equal(true);
        for (const message of messages) {
          socket.send(message);
          const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
          expect(isBinary ? data : String(data), about).to.deep.equal(message);
        }
        socket.close(1000);
        const [code] = await once(socket, 'close');
        expect(code, about).to.equal(1000);
      }
      await server.close();
    }
  }).timeout(60_000);

  it('ws as server, for all that it can be set to and we can offer', async () => {
    for (const setting of settings) {
      const server = new WebSocketServer({
        port: 0,
        host: '127.0.0.1',
        perMessageDeflate: { threshold: 0, ...setting },
      });
      await once(server, 'listening');
      server.on('connection', (socket) => {
        socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
      });
      for (const offer of [
        {},
        { contextTakeover: false },
        { peerContextTakeover: false, fragmentSize: 1_000 },
        { windowBits: 9 },
        { peerWindowBits: 10 },
        { windowBits: 8, peerWindowBits: 8 },
      ]) {
        const { fragmentSize, ...compression } = {
          fragmentSize: undefined,
          windowBits: undefined,
          peerWindowBits: undefined,
          ...offer,
        };
        const about = JSON.stringify([setting, offer]);
        // ws refuses what asks for less than it was set to; so there is something to fall back to.
        const { windowBits = 15, peerWindowBits = 15 } = compression;
        const isTooMuch =
          (setting.serverMaxWindowBits ?? 0) > peerWindowBits ||
          (setting.clientMaxWindowBits ?? 0) > windowBits;
        const own = { threshold: 0, ...compression };
        const { port } = server.address() as AddressInfo;
        const connection: Connection = await dial(`ws://127.0.0.1:${port}/`, {
          compression: isTooMuch ? [own, { threshold: 0 }] : own,
          fragmentSize,
        });
        expect(connection.extensions, about).to.match(/^permessage-deflate/);
        for (const message of messages) {
          await connection.send(message);
          expect(await connection.receive(), about).to.deep.equal(message);
        }
        expect(await connection.close(), about).to.include({ code: 1000, wasClean: true });
      }
      server.close();
    }
  }).timeout(60_000);

  it('undici as client', async () => {
    for (const compression of [
      {},
      { contextTakeover: false, windowBits: 9 },
      { peerContextTakeover: false },
    ]) {
      const server = await serve(
        { port: 0, host: '127.0.0.1', compression: { threshold: 0, ...compression } },
        async (connection) => {
          expect(connection.extensions).to.match(/^permessage-deflate/);
          for await (const message of connection) await connection.send(message);
        },
      );
      const socket = new UndiciWebSocket(server.url);
      socket.binaryType = 'arraybuffer';
      await new Promise((resolve) => socket.addEventListener('open', resolve));
      expect(socket.extensions).to.match(/^permessage-deflate/);
      for (const message of messages) {
        socket.send(message as string);
        const data = await new Promise((resolve) =>
          socket.addEventListener('message', (event) => resolve(event.data), { once: true }),
        );
        expect(typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer)).to.deep.equal(message);
      }
      socket.close(1000);
      await server.close();
    }
  });
});
