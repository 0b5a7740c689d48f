import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloseError, Connection, dial, HandshakeError, LimitError, serve, Upgrader } from 'ants-ws';
import { expect } from 'chai';
import { trimSpace } from '#src/handshake/tokens.js';
import { Opcode } from '#src/protocol/opcode.js';
import { RawServer } from '../client/raw-server.js';
import { formatRequest, RawClient } from '../server/raw-client.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { outcome, rawPair, roles, settle } from '../support/connections.js';
import { collectGarbage } from '../support/garbage.js';
import { readingSlope } from './reading.js';
import { upgradeWith } from './upgrading.js';

const MiB = 1024 * 1024;

function usedMemory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('advisories: ws, frames', () => {
  fakeClockInEachTest();

  const fragments: [name: string, payload: string][] = [
    ['tiny', 'x'],
    ['empty', ''],
  ];
  for (const [name, payload] of fragments) {
    it(`CVE-2026-48779: ${name} fragments that never end exhausted memory`, async () => {
      const { connection, peer } = rawPair('server', { maxFragments: Infinity });
      const receiving = outcome(connection.receive());
      const more = Buffer.concat(
        Array.from({ length: 1000 }, () => peer.encode(Opcode.Continuation, payload, false)),
      );
      peer.frame(Opcode.Binary, payload, false);
      // What is compiled and cached on the way is no cost of a fragment.
      for (let i = 0; i < 10; i++) peer.raw(more);
      await settle();
      const before = usedMemory();
      for (let i = 0; i < 200; i++) peer.raw(more);
      await settle();
      expect(usedMemory() - before).to.be.below(4 * MiB);
      expect(connection.stats.framesReceived).to.equal(210_001);
      expect(connection.state).to.equal('open');
      connection.terminate();
      expect(await receiving).to.be.instanceOf(CloseError);
    });

    it(`CVE-2026-48779: ${name} fragments are counted, up to the limit by default`, async () => {
      const { connection, peer } = rawPair('server');
      const receiving = outcome(connection.receive());
      peer.frame(Opcode.Text, payload, false);
      peer.raw(
        Buffer.concat(Array.from({ length: 16_383 }, () => peer.encode(Opcode.Continuation, payload, false))),
      );
      await settle();
      expect(peer.closes).to.deep.equal([]);
      peer.frame(Opcode.Continuation, payload, true);
      await settle();
      expect(peer.closes[0]).to.match(/^1009 /);
      peer.end();
      expect(await receiving)
        .to.be.instanceOf(CloseError)
        .with.property('cause')
        .that.is.instanceOf(LimitError)
        .with.property('code', 'ANTS_TOO_MANY_FRAGMENTS');
    });
  }

  it('CVE-2026-48779: a frame in chunks of one byte kept an object for each', async () => {
    const { connection, peer, transport } = rawPair('server');
    const receiving = connection.receive();
    transport.incoming.setChunks(1);
    const payload = Buffer.alloc(60_000, 'x');
    const frame = peer.encode(Opcode.Binary, payload);
    peer.raw(frame.subarray(0, 10_000));
    await settle();
    const before = usedMemory();
    peer.raw(frame.subarray(10_000, -1));
    await settle();
    expect(connection.stats.bytesReceived).to.equal(frame.length - 1);
    expect(usedMemory() - before).to.be.below(2 * MiB);
    peer.raw(frame.subarray(-1));
    expect(payload.equals((await receiving) as Buffer)).to.equal(true);
    connection.terminate();
  });

  for (const role of roles) {
    it(`CVE-2026-45736: close with a typed array as its reason sent memory of the process (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      for (const reason of [new Float64Array(10), new Uint8Array(10), Buffer.alloc(10), 20, { length: 20 }]) {
        const close = async () => connection.close(1000, reason as unknown as string);
        expect(await outcome(close())).to.be.instanceOf(TypeError);
      }
      await settle();
      expect(peer.frames).to.deep.equal([]);
      expect(connection.state).to.equal('open');
      connection.terminate();
    });

    it(`GHSA-2mhh-w6q8-5hxw: ping with a number sent so much memory of the process (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const ping = async (payload: unknown) => connection.ping(payload as string);
      const send = async (payload: unknown) => connection.send(payload as string);
      for (const wrong of [100, 100n, { length: 100 }, [1, 2], null, true]) {
        expect(await outcome(ping(wrong)), String(wrong)).to.be.instanceOf(TypeError);
        expect(await outcome(send(wrong)), String(wrong)).to.be.instanceOf(TypeError);
      }
      await settle();
      expect(peer.frames).to.deep.equal([]);
      connection.terminate();
    });
  }

  it('8.23: pongs piled up for a peer that pings and never reads', async () => {
    const { connection, peer } = rawPair('server', { maxBufferedAmount: Infinity });
    peer.transport.pause();
    const pings = Buffer.concat(
      Array.from({ length: 1000 }, () => peer.encode(Opcode.Ping, 'p'.repeat(125))),
    );
    for (let i = 0; i < 50; i++) {
      peer.raw(pings);
      await settle(2);
    }
    expect(connection.stats.pingsReceived).to.equal(50_000);
    // Unbounded, they would be 6 MB.
    expect(connection.bufferedAmount).to.be.below(256 * 1024);
    expect(connection.state).to.equal('open');
    peer.frame(Opcode.Ping, 'last');
    await settle();
    peer.transport.resume();
    await settle(20);
    expect(peer.pongs.at(-1)).to.equal('last');
    connection.terminate();
  });
});

