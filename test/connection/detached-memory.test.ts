import { dial, serve } from 'ants-ws';
import { expect } from 'chai';
import type { CloseInfo } from '#src/connection/events.js';
import { AntsError, CloseError } from '#src/errors.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { outcome, rawPair, recordCloses, settle } from '../support/connections.js';

/** Gives the memory away, as a transfer to a worker does. */
function detach(data: Uint8Array<ArrayBuffer>): void {
  structuredClone(data.buffer, { transfer: [data.buffer] });
}

describe('connection: memory that goes before it has left', () => {
  describe('in memory', () => {
    fakeClockInEachTest();

    for (const size of [48 * 1024, 100_000, 1_000_000]) {
      it(`cuts the connection and says why (${size} bytes)`, async () => {
        const { connection, peer } = rawPair('server', { readHold: Infinity, highWaterMark: 4_000_000 });
        const closes = recordCloses(connection);
        peer.transport.pause();
        const data = new Uint8Array(size);
        const sent = connection.send(data);
        await settle();
        detach(data);
        peer.transport.resume();
        await settle(20);
        expect(closes).to.have.lengthOf(1);
        expect(closes[0]).to.include({ code: 1006, wasClean: false });
        expect(closes[0]?.error?.cause)
          .to.be.instanceOf(AntsError)
          .with.property('code', 'ANTS_MEMORY_DETACHED');
        expect(await outcome(sent)).to.equal(closes[0]?.error);
        expect(peer.frames).to.be.empty;
      });
    }

    it('cuts it also when the transport has nothing of it yet, and when the memory became smaller', async () => {
      const losses: ((data: Uint8Array<ArrayBuffer>) => void)[] = [
        detach,
        (data) => (data.buffer as ArrayBuffer & { resize(size: number): void }).resize(10),
      ];
      for (const lose of losses) {
        const { connection, peer } = rawPair('server');
        const Resizable = ArrayBuffer as new (
          size: number,
          options: { maxByteLength: number },
        ) => ArrayBuffer;
        const data = new Uint8Array(new Resizable(50_000, { maxByteLength: 50_000 }));
        void connection.send('before');
        void connection.send(data);
        lose(data);
        const { error } = await connection.closed;
        expect(error?.cause).to.have.property('code', 'ANTS_MEMORY_DETACHED');
        expect(peer.messages).to.be.empty;
      }
    });

    for (const role of ['server', 'client'] as const) {
      it(`fails the connection when a message waited for its turn (${role})`, async () => {
        const { connection, peer } = rawPair(role);
        const data = new Uint8Array(1000);
        void connection.send(new Blob(['first']));
        const sent = connection.send(data);
        detach(data);
        await settle();
        expect(await outcome(sent)).to.have.property('code', 'ANTS_MEMORY_DETACHED');
        expect(peer.messages).to.deep.equal(['first']);
        expect(peer.closes).to.deep.equal(['1011']);
        peer.close(1011);
        peer.end();
        const { error } = await connection.closed;
        expect(error).to.be.instanceOf(CloseError);
        expect(error?.cause).to.have.property('code', 'ANTS_MEMORY_DETACHED');
      });
    }

    it('is fine with memory that was copied', async () => {
      const { connection, peer } = rawPair('client');
      const data = new Uint8Array(100_000).fill(7);
      void connection.send(data);
      detach(data);
      await settle();
      expect(peer.frames.map(({ payload }) => payload.equals(Buffer.alloc(100_000, 7)))).to.deep.equal([
        true,
      ]);
    });
  });

  it('cuts a connection over TCP', async () => {
    const ends: CloseInfo[] = [];
    const server = await serve({ host: '127.0.0.1', port: 0 }, (conn) => {
      const data = new Uint8Array(32 * 1024 * 1024);
      void conn.send(data);
      conn.on('close', (info) => ends.push(info));
      setImmediate(detach, data);
    });
    const client = await dial(server.url, { maxMessageSize: Infinity });
    const received = await outcome(client.receive());
    expect(received).to.be.instanceOf(CloseError).with.property('closeCode', 1006);
    await server.close();
    expect(ends).to.have.lengthOf(1);
    expect(ends[0]?.error?.cause).to.have.property('code', 'ANTS_MEMORY_DETACHED');
  });
});
