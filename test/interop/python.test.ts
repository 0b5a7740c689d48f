import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { CloseError, type Connection, dial, HandshakeError, type Server, serve } from 'ants-ws';
import { expect } from 'chai';
import { root } from '../house/root.js';

/** Debian's own Python, which is where its package `python3-websockets` is found. */
const python = '/usr/bin/python3';
const script = join(root, 'test/interop/python-peer.py');

// Where the other side closes first, the reason that python-websockets reports is that of our answer, and that repeats the
// code alone.

/** A running python-peer.py; what it says on its standard output comes line by line. */
class Peer {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(...args: string[]) {
    this.process = spawn(python, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: Interface = createInterface(this.process.stdout!);
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The next line, parsed. */
  async heard(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the peer in Python has ended; its standard error says why');
    return JSON.parse(value) as Record<string, unknown>;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill();
    await once(this.process, 'exit');
  }
}

// Registered only where `.ci/run` has seen to it that the peer is installed: a skipped test would look like one that passed.
if (process.env['ANTS_PYTHON'] === '1') {
  describe('interop with python-websockets', () => {
    describe('as our server', () => {
      let peer: Peer;
      let url: string;

      before(async () => {
        peer = new Peer('server');
        const { port } = await peer.heard();
        url = `ws://127.0.0.1:${port}`;
      });

      after(() => peer.stop());

      const payloads: readonly (readonly [string, string | Buffer])[] = [
        ['empty text', ''],
        ['text', 'héllo 🐜'],
        ['text of 70,000 characters', 'x'.repeat(70_000)],
        ['no bytes', Buffer.alloc(0)],
        ['125 bytes', makeBytes(125)],
        ['126 bytes', makeBytes(126)],
        ['65,536 bytes', makeBytes(65_536)],
        ['1,000,000 bytes', makeBytes(1_000_000)],
      ];
      for (const [name, payload] of payloads) {
        it(`echoes ${name}, whole and in fragments`, async () => {
          const whole = await dial(`${url}/echo`);
          await whole.send(payload);
          expect(await whole.receive()).to.deep.equal(payload);
          await whole.close();

          const cut = await dial(`${url}/echo`, { fragmentSize: 1000 });
          await cut.send(payload);
          expect(await cut.receive()).to.deep.equal(payload);
          await cut.close();

          for (let i = 0; i < 2; i++) {
            expect(await peer.heard()).to.deep.include({ path: '/echo', code: 1000 });
          }
        });
      }

      for (const compression of [
        {},
        { contextTakeover: false, windowBits: 9 },
        { peerContextTakeover: false, peerWindowBits: 10 },
        { windowBits: 8, peerWindowBits: 9, asyncThreshold: 0 },
      ]) {
        it(`compresses, and inflates: ${JSON.stringify(compression)}`, async () => {
          const conn = await dial(`${url}/echo`, {
            compression: { threshold: 0, ...compression },
            fragmentSize: 1000,
          });
          expect(conn.extensions).to.match(/^permessage-deflate/);
          for (const [, payload] of [...payloads, ...payloads]) {
            await conn.send(payload);
            expect(await conn.receive()).to.deep.equal(payload);
          }
          await conn.close();
          expect(await peer.heard()).to.deep.include({ path: '/echo', code: 1000 });
        });
      }

      it('agrees on a subprotocol, keeps order, answers pings, takes our close code and reason', async () => {
        const conn = await dial(`${url}/echo`, { subprotocols: ['chat', 'none'] });
        expect(conn.subprotocol).to.equal('chat');
        for (let i = 0; i < 100; i++) conn.send(String(i));
        for (let i = 0; i < 100; i++) expect(await conn.receive()).to.equal(String(i));
        expect(await conn.ping('are you there?')).to.be.at.least(0);
        const info = await conn.close(4001, 'enough');
        expect(info).to.include({ code: 4001, reason: 'enough', wasClean: true });
        expect(await peer.heard()).to.deep.equal({
          path: '/echo',
          subprotocol: 'chat',
          code: 4001,
          reason: 'enough',
        });
      });

      it('sends fragments, empty ones among them', async () => {
        const conn = await dial(`${url}/fragments`);
        expect(await conn.receive()).to.equal('Hello wörld');
        expect(await conn.receive()).to.deep.equal(Buffer.from([0, 1, 2]));
        await conn.close();
        await peer.heard();
      });

      it('pings, and gets its pong', async () => {
        const conn = await dial(`${url}/ping`);
        const pings: string[] = [];
        conn.on('ping', (payload) => pings.push(payload.toString()));
        expect(await conn.receive()).to.equal('pong came');
        expect(pings).to.deep.equal(['are you there?']);
        await conn.close();
        await peer.heard();
      });

      for (const [code, reason] of [
        [1000, ''],
        [1001, 'going'],
        [1011, 'broken'],
        [3000, 'größer'],
        [4999, 'x'.repeat(123)],
      ] as const) {
        it(`closes with ${code} and a reason of ${reason.length} characters`, async () => {
          const conn = await dial(`${url}/close?code=${code}&reason=${encodeURIComponent(reason)}`);
          const info = await conn.closed;
          expect(info).to.include({ code, reason, wasClean: true });
          expect(await peer.heard()).to.include({ path: '/close', code, reason: '' });
        });
      }

      it('refuses the handshake', async () => {
        const error = await dial(`${url}/elsewhere`).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).to.be.instanceOf(HandshakeError);
        const { status, headers, body } = error as HandshakeError;
        expect(status).to.equal(401);
        expect(headers.get('x-why')).to.equal('unknown');
        expect(body).to.equal('no such door\n');
      });
    });

    describe('as our client', () => {
      let server: Server;
      let peer: Peer | undefined;
      const ended: unknown[] = [];

      before(async () => {
        const authorize = (request: { url?: string | undefined }): Response | undefined =>
          request.url === '/elsewhere' ? new Response('no such door', { status: 404 }) : undefined;
        server = await serve(
          { port: 0, host: '127.0.0.1', subprotocols: ['chat'], fragmentSize: 1000, authorize },
          handle,
        );
      });

      after(async () => {
        await peer?.stop();
        await server.close();
      });

      async function handle(conn: Connection): Promise<void> {
        switch (conn.request.url) {
          case '/close':
            await conn.close(4002, 'go away');
            return;
          case '/fragments':
            await conn.send('many fragments,'.repeat(1000));
            return;
          default:
            try {
              for await (const message of conn) await conn.send(message);
            } catch (error) {
              if (!(error instanceof CloseError)) throw error;
              ended.push({ code: error.closeCode, reason: error.reason, wasClean: error.wasClean });
            }
        }
      }

      it('echoes compressed messages', async () => {
        const compressing = await serve(
          {
            port: 0,
            host: '127.0.0.1',
            subprotocols: ['chat'],
            fragmentSize: 1000,
            compression: { threshold: 0 },
          },
          handle,
        );
        const client = new Peer('client', compressing.url.replace(/\/$/, ''));
        try {
          expect(await client.heard()).to.include({ scenario: 'echo', code: 3001 });
          // 8 messages, of which the large ones shrink to little.
          expect(compressing.stats.bytesSent).to.be.below(100_000);
        } finally {
          await client.stop();
          await compressing.close();
          ended.length = 0;
        }
      });

      it('echoes, pings, closes, is closed, is refused', async () => {
        peer = new Peer('client', server.url.replace(/\/$/, ''));
        expect(await peer.heard()).to.deep.equal({
          scenario: 'echo',
          subprotocol: 'chat',
          code: 3001,
          reason: '',
        });
        expect(await peer.heard()).to.deep.equal({ scenario: 'close', code: 4002, reason: 'go away' });
        expect(await peer.heard()).to.deep.equal({
          scenario: 'fragments',
          message: 'many fragments,'.repeat(1000),
        });
        expect(await peer.heard()).to.deep.equal({ scenario: 'refused', status: 404 });
        expect(await peer.heard()).to.deep.equal({ scenario: 'origin', status: 403 });
        expect(ended).to.deep.equal([{ code: 3001, reason: 'enough', wasClean: true }]);
      });
    });
  });
}

function makeBytes(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31) % 256));
}