describe('advisories: ws, the opening handshake', () => {
  /** So many headers that the HTTP server drops those behind, if it has a limit: the ones that matter come last. */
  const crowded = formatRequest().replace('\r\n', `\r\n${'a: 1\r\n'.repeat(2000)}`);

  it('CVE-2024-37890: a request with more headers than the server keeps had no Upgrade, and crashed', async () => {
    const http = createServer();
    http.on(
      'upgrade',
      new Upgrader().handler(() => {}),
    );
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const client = await RawClient.connect({ port, host: '127.0.0.1' });
    client.write(crowded);
    // By the handler, or by a newer Node.js that does not drop headers but refuses the request.
    expect(await client.ended).to.match(/^HTTP\/1\.1 4\d\d /);
    http.close();
    await once(http, 'close');
  });

  for (const name of ['Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Host']) {
    it(`CVE-2024-37890: a request whose ${name} was dropped is refused`, async () => {
      expect(await upgradeWith({ [name]: undefined }))
        .to.be.instanceOf(HandshakeError)
        .with.property('status')
        .that.is.oneOf([400, 426]);
    });
  }

  it('CVE-2024-37890: serve drops no header, Origin neither', async () => {
    const server = await serve({ host: '127.0.0.1' }, (connection) => connection.ignoreMessages());
    const { port } = server;
    for (const [origin, status] of [
      ['http://server.example.com', 101],
      ['http://evil.example', 403],
    ]) {
      const client = await RawClient.connect({ port: port!, host: '127.0.0.1' });
      client.write(crowded.replace(/\r\n\r\n$/, `\r\nOrigin: ${origin}\r\n\r\n`));
      expect(await client.until('\r\n\r\n')).to.include(`HTTP/1.1 ${status} `);
      client.socket.destroy();
    }
    await server.close({ timeout: 0 });
  });

  const slow: [name: string, least: number, make: (size: number) => string][] = [
    // What is no name is known from its first space.
    ['spaces inside a name', 0, (size) => `b${' '.repeat(size)}x`],
    ['spaces and commas', 0.5, (size) => `b${' ,'.repeat(size / 2)}x y`],
    ['tabs behind a name', 1, (size) => `b${'\t'.repeat(size)}`],
  ];
  for (const [name, least, make] of slow) {
    it(`CVE-2021-32640: ${name} made Sec-WebSocket-Protocol quadratic`, async () => {
      const { slope, longestMatched } = await readingSlope(async (size) => {
        const result = await upgradeWith({ 'Sec-WebSocket-Protocol': make(size) });
        if (result instanceof Connection) result.terminate();
      });
      expect(slope).to.be.within(least, 4);
      expect(longestMatched).to.be.below(1000);
    });
  }

  it('CVE-2021-32640: what was slow then is seen', async () => {
    const { longestMatched } = await readingSlope(
      async (size) => `b${' '.repeat(size)}x`.split(/ *, */),
      [100, 400],
    );
    expect(longestMatched).to.equal(402);
    const { slope } = await readingSlope(
      async (size) => {
        const text = ' '.repeat(size);
        for (let i = 0; i < size; i++) trimSpace(text.slice(i));
      },
      [100, 400],
    );
    expect(slope).to.be.above(100);
  });

  for (const name of ['constructor', '__proto__', 'toString', 'permessage-deflate; constructor']) {
    it(`GHSA-5v72-xg48-5rpm: the extension ${name} was looked up in a plain object (server)`, async () => {
      const result = await upgradeWith({ 'Sec-WebSocket-Extensions': name }, { compression: true });
      expect(result).to.be.instanceOf(Connection).with.property('extensions', '');
      (result as Connection).terminate();
    });

    it(`GHSA-5v72-xg48-5rpm: the extension ${name} was looked up in a plain object (client)`, async () => {
      const server = await RawServer.start();
      const dialling = outcome(dial(server.url, { compression: true }));
      await server.accept([`Sec-WebSocket-Extensions: ${name}`]);
      expect(await dialling)
        .to.be.instanceOf(HandshakeError)
        .with.property('code', 'ANTS_HANDSHAKE_INVALID');
      await server.stop();
    });
  }
});
