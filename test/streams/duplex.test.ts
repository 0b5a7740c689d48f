import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CloseError, toDuplex, UsageError } from 'ants-ws';
import { expect } from 'chai';
import { connectedPair } from '#src/testing/connected-pair.js';
import { outcome, rawPair, settle } from '../support/connections.js';

const KiB = 1024;

describe('toDuplex', () => {
  it('is a stream of bytes at both ends', async () => {
    const { client, server } = connectedPair();
    const ours = toDuplex(client);
    const theirs = toDuplex(server);
    const echo = pipeline(theirs, theirs);
    const content = Buffer.alloc(500 * KiB, 'ants ');
    ours.write(content.subarray(0, 1));
    ours.write(content.subarray(1, 300_000));
    ours.write(content.subarray(300_000));
    ours.write('');
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of ours) {
      parts.push(part);
      size += part.length;
      if (size === content.length) break;
    }
    expect(Buffer.concat(parts).equals(content)).to.equal(true);
    expect(await outcome(echo)).to.be.instanceOf(Error);
  });

  it('ends when the other end does, in order', async () => {
    const { client, server } = connectedPair();
    const received: Buffer[] = [];
    const sink = new Writable({
      write(chunk, _encoding, callback) {
        received.push(chunk);
        callback();
      },
    });
    const reading = pipeline(toDuplex(server), sink);
    await pipeline(Readable.from([Buffer.from('ab'), Buffer.from('cd')]), toDuplex(client));
    await reading;
    expect(Buffer.concat(received).toString()).to.equal('abcd');
    expect(await client.closed).to.include({ code: 1000, wasClean: true });
  });

  it('gives text as UTF-8, and sends text that never cuts a character', async () => {
    const { connection, peer } = rawPair('server');
    const stream = toDuplex(connection, { type: 'text' });
    peer.texts('a\u20ac', '', 'b');
    const [first] = await once(stream, 'data');
    expect(first.toString()).to.equal('a\u20ac');
    const euro = Buffer.from('\u20ac');
    stream.write(euro.subarray(0, 2));
    stream.write(Buffer.concat([euro.subarray(2), euro.subarray(0, 1)]));
    stream.end();
    await settle();
    expect(peer.messages).to.deep.equal(['\u20ac', '\ufffd']);
    expect(peer.closes).to.deep.equal(['1000']);
    const closed = once(stream, 'close');
    peer.close(1000);
    peer.end();
    await closed;
  });

  it('holds the peer back while nobody reads', async () => {
    const { connection, peer, transport } = rawPair('server', { receiveQueueBytes: 64 * KiB });
    const stream = toDuplex(connection);
    stream.read(0);
    for (let i = 0; i < 64; i++) peer.frame(2, Buffer.alloc(32 * KiB));
    await settle();
    expect(transport.isPaused).to.equal(true);
    expect(transport.peer.pendingBytes).to.be.above(1024 * KiB);
    let size = 0;
    for await (const part of stream) {
      size += part.length;
      if (size === 64 * 32 * KiB) break;
    }
    expect(size).to.equal(64 * 32 * KiB);
  });

  it('waits for the peer when it writes', async () => {
    const { connection, transport } = rawPair('server');
    const stream = toDuplex(connection);
    await settle();
    transport.outgoing.stall();
    let isDone = false;
    stream.write(Buffer.alloc(256 * KiB), () => {
      isDone = true;
    });
    await settle();
    expect(isDone).to.equal(false);
    transport.outgoing.resume();
    await settle();
    expect(isDone).to.equal(true);
  });

  it('fails when the connection does', async () => {
    for (const write of [false, true]) {
      const { connection, peer } = rawPair('server');
      const stream = toDuplex(connection);
      const failed = once(stream, 'error');
      if (!write) stream.resume();
      await settle();
      peer.reset();
      await settle();
      if (write) stream.write('x');
      const [error] = await failed;
      expect(error).to.be.instanceOf(CloseError);
      expect(stream.destroyed).to.equal(true);
    }
  });

  it('closes with 1011 when it is destroyed with an error, and cuts the connection without', async () => {
    const { connection, peer } = rawPair('server');
    const stream = toDuplex(connection);
    const failed = once(stream, 'error');
    stream.destroy(new Error('broken'));
    await failed;
    await settle();
    expect(peer.closes).to.deep.equal(['1011']);

    const other = rawPair('server');
    toDuplex(other.connection).destroy();
    await settle();
    expect(other.peer.closed).to.equal(true);
    expect(other.peer.closes).to.deep.equal([]);
  });

  it('tells when the connection is read in another way', async () => {
    const { connection } = rawPair('server');
    connection.on('message', () => {});
    const stream = toDuplex(connection);
    const failed = once(stream, 'error');
    stream.resume();
    expect((await failed)[0]).to.be.instanceOf(UsageError);
  });
});
