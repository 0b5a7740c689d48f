import { CloseError, type Connection, dial, LimitError, ProtocolError, serve } from 'ants-ws';
import { expect } from 'chai';
import { Opcode } from '#src/protocol/opcode.js';
import { RawServer } from '../client/raw-server.js';
import { agreements } from '../deflate/agreements.js';
import { countWork, takeWork } from '../fuzz/work.js';
import { formatRequest, RawClient } from '../server/raw-client.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { outcome, type RawPeer, rawPair, record, roles, settle, until } from '../support/connections.js';

/** The head of a frame whose length takes 64 bits, as a peer of `role` gets it; the masking key is 0. */
function longHead(role: 'client' | 'server', first: number, length: bigint): Buffer {
  const isMasked = role === 'server';
  const head = Buffer.alloc(isMasked ? 14 : 10);
  head[0] = first;
  head[1] = 127 | (isMasked ? 0x80 : 0);
  head.writeBigUInt64BE(length, 2);
  return head;
}

const binary = 0x80 | Opcode.Binary;

/** Why a message that was waited for did not come. */
async function causeOf(receiving: Promise<unknown>): Promise<unknown> {
  const error = await receiving;
  expect(error).to.be.instanceOf(CloseError);
  return (error as CloseError).cause;
}

/** Lets a connection that failed come to its end; gives the codes of the Close frames. */
async function finish(peer: RawPeer): Promise<string[]> {
  await settle();
  peer.end();
  await settle();
  return peer.closes.map((close) => close.split(' ')[0]!);
}

describe('advisories: lengths', () => {
  fakeClockInEachTest();

  const lengths: [length: bigint, code: string, by: object][] = [
    [2n ** 31n, '1009', LimitError],
    [2n ** 32n - 1n, '1009', LimitError],
    [2n ** 32n, '1009', LimitError],
    [2n ** 53n - 1n, '1009', LimitError],
    [2n ** 53n, '1009', LimitError],
    [2n ** 63n - 1n, '1009', LimitError],
    [2n ** 63n, '1002', ProtocolError],
    [2n ** 64n - 1n, '1002', ProtocolError],
  ];
  for (const role of roles) {
    for (const chunks of [undefined, 1]) {
      const how = `${role}, ${chunks === undefined ? 'in one chunk' : 'byte by byte'}`;
      it(`CVE-2026-1528 (undici): a length of 64 bits overflowed, and crashed (${how})`, async () => {
        for (const [length, code, kind] of lengths) {
          const { connection, peer, transport } = rawPair(role);
          if (chunks !== undefined) transport.incoming.setChunks(chunks);
          const receiving = outcome(connection.receive());
          const stop = countWork();
          takeWork();
          peer.raw(longHead(role, binary, length));
          await settle(20);
          stop();
          expect(takeWork().allocated, String(length)).to.be.below(64 * 1024);
          expect(await finish(peer), String(length)).to.deep.equal([code]);
          expect(await causeOf(receiving)).to.be.instanceOf(kind);
        }
      });
    }

    it(`CVE-2026-54466 (websocket-driver): a length past 2^53 is not exact, and frames lost their place (${role})`, async () => {
      for (const length of [2n ** 53n, 2n ** 53n + 1n, 2n ** 54n + 3n, 2n ** 63n - 1n]) {
        // No limit of the user stands in the way.
        const { connection, peer } = rawPair(role, { maxMessageSize: Infinity });
        const got = record(connection);
        const pings: string[] = [];
        connection.on('ping', (payload) => pings.push(String(payload)));
        const inside = Buffer.concat([peer.encode(Opcode.Ping, 'x'), peer.encode(Opcode.Text, 'inside')]);
        peer.texts('before');
        peer.raw(Buffer.concat([longHead(role, binary, length), inside, inside]));
        expect(await finish(peer), String(length)).to.deep.equal(['1009']);
        expect(got.messages).to.deep.equal(['before']);
        expect(pings).to.deep.equal([]);
        expect(peer.pongs).to.deep.equal([]);
        expect(got.closes[0]?.error?.cause).to.have.property('code', 'ANTS_MESSAGE_TOO_BIG');
      }
    });

    it(`CVE-2020-27813 (gorilla): the sizes of fragments overflowed together, and passed the limit (${role})`, async () => {
      for (const length of [2n ** 53n - 1n, 2n ** 63n - 1n]) {
        const { connection, peer } = rawPair(role, { maxMessageSize: 1000 });
        const receiving = outcome(connection.receive());
        const stop = countWork();
        takeWork();
        peer.frame(Opcode.Binary, 'x'.repeat(1000), false);
        peer.raw(Buffer.concat([longHead(role, Opcode.Continuation, length), Buffer.alloc(100)]));
        await settle();
        stop();
        expect(takeWork().allocated).to.be.below(32 * 1024);
        expect(await finish(peer)).to.deep.equal(['1009']);
        expect(await causeOf(receiving)).to.have.property('code', 'ANTS_MESSAGE_TOO_BIG');
      }
    });
  }

  for (const isCompressed of [false, true]) {
    const which = isCompressed ? 'compressed' : 'plain';
    it(`CVE-2026-12151 (undici): a client took any number of fragments, here ${which} ones`, async () => {
      const deflate = isCompressed ? agreements().client : undefined;
      const { connection, peer } = rawPair('client', {}, undefined, deflate);
      const receiving = outcome(connection.receive());
      peer.frame(Opcode.Binary, '', false, isCompressed);
      const empty = peer.encode(Opcode.Continuation, '', false);
      const before = peer.encode(Opcode.Ping, 'all are counted');
      peer.raw(Buffer.concat([...Array<Buffer>(65_535).fill(empty), before]));
      await until(() => peer.pongs.length > 0);
      expect(peer.closes).to.deep.equal([]);
      expect(connection.state).to.equal('open');
      peer.raw(empty);
      expect(await finish(peer)).to.deep.equal(['1009']);
      expect(await causeOf(receiving)).to.have.property('code', 'ANTS_TOO_MANY_FRAGMENTS');
    });
  }
});

