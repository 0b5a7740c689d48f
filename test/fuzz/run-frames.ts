import { once } from 'node:events';
import { expect } from 'chai';
import { Connection } from '#src/connection/connection.js';
import type { CloseInfo } from '#src/connection/events.js';
import { HandshakeRequest } from '#src/connection/request.js';
import { CloseError } from '#src/errors.js';
import { settle } from '../support/connections.js';
import { type MakePipe, memoryPipe } from '../support/pipes.js';
import { agreementOf, type FrameCase } from './frame-case.js';
import { type Reading, referenceRead } from './reference-reader.js';
import { takeStrays } from './strays.js';
import { takeWork } from './work.js';

const maxMessageSize = 5_000;

/** What an application saw of a connection. */
interface Seen {
  readonly messages: string[];
  readonly pings: string[];
  readonly pongs: string[];
  readonly closes: CloseInfo[];
  readonly errors: unknown[];
}

/** Feeds a connection with the bytes, and holds what it does against the reference reader. */
export async function runFrames(input: FrameCase, makePipe: MakePipe = memoryPipe): Promise<void> {
  const { role, bytes } = input;
  const deflate = agreementOf(input);
  // Whoever takes messages in parts has no limits of memory.
  const isUnlimited = input.consumption === 'parts';
  const expected = referenceRead(bytes, {
    role,
    maxMessageSize: isUnlimited ? Infinity : maxMessageSize,
    maxFragments: isUnlimited ? Infinity : input.maxFragments,
    inflating: deflate?.incoming,
  });

  const pipe = await makePipe();
  const seen: Seen = { messages: [], pings: [], pongs: [], closes: [], errors: [] };
  const options = {
    maxMessageSize,
    maxFragments: input.maxFragments,
    receiveQueueMessages: 4,
    receiveQueueBytes: 8_000,
    heartbeatInterval: Infinity,
    onError: (error: unknown) => seen.errors.push(error),
  };
  takeWork();
  const connection = new Connection({
    role,
    transport: pipe.transport,
    subprotocol: undefined,
    request: new HandshakeRequest('/', []),
    data: undefined,
    options,
    deflate,
  });
  watch(connection, seen);
  const consumed = consume(connection, input, seen);
  // Whoever looks at `closed` says that nobody will come and read.
  const closed = once(connection, 'close');
  await pipe.feed(bytes, input.chunks);
  await closed;
  await consumed;
  const work = takeWork();
  await settle(2);

  const output = await pipe.written();
  check(seen, expected, output, role);
  expect(takeStrays(), 'errors that reached nobody').to.deep.equal([]);
  const travelled = bytes.length + expected.delivered + output.length;
  expect(work.copied, 'bytes copied').to.be.at.most(16 * travelled + 128 * 1024);
  expect(work.allocated, 'bytes allocated').to.be.at.most(64 * travelled + 512 * 1024);
}

function watch(connection: Connection, seen: Seen): void {
  connection.on('ping', (payload) => seen.pings.push(payload.toString('hex')));
  connection.on('pong', (payload) => seen.pongs.push(payload.toString('hex')));
  connection.on('close', (info) => seen.closes.push(info));
}

async function consume(connection: Connection, { consumption }: FrameCase, seen: Seen): Promise<void> {
  const note = (message: string | Buffer) => {
    const kind = typeof message === 'string' ? 'text' : 'binary';
    seen.messages.push(`${kind} ${Buffer.from(message as string).toString('hex')}`);
  };
  if (consumption === 'events' || consumption === 'pausing') {
    connection.on('message', (message) => {
      note(message);
      if (consumption === 'events') return;
      connection.pause();
      setImmediate(() => connection.resume());
    });
    return;
  }
  try {
    if (consumption === 'iterate') {
      for await (const message of connection) {
        note(message);
        if (seen.messages.length % 3 === 0) await settle(1);
      }
    } else {
      for (;;) seen.messages.push(await takeParts(connection));
    }
  } catch (error) {
    if (!(error instanceof CloseError)) throw error;
  }
}

/** One message in parts, as a line. A broken text has no more than its beginning, which is never one. */
async function takeParts(connection: Connection): Promise<string> {
  const stream = await connection.receiveStream();
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part as string));
  return `${stream.type} ${Buffer.concat(parts).toString('hex')}`;
}

function check(seen: Seen, expected: Reading, output: Buffer, role: FrameCase['role']): void {
  expect(seen.errors, 'errors of the application').to.deep.equal([]);
  expect(seen.messages, 'messages').to.deep.equal(expected.messages);
  checkBeginning('pings', seen.pings, expected.pings, expected.sure.pings);
  checkBeginning('pongs', seen.pongs, expected.pongs, expected.sure.pongs);
  expect(seen.closes, 'close events').to.have.length(1);

  const answer = referenceRead(output, {
    role: role === 'server' ? 'client' : 'server',
    maxMessageSize: 0,
    maxFragments: 0,
  });
  expect(answer.failures, 'what is written follows the rules').to.deep.equal([undefined]);
  expect([answer.messages, answer.pings], 'nothing else is written').to.deep.equal([[], []]);
  expect(answer.pongs, 'every ping is answered').to.deep.equal(seen.pings);

  const [{ code, error }] = seen.closes as [CloseInfo];
  if (code !== 1006) {
    expect(code, 'the code of the Close frame').to.equal(expected.closed);
    expect(answer.closed, 'its answer').to.equal(code);
    return;
  }
  expect(error, 'an abnormal end has a cause').to.be.instanceOf(CloseError);
  expect(expected.failures, 'the code that it failed with').to.include(answer.closed);
  // Only a broken message in front of it may hide a Close frame.
  if (expected.closed !== undefined) expect(answer.closed).not.to.equal(undefined);
}

/** Of `all`, the first `sure` must have come. */
function checkBeginning(name: string, come: readonly string[], all: readonly string[], sure: number): void {
  expect(come, name).to.deep.equal(all.slice(0, come.length));
  expect(come.length, `${name} that came`).to.be.within(sure, all.length);
}
