import { CloseError, toWebStreams } from 'ants-ws';
import { expect } from 'chai';
import { connectedPair } from '#src/testing/connected-pair.js';
import { isPending, outcome, rawPair, settle } from '../support/connections.js';

const KiB = 1024;

describe('toWebStreams', () => {
  it('has a chunk for each message, both ways', async () => {
    const { client, server } = connectedPair();
    const echo = toWebStreams(server);
    const echoed = echo.readable.pipeTo(echo.writable);
    const { readable, writable } = toWebStreams(client);
    const writer = writable.getWriter();
    await writer.write('text');
    await writer.write(new Uint8Array([1, 2]));
    const reader = readable.getReader();
    expect((await reader.read()).value).to.equal('text');
    expect((await reader.read()).value).to.deep.equal(Buffer.from([1, 2]));
    await writer.close();
    expect(await client.closed).to.include({ code: 1000, wasClean: true });
    expect(await reader.read()).to.deep.equal({ value: undefined, done: true });
    await outcome(echoed);
  });

  it('takes a message when it is asked for one', async () => {
    const { connection, peer } = rawPair('server');
    const { readable } = toWebStreams(connection);
    peer.texts('one', 'two');
    await settle();
    const reader = readable.getReader();
    expect((await reader.read()).value).to.equal('one');
    reader.releaseLock();
    await settle();
    expect(await connection.receive()).to.equal('two');
  });

  it('waits for the peer when it writes', async () => {
    const { connection, transport } = rawPair('server');
    const writer = toWebStreams(connection).writable.getWriter();
    await settle();
    transport.outgoing.stall();
    const written = writer.write(Buffer.alloc(256 * KiB));
    expect(await isPending(written)).to.equal(true);
    transport.outgoing.resume();
    await written;
  });

  it('fails on both sides when the connection does', async () => {
    const { connection, peer } = rawPair('server');
    const { readable, writable } = toWebStreams(connection);
    const read = outcome(readable.getReader().read());
    const writer = writable.getWriter();
    const closed = outcome(writer.closed);
    await settle();
    peer.reset();
    expect(await read).to.be.instanceOf(CloseError);
    expect(await closed).to.be.instanceOf(CloseError);
    const late = toWebStreams(connection);
    expect(await outcome(late.writable.getWriter().closed)).to.be.instanceOf(CloseError);
  });

  it('cannot be written any more after an end in order', async () => {
    const { connection, peer } = rawPair('server');
    const { readable, writable } = toWebStreams(connection);
    const closed = outcome(writable.getWriter().closed);
    const read = readable.getReader().read();
    peer.close(1000);
    peer.end();
    expect(await read).to.deep.equal({ value: undefined, done: true });
    expect(await closed).to.have.property('code', 'ANTS_STREAM_CLOSED');
  });

  it('closes with 1000 when reading is cancelled, and with 1011 when writing is aborted', async () => {
    for (const [end, code] of [
      [({ readable }: ReturnType<typeof toWebStreams>) => readable.cancel(), '1000'],
      [({ writable }: ReturnType<typeof toWebStreams>) => writable.abort(new Error('broken')), '1011'],
    ] as const) {
      const { connection, peer } = rawPair('server');
      const ended = end(toWebStreams(connection));
      await settle();
      expect(peer.closes).to.deep.equal([code]);
      peer.close(Number(code));
      peer.end();
      await ended;
    }
  });

  it('tells when the close was not clean', async () => {
    const { connection, peer } = rawPair('server');
    const closed = outcome(toWebStreams(connection).writable.close());
    await settle();
    peer.reset();
    expect(await closed).to.be.instanceOf(CloseError);
  });
});
