import { expect } from 'chai';
import type { Connection } from '#src/connection/connection.js';
import type { TransportHandler } from '#src/connection/transport.js';
import { frameHeaderSize, writeFrame } from '#src/protocol/frame-encoder.js';
import { Opcode } from '#src/protocol/opcode.js';
import { memoryPair } from '#src/testing/memory-transport.js';
import { connect, settle } from '../support/connections.js';

const KiB = 1024;
const large = Buffer.alloc(20 * KiB, 'x');

/** Frames in memory of their own, as a socket has them. */
function frame(opcode: number, payload: Buffer, fin = true, before: Buffer = Buffer.alloc(0)): Buffer {
  const kind = { opcode, fin, rsv1: false };
  const size = before.length + frameHeaderSize(payload.length, false) + payload.length;
  const bytes = Buffer.allocUnsafeSlow(size);
  writeFrame(bytes, before.copy(bytes), kind, payload, undefined);
  return bytes;
}

/** A client and what its transport tells of bytes. */
async function start(): Promise<{ connection: Connection; handler: TransportHandler }> {
  const [transport] = memoryPair();
  let handler: TransportHandler | undefined;
  transport.start = (given) => {
    handler = given;
  };
  const connection = connect('client', transport);
  await settle();
  return { connection, handler: handler! };
}

/** Whether the connection is done with a chunk once it has returned. */
async function isDoneWith(
  chunk: Buffer,
  prepare: (connection: Connection) => unknown = (connection) => connection.on('message', () => {}),
): Promise<boolean | undefined> {
  const { connection, handler } = await start();
  prepare(connection);
  await settle();
  handler.onData(chunk);
  const isDone = handler.isDoneWithChunk;
  connection.terminate();
  return isDone;
}

describe('connection: the memory of a chunk', () => {
  it('is kept by a binary message that is most of it', async () => {
    expect(await isDoneWith(frame(Opcode.Binary, large))).to.equal(false);
    expect(
      await isDoneWith(frame(Opcode.Binary, large, true, frame(Opcode.Text, Buffer.from('a')))),
    ).to.equal(false);
  });

  it('is not kept by text, by messages that were copied, and by parts of a message that is put together', async () => {
    expect(await isDoneWith(frame(Opcode.Text, large))).to.equal(true);
    expect(
      await isDoneWith(frame(Opcode.Ping, large.subarray(0, 9), true, frame(Opcode.Binary, large))),
    ).to.equal(true);
    expect(await isDoneWith(frame(Opcode.Binary, large, false))).to.equal(true);
    expect(await isDoneWith(frame(Opcode.Binary, large).subarray(0, 10 * KiB))).to.equal(true);
  });

  it('is kept by bytes of a stream, not by its text', async () => {
    const stream = (connection: Connection) => void connection.receiveStream();
    expect(await isDoneWith(frame(Opcode.Binary, large, false), stream)).to.equal(false);
    expect(await isDoneWith(frame(Opcode.Text, large, false), stream)).to.equal(true);
  });

  it('is kept while some of it waits to be parsed', async () => {
    expect(await isDoneWith(frame(Opcode.Text, large), (connection) => connection.pause())).to.equal(false);
  });

  it('is not kept by a connection that failed', async () => {
    expect(await isDoneWith(Buffer.alloc(20 * KiB, 0xff))).to.equal(true);
  });

  it('is looked at for each chunk anew', async () => {
    const { connection, handler } = await start();
    connection.on('message', () => {});
    handler.onData(frame(Opcode.Binary, large));
    handler.onData(frame(Opcode.Text, large));
    expect(handler.isDoneWithChunk).to.equal(true);
    connection.terminate();
  });
});
