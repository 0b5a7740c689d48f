import fc from 'fast-check';
import { runs } from '../properties/settings.js';
import { sharedReadsPipe, socketPipe } from '../support/pipes.js';
import { frameCase } from './frame-case.js';
import { requestCase, responseCase } from './head-case.js';
import { runFrames } from './run-frames.js';
import { runRequest, runResponse } from './run-heads.js';
import { watchStrays } from './strays.js';
import { countWork } from './work.js';

describe('fuzzing', () => {
  let undo: (() => void)[] = [];

  before(() => {
    undo = [watchStrays(), countWork()];
  });

  after(() => {
    for (const back of undo) back();
  });

  it('frames: a connection does with all bytes what the plain reader says', async () => {
    await fc.assert(
      fc.asyncProperty(frameCase, (input) => runFrames(input)),
      runs(500),
    );
  }).timeout(60_000);

  for (const [name, pipe] of Object.entries({ sockets: socketPipe, 'shared reads': sharedReadsPipe })) {
    it(`frames over ${name}: likewise`, async () => {
      await fc.assert(
        fc.asyncProperty(frameCase, (input) => runFrames(input, pipe)),
        runs(100),
      );
    }).timeout(60_000);
  }

  it('frames: found once, a DEFLATE stream that ends with each of many small messages', async () => {
    const message = Buffer.from('c1810000000001', 'hex');
    await runFrames({
      role: 'server',
      compression: 'takeover',
      consumption: 'events',
      chunks: [1],
      maxFragments: 4,
      bytes: Buffer.alloc(200 * message.length, message),
    });
  });

  it('responses: a client goes on if it may', () => {
    fc.assert(fc.property(responseCase, runResponse), runs(3_000));
  }).timeout(60_000);

  it('requests: a server answers 101 if it may', async () => {
    await fc.assert(fc.asyncProperty(requestCase, runRequest), runs(500));
  }).timeout(60_000);
});