describe('advisories: frames that break a rule', () => {
  it('facil.io#169: a frame without a mask was delivered before the close', async () => {
    for (const [role, code] of [
      ['server', 'ANTS_MASK_REQUIRED'],
      ['client', 'ANTS_MASK_FORBIDDEN'],
    ] as const) {
      const { connection, peer } = rawPair(role);
      const got = record(connection);
      peer.texts('before');
      // As the other role would send it.
      peer.raw(rawPair(role === 'server' ? 'client' : 'server').peer.encode(Opcode.Text, 'wrong'));
      peer.texts('behind');
      await settle();
      expect(peer.closes[0]).to.match(/^1002 /);
      peer.end();
      await settle();
      expect(got.messages).to.deep.equal(['before']);
      expect(got.closes[0]?.error?.cause).to.have.property('code', code);
    }
  });

  it('facil.io#169: nor is it to readers of parts', async () => {
    const { connection, peer } = rawPair('server');
    const reading = outcome(connection.receiveStream());
    peer.raw(rawPair('client').peer.encode(Opcode.Text, 'wrong'));
    await settle();
    expect(await finish(peer)).to.deep.equal(['1002']);
    expect(await causeOf(reading)).to.have.property('code', 'ANTS_MASK_REQUIRED');
  });

  /** First bytes that no frame may have where nothing was agreed on. */
  const bad: [name: string, first: number][] = [
    ['RSV1', 0xc1],
    ['RSV2', 0xa1],
    ['RSV3', 0x91],
    ['all three', 0xf2],
    ['RSV2 of a ping', 0xa9],
    ['a reserved opcode', 0x83],
  ];

  it('CVE-2022-21676 (engine.io): reserved bits right behind the request crashed a server', async () => {
    const opened: Connection[] = [];
    // Nobody listens, and nobody reads.
    const server = await serve({ host: '127.0.0.1' }, (connection) => void opened.push(connection));
    const at = { port: server.port!, host: '127.0.0.1' };
    for (const [name, first] of bad) {
      const client = await RawClient.connect(at);
      client.write(Buffer.concat([Buffer.from(formatRequest()), Buffer.from([first, 0x80, 0, 0, 0, 0])]));
      // A Close frame with 1002.
      expect(await client.until('\x03\xea'), name).to.match(/^HTTP\/1\.1 101 /);
      client.socket.end();
      await client.ended;
    }
    expect(opened).to.have.lengthOf(bad.length);
    const one = await dial(server.url);
    one.terminate();
    await server.close();
  });

  it('CVE-2024-38355 (socket.io): an error that nobody listened for crashed a server', async () => {
    const server = await serve({ host: '127.0.0.1' }, (connection) => connection.ignoreMessages());
    const at = { port: server.port!, host: '127.0.0.1' };
    const ends: [name: string, end: (client: RawClient) => void][] = [
      ['a bad frame', (client) => client.write(Buffer.from([0xf0, 0, 0]))],
      ['two bad frames', (client) => client.write(Buffer.from([0xf0, 0xf0, 0xf0, 0xf0]))],
      ['text that is no UTF-8', (client) => client.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]))],
      ['a bad Close frame', (client) => client.write(Buffer.from([0x88, 0x81, 0, 0, 0, 0, 1]))],
      ['an end in a frame', (client) => client.socket.end(Buffer.from([0x81]))],
      ['a reset', (client) => client.socket.resetAndDestroy()],
      [
        'a reset behind a bad frame',
        (client) => client.socket.write(Buffer.from([0xf0]), () => client.socket.resetAndDestroy()),
      ],
    ];
    for (const [name, end] of ends) {
      const client = await RawClient.connect(at);
      client.write(formatRequest());
      await client.until('\r\n\r\n');
      const [connection] = server.connections;
      end(client);
      expect((await connection!.closed).wasClean, name).to.equal(false);
      client.socket.destroy();
    }
    await server.close();
  });

  it('CVE-2024-38355 (socket.io): nor does a client crash', async () => {
    const server = await RawServer.start();
    for (const [name, first] of bad) {
      const dialling = dial(server.url);
      const { socket } = await server.accept([], Buffer.from([first, 0]));
      const connection = await dialling;
      connection.ignoreMessages();
      socket.resume();
      socket.end();
      const info = await connection.closed;
      expect(info.error?.cause, name).to.be.instanceOf(ProtocolError);
    }
    await server.stop();
  });
});
