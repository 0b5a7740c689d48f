import { createServer, type IncomingMessage } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { expect } from 'chai';
import type { Connection } from '#src/connection/connection.js';
import { HandshakeError } from '#src/errors.js';
import { checkResponse } from '#src/handshake/client.js';
import { MalformedResponse, ResponseHeadParser } from '#src/handshake/response-head.js';
import { Upgrader } from '#src/server/upgrader.js';
import { extensionFor } from '../deflate/agreements.js';
import { sampleKey } from '../handshake/vectors.js';
import { settle } from '../support/connections.js';
import type { HeadCase } from './head-case.js';
import { mayOpen, mayUpgrade, readResponse } from './reference-head.js';
import { takeStrays } from './strays.js';

const maxHeadSize = 16 * 1024;

const request = {
  host: 'a.example',
  nonce: Buffer.from(sampleKey, 'base64'),
  origin: undefined,
  headers: [],
  subprotocols: ['chat', 'news'],
  extensions: [extensionFor(true)],
};

/** Cuts bytes into chunks, which are copies. */
function* cut({ bytes, chunks }: HeadCase): Generator<Buffer> {
  let start = 0;
  for (let i = 0; start < bytes.length; i++) {
    const size = chunks[i % chunks.length]!;
    yield Buffer.from(bytes.subarray(start, start + size));
    start += size;
  }
}

/** Gives a client a response: it goes on if it may, and if not, says why. */
export function runResponse(input: HeadCase): void {
  const parser = new ResponseHeadParser(maxHeadSize);
  let isOpen = false;
  let given = 0;
  try {
    for (const chunk of cut(input)) {
      given += parser.parse(chunk);
      if (parser.head !== undefined) break;
    }
    if (parser.head !== undefined) {
      checkResponse(parser.head, request);
      isOpen = true;
    }
  } catch (error) {
    if (!(error instanceof MalformedResponse || error instanceof HandshakeError)) throw error;
    expect(error.message.length, 'the length of the message').to.be.within(10, 1_000);
  }
  const head = readResponse(input.bytes, maxHeadSize);
  expect(isOpen, 'whether it goes on').to.equal(head !== undefined && mayOpen(head));
  if (isOpen) expect(input.bytes.toString('latin1', given - 4, given)).to.equal('\r\n\r\n');
}

/** Waits until `progress` changes no more. */
async function untilIdle(progress: () => number): Promise<void> {
  for (let before = Number.NaN; before !== progress(); ) {
    before = progress();
    await settle(6);
  }
}

const http = createServer((_request, response) => response.end());
const upgrader = new Upgrader({
  subprotocols: ['chat'],
  compression: true,
  handshakeTimeout: Infinity,
  heartbeatInterval: Infinity,
  onError: (error) => {
    throw error;
  },
});
let connections: Connection[] = [];
let requests: IncomingMessage[] = [];
http.on('upgrade', (head, socket, behind) => {
  requests.push(head);
  upgrader.upgrade(head, socket, behind).then(
    (connection) => connections.push(connection),
    () => {},
  );
});

/** Gives a server a request: it answers 101 if it may, and if not, something else that is HTTP. */
export async function runRequest(input: HeadCase): Promise<void> {
  connections = [];
  requests = [];
  const [ours, theirs]: [Duplex, Duplex] = duplexPair();
  let answer = '';
  theirs.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  theirs.on('error', () => {});
  http.emit('connection', ours);
  for (const chunk of cut(input)) theirs.write(chunk);
  const progress = () => theirs.writableLength + answer.length;
  await untilIdle(progress);
  // Not sooner: whoever ends before the answer has gone.
  theirs.end();
  await untilIdle(progress);
  // Where HTTP waits for more there is no more.
  ours.destroy();
  theirs.destroy();
  await settle(3);
  await Promise.all(connections.map(({ closed }) => closed));

  expect(takeStrays(), 'errors that reached nobody').to.deep.equal([]);
  expect(answer, 'an answer of HTTP').to.match(/^(HTTP\/1\.1 (101|200|4\d\d) [\s\S]*)?$/);
  const isOpen = answer.startsWith('HTTP/1.1 101 ');
  expect(connections.length, 'connections').to.equal(isOpen ? 1 : 0);
  const [head] = requests;
  if (head === undefined || input.isWild) return;
  const lines = Array.from({ length: head.rawHeaders.length / 2 }, (_, i) => {
    return [head.rawHeaders[2 * i]!, head.rawHeaders[2 * i + 1]!] as const;
  });
  const isRightLine = head.method === 'GET' && head.httpVersion === '1.1' && head.url === '/chat';
  expect(isOpen, 'whether it is accepted').to.equal(isRightLine && mayUpgrade(lines));
}
