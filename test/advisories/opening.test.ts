import { once } from 'node:events';
import { Agent, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { CloseError, Connection, dial, HandshakeError, serve, Upgrader, type UpgraderOptions } from 'ants-ws';
import { expect } from 'chai';
import { ResponseHeadParser } from '#src/handshake/response-head.js';
import { RawServer } from '../client/raw-server.js';
import { Harness, rejection, untilClosed } from '../server/harness.js';
import { formatRequest, RawClient } from '../server/raw-client.js';
import { outcome, settle } from '../support/connections.js';
import { readingSlope } from './reading.js';
import { upgradeWith } from './upgrading.js';

describe('advisories: lines put into a request or response', () => {
  /** CR and LF, as they are and as what would become of other characters in Latin-1. */
  const breaks = ['\r\n', '\n', '\r', '\u010d\u010a', '\0'];

  it('CVE-2026-1527 (undici): options with CR and LF put lines into a request', async () => {
    const server = await RawServer.start();
    for (const cut of breaks) {
      const evil = `a${cut}Evil: 1`;
      for (const options of [
        { headers: { 'X-A': evil } },
        { headers: { [evil]: 'a' } },
        { headers: { Host: evil } },
        { headers: { Authorization: evil } },
        { origin: evil },
        { subprotocols: [evil] },
      ]) {
        expect(await outcome(dial(server.url, options)), JSON.stringify(options)).to.be.instanceOf(TypeError);
      }
    }
    await server.stop();
  });

  for (const agent of [undefined, new Agent()]) {
    it(`CVE-2026-1527 (undici): nor does a URL ${agent === undefined ? '' : 'with an agent'}`, async () => {
      const server = await RawServer.start();
      for (const cut of [...breaks, '%0d%0a']) {
        for (const url of [
          `${server.url}a${cut}Evil: 1`,
          `${server.url}?a${cut}Evil: 1`,
          `ws://ann${cut}Evil:%20secret@127.0.0.1:${server.port}/`,
        ]) {
          const dialling = dial(url, { agent });
          const { text } = await server.accept();
          const names = text
            .split(/[\r\n]+/)
            .slice(1, -1)
            .map((line) => line.split(':')[0]!.toLowerCase());
          const expected = ['host', 'upgrade', 'connection', 'sec-websocket-key', 'sec-websocket-version'];
          if (url.includes('@')) expected.push('authorization');
          expect(names, JSON.stringify(url)).to.have.members(expected);
          (await dialling).terminate();
        }
      }
      await server.stop();
    });
  }

  it('CVE-2026-1527 (undici): nor do options of a server put any into a response', async () => {
    for (const cut of breaks) {
      const evil = `a${cut}Evil: 1`;
      expect(() => new Upgrader({ headers: { 'X-A': evil } }), JSON.stringify(evil)).to.throw(TypeError);
      expect(() => new Upgrader({ headers: { [evil]: 'a' } }), JSON.stringify(evil)).to.throw(TypeError);
      expect(() => new Upgrader({ subprotocols: [evil] }), JSON.stringify(evil)).to.throw(TypeError);
      const late = { headers: () => ({ 'X-A': evil }) };
      expect(await upgradeWith({}, late), JSON.stringify(evil)).to.be.instanceOf(TypeError);
      const chosen = { subprotocols: () => evil };
      expect(await upgradeWith({ 'Sec-WebSocket-Protocol': 'a' }, chosen)).to.be.instanceOf(TypeError);
    }
  });

  it('CVE-2026-1527 (undici): nor does what a client sent and a refusal repeats', async () => {
    const harness = await Harness.start();
    for (const headers of [
      { Origin: 'http://a\u010d\u010aEvil: 1' },
      { 'Sec-WebSocket-Version': '\u010d\u010aEvil: 1' },
    ]) {
      const { client, upgraded } = await harness.upgrade({}, { headers });
      expect(await rejection(upgraded)).to.be.instanceOf(HandshakeError);
      expect(await client.ended)
        .to.match(/^HTTP\/1\.1 4\d\d /)
        .and.not.match(/^Evil/m);
    }
    await harness.stop();
  });
});

describe('advisories: handshakes that cost too much', () => {
  const slow: [name: string, least: number, make: (size: number) => string][] = [
    ['quotes and backslashes', 0.5, (size) => `a; b="${'\\c'.repeat(size / 2)}`],
    // The second is already wrong.
    ['backslashes alone', 0, (size) => `a; b="${'\\'.repeat(size)}`],
    ['spaces', 1, (size) => `a${' '.repeat(size)};${' '.repeat(size)}=`],
    ['one parameter after the other', 0.5, (size) => `${'a; b=c, '.repeat(size / 8)}"`],
  ];
  for (const [name, least, make] of slow) {
    it(`CVE-2020-7662 (websocket-extensions): ${name} took a regular expression for ever (server)`, async () => {
      const { slope, longestMatched } = await readingSlope(async (size) => {
        const result = await upgradeWith({ 'Sec-WebSocket-Extensions': make(size) }, { compression: true });
        expect(result).to.be.instanceOf(HandshakeError);
      });
      expect(slope).to.be.within(least, 6);
      expect(longestMatched).to.be.below(1000);
    });

    it(`CVE-2020-7662 (websocket-extensions): ${name} took a regular expression for ever (client)`, async () => {
      const server = await RawServer.start();
      const { slope, longestMatched } = await readingSlope(
        async (size) => {
          const dialling = outcome(dial(server.url, { compression: true }));
          await server.accept([`Sec-WebSocket-Extensions: ${make(size)}`]);
          expect(await dialling).to.be.instanceOf(HandshakeError);
        },
        [1600, 6400],
      );
      expect(slope).to.be.within(1, 12);
      expect(longestMatched).to.be.below(1000);
      await server.stop();
    });
  }

  it('CVE-2023-43669 (tungstenite): a long head was read again for each piece of it (client)', async () => {
    const shapes: ((size: number) => string)[] = [
      (size) => `HTTP/1.1 101 ${'x'.repeat(size)}`,
      (size) => `HTTP/1.1 101 x\r\nA: ${'x'.repeat(size)}`,
      (size) => `HTTP/1.1 101 x\r\n${'x'.repeat(size)}`,
      (size) => `HTTP/1.1 101 x${'\r\na: b'.repeat(Math.min(size / 50, 250))}\r\nc: ${'d'.repeat(size)}`,
    ];
    for (const [i, make] of shapes.entries()) {
      for (const end of ['', '\r\n\r\n']) {
        const { slope } = await readingSlope(async (size) => {
          const parser = new ResponseHeadParser(1_000_000);
          const text = Buffer.from(make(size) + end);
          try {
            for (let at = 0; at < text.length; at++) parser.parse(text.subarray(at, at + 1));
          } catch (error) {
            // A line without a colon.
            expect(i, String(error)).to.equal(2);
          }
        });
        expect(slope, `${i} ${JSON.stringify(end)}`).to.be.within(1, 8);
      }
    }
  });

  for (const [name, piece] of [
    ['many lines', 'a: b\r\n'.repeat(100)],
    ['one line', 'b'.repeat(600)],
  ] as const) {
    it(`CVE-2023-43669 (tungstenite): a head without end, of ${name}, is cut at maxHeaderSize (client)`, async () => {
      const server = await RawServer.start();
      const dialling = outcome(dial(server.url, { maxHeaderSize: 1500 }));
      const { socket } = await server.answer('HTTP/1.1 101 x\r\na: ');
      for (let i = 0; i < 10; i++) socket.write(piece);
      expect(await dialling)
        .to.be.instanceOf(HandshakeError)
        .with.property('message')
        .that.includes('maxHeaderSize');
      await server.stop();
    });
  }

  it('CVE-2023-43669 (tungstenite): a head without end is cut at maxHeaderSize (server)', async () => {
    const server = await serve({ host: '127.0.0.1' }, () => {});
    const client = await RawClient.connect({ port: server.port!, host: '127.0.0.1' });
    // Node counts names and values.
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${`A: ${'b'.repeat(95)}\r\n`.repeat(200)}`);
    expect(await client.ended).to.match(/^HTTP\/1\.1 431 /);
    await server.close();
  });
});

describe('advisories: clients that go away during the opening handshake', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.stop());

  it('CVE-2022-41940 (engine.io): a reset before there was a connection crashed a server', async () => {
    let decide!: () => void;
    const asked = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const { client, socket, upgraded } = await harness.upgrade({ authorize: () => asked });
    client.socket.resetAndDestroy();
    expect(await rejection(upgraded))
      .to.be.instanceOf(HandshakeError)
      .with.nested.include({ code: 'ANTS_CONNECT_FAILED', 'cause.code': 'ECONNRESET' });
    await untilClosed(socket);
    decide();
    await settle();
  });

  it('CVE-2022-41940 (engine.io): a reset in the very moment of the request', async () => {
    const upgrader = new Upgrader();
    const upgrading = new Promise((resolve) => {
      harness.http.once('upgrade', (request, socket, head) => {
        resolve(outcome(upgrader.upgrade(request, socket, head)));
        // Its error event comes before any promise goes on.
        socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
      });
    });
    const client = await harness.connect();
    client.write(formatRequest());
    const result = await upgrading;
    // What waits for nothing is decided by then.
    const error = result instanceof Connection ? (await result.closed).error : result;
    expect(error).to.be.instanceOf(result instanceof Connection ? CloseError : HandshakeError);
    expect(error).to.have.nested.property('cause.code', 'ECONNRESET');
  });

  it('CVE-2022-41940 (engine.io): a reset in the moment of the decision', async () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    const authorize = async (request: IncomingMessage) => {
      await undefined;
      // The error event comes when nobody waits for the decision any more.
      request.socket.destroy(reset);
    };
    const { socket, upgraded } = await harness.upgrade({ authorize });
    expect(await rejection(upgraded))
      .to.be.instanceOf(HandshakeError)
      .with.nested.include({ code: 'ANTS_CONNECT_FAILED', 'cause.code': 'ECONNRESET' });
    await untilClosed(socket);
  });

  const refuses = () => new Response(null, { status: 401 });
  const refusals: [why: string, options: UpgraderOptions<unknown>, changes: object][] = [
    ['of authorize', { authorize: refuses }, {}],
    ['of the method', {}, { method: 'POST' }],
    ['of the origin', {}, { headers: { Origin: 'http://evil.example' } }],
    ['of a path that nobody serves', {}, { url: '/other' }],
  ];
  for (const [why, options, changes] of refusals) {
    it(`CVE-2022-41940 (engine.io): a reset behind a refusal ${why}`, async () => {
      harness.http.on(
        'upgrade',
        new Upgrader(options).handler('/chat', () => {}),
      );
      const accepted = once(harness.http, 'connection');
      // One that does not end its side when the server does, or the reset would come too late.
      const client = await RawClient.connect({ port: harness.port, host: '127.0.0.1', allowHalfOpen: true });
      const [socket] = (await accepted) as [Socket];
      client.write(formatRequest(changes));
      await client.until('HTTP/1.1 4');
      client.socket.resetAndDestroy();
      await untilClosed(socket);
      expect(socket.errored).to.have.property('code', 'ECONNRESET');
    });
  }

  it('CVE-2022-41940 (engine.io): a reset right behind the request, and behind the answer', async () => {
    const opened: Connection[] = [];
    harness.http.on(
      'upgrade',
      new Upgrader().handler((connection) => {
        opened.push(connection);
      }),
    );
    for (const answered of [false, true]) {
      const { client, socket } = await harness.request();
      if (answered) await client.until('\r\n\r\n');
      client.socket.resetAndDestroy();
      await untilClosed(socket);
    }
    await settle();
    expect(opened).to.not.be.empty;
    for (const connection of opened) expect((await connection.closed).wasClean).to.equal(false);
  });
});
