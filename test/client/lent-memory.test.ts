import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { dial } from '#src/client/dial.js';
import type { Connection } from '#src/connection/connection.js';
import { readHooks } from '#src/connection/read-block.js';
import { serve } from '#src/server/serve.js';
import { tls } from '../fixtures/tls.js';
import { switching } from './raw-server.js';

// In every test of the whole run: whoever keeps lent memory finds other bytes in it.
before(() => {
  readHooks.afterRead = (lent) => lent.fill(0xa5);
});

after(() => {
  readHooks.afterRead = undefined;
});

describe('client: memory that is lent', () => {
  /** Messages that go through every way of keeping bytes. */
  const messages = [
    'a',
    'é'.repeat(100),
    randomBytes(100),
    randomBytes(70_000),
    'ü'.repeat(60_000),
    randomBytes(3_000_000),
    Buffer.alloc(0),
    '𝄞'.repeat(200_000),
    randomBytes(65_536 - 10),
    'end',
  ];

  for (const [name, options] of [
    ['TCP', {}],
    ['TLS', { tls }],
    ['TCP with compression', { compression: true }],
  ] as const) {
    it(`is not kept by messages over ${name}, whole, fragmented, or taken late`, async () => {
      const server = await serve({ host: '127.0.0.1', ...options }, async (conn) => {
        for (const fragmentSize of [undefined, 1_000, 40_000]) {
          for (const message of messages) {
            if (fragmentSize === undefined || message.length === 0) await conn.send(message);
            else await conn.sendStream([message], { fragmentSize });
          }
        }
      });
      for (const receiveQueueMessages of [1024, 1]) {
        const conn = await dial(server.url, {
          receiveQueueMessages,
          compression: true,
          tls: { ca: tls.cert },
        });
        for (let round = 0; round < 3; round++) {
          for (const message of messages) {
            // Nobody waits meanwhile: what comes is kept unparsed.
            await new Promise((resolve) => setImmediate(resolve));
            expectSame(await conn.receive(), message);
          }
        }
        await conn.closed;
      }
      await server.close();
    });
  }

  it('is not kept by streams, nor by pings', async () => {
    const payload = randomBytes(2_000_000);
    const pings: string[] = [];
    const server = await serve({ host: '127.0.0.1' }, async (conn) => {
      void conn.ping('a ping');
      await conn.send(payload);
      await conn.send(payload);
    });
    const conn = await dial(server.url);
    conn.on('ping', (data) => pings.push(data.toString()));
    for (let i = 0; i < 2; i++) {
      const parts: Buffer[] = [];
      for await (const part of await conn.receiveStream()) parts.push(part as Buffer);
      expectSame(Buffer.concat(parts), payload);
    }
    expect(pings).to.deep.equal(['a ping']);
    await conn.closed;
    await server.close();
  });

  it('gives the same for every split of what a server sends', async () => {
    let answer: Buffer[] = [];
    const raw = createServer((socket) => {
      socket.on('error', () => {});
      socket.setNoDelay(true).once('data', async (request) => {
        socket.write(switching(request.toString('latin1')));
        for (const part of answer) {
          socket.write(part);
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
    }).listen(0, '127.0.0.1');
    await once(raw, 'listening');
    const { port } = raw.address() as { port: number };
    const frame = Buffer.concat([
      Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 2, 0x49, 0xf0]),
      randomBytes(150_000),
    ]);
    const all = Buffer.concat([
      Buffer.from('810548656c6c6f', 'hex'),
      frame,
      Buffer.from('8802 03e8'.replace(' ', ''), 'hex'),
    ]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: all.length }), { maxLength: 8 }), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), all.length];
        answer = edges.slice(1).map((end, i) => all.subarray(edges[i]!, end));
        const conn: Connection = await dial(`ws://127.0.0.1:${port}/`);
        expect(await conn.receive()).to.equal('Hello');
        expectSame(await conn.receive(), frame.subarray(10));
        conn.terminate();
      }),
      { numRuns: 20 },
    );
    raw.close();
  });
});

/** As `deep.equal`, but fast and with a short message. */
function expectSame(actual: string | Buffer, expected: string | Buffer): void {
  expect(typeof actual).to.equal(typeof expected);
  expect(actual.length).to.equal(expected.length);
  expect(Buffer.compare(Buffer.from(actual as Buffer), Buffer.from(expected as Buffer))).to.equal(0);
}
