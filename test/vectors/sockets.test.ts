import { once } from 'node:events';
import { expect } from 'chai';
import { Connection } from '#src/connection/connection.js';
import type { CloseInfo } from '#src/connection/events.js';
import { HandshakeRequest } from '#src/connection/request.js';
import { AntsError } from '#src/errors.js';
import { type MakePipe, memoryPipe, sharedReadsPipe, socketPipe } from '../support/pipes.js';
import { describeEvent, type FrameVector, inputFor, rolesOf, vectorDefaults } from './frame-vector.js';
import { frameVectors } from './frames.js';

/** What a server with this transport does with a vector, as lines, its answers included. */
async function read(vector: FrameVector, makePipe: MakePipe, sizes: readonly number[]): Promise<string[]> {
  const { maxMessageSize, maxFragments } = { ...vectorDefaults, ...vector.options };
  const pipe = await makePipe();
  const connection = new Connection({
    role: 'server',
    transport: pipe.transport,
    subprotocol: undefined,
    request: new HandshakeRequest('/', []),
    data: undefined,
    options: { maxMessageSize, maxFragments, heartbeatInterval: Infinity },
  });
  const lines: string[] = [];
  connection.on('message', (message) => {
    const isText = typeof message === 'string';
    lines.push(
      describeEvent(isText ? { type: 'text', text: message } : { type: 'binary', payload: message }),
    );
  });
  connection.on('ping', (payload) => lines.push(describeEvent({ type: 'ping', payload })));
  connection.on('pong', (payload) => lines.push(describeEvent({ type: 'pong', payload })));
  const closed = once(connection, 'close');
  await pipe.feed(inputFor(vector, 'server').bytes, sizes);
  const [{ code, reason, error }] = (await closed) as [CloseInfo];
  const cause = error?.cause instanceof AntsError ? error.cause.code : '';
  return [...lines, `${code} ${reason} ${cause}`, (await pipe.written()).toString('hex')];
}

const vectors = frameVectors.filter(
  (vector) => rolesOf(vector).includes('server') && vector.options?.allowRsv1 !== true,
);

for (const [name, pipe] of Object.entries({ sockets: socketPipe, 'shared reads': sharedReadsPipe })) {
  describe(`RFC 6455, over ${name} as in memory`, () => {
    for (const vector of vectors) {
      it(`${vector.name}`, async () => {
        const expected = await read(vector, memoryPipe, [Infinity]);
        for (const sizes of [[Infinity], [1]]) {
          expect(await read(vector, pipe, sizes), `in chunks of ${sizes}`).to.deep.equal(expected);
        }
      });
    }
  });
}
