import { expect } from 'chai';
import { describeEvent, type FrameVector, inputFor, type Role, rolesOf } from './frame-vector.js';
import { frameVectors } from './frames.js';
import { type Manner, type Outcome, replay } from './replay.js';

/** Above this size a vector is cut within the first header and at some other places, not everywhere. */
const everyCutUpTo = 600;

/** Above this size a vector is not replayed byte by byte. */
const byteByByteUpTo = 256 * 1024;

for (const section of new Set(frameVectors.map((vector) => vector.section))) {
  describe(`RFC 6455 section ${section}`, () => {
    for (const vector of frameVectors.filter((candidate) => candidate.section === section)) {
      for (const role of rolesOf(vector)) {
        it(`${vector.name} (to a ${role})`, () => replayInAllManners(vector, role));
      }
    }
  });
}

function replayInAllManners(vector: FrameVector, role: Role): void {
  const { bytes, failsFrom, failsUpTo } = inputFor(vector, role);
  const expected = {
    events: (vector.events ?? []).map(describeEvent),
    failure: vector.failure,
    midMessage: vector.unfinished ?? false,
  };

  const check = (how: string, manner: Manner): Outcome => {
    const outcome = replay(bytes, role, vector.options, manner);
    const { events, failure } = outcome;
    // Where the reader stood does not matter after a failure.
    const midMessage = failure === undefined ? outcome.midMessage : expected.midMessage;
    expectEqual({ events, failure, midMessage }, expected, how);
    return outcome;
  };

  check('whole', {});
  check('whole, pausing', { pausing: true });
  for (const at of cuts(bytes.length)) {
    check(`cut at ${at}`, { pieces: [at] });
    check(`cut at ${at}, pausing`, { pieces: [at], pausing: true });
  }
  if (bytes.length > byteByByteUpTo) {
    check('in pieces of 64 KiB', { pieces: every(65536) });
    return;
  }
  check('byte by byte, pausing', { pieces: every(1), pausing: true });
  const { given } = check('byte by byte', { pieces: every(1) });
  if (vector.failure !== undefined) expect(given, 'fails at the byte').to.be.within(failsFrom, failsUpTo);
  if (bytes.length <= everyCutUpTo) checkTruncated(vector, role);
}

/** Whatever is missing at the end: no failure, and nothing but what was complete. */
function checkTruncated(vector: FrameVector, role: Role): void {
  const { bytes, failsFrom } = inputFor(vector, role);
  const expected = (vector.events ?? []).map(describeEvent);
  const end = vector.failure === undefined ? bytes.length : failsFrom;
  for (let length = 0; length < end; length++) {
    const outcome = replay(bytes.subarray(0, length), role, vector.options);
    const how = `the first ${length} bytes`;
    const { events, failure, midMessage } = outcome;
    expectEqual({ events, failure }, { events: expected.slice(0, events.length), failure: undefined }, how);
    if (expected.length === 1 && vector.failure === undefined && vector.unfinished === undefined) {
      expectEqual({ events, midMessage }, { events: [], midMessage: length > 0 }, how);
    }
  }
}

/** Deep equality with a quick way for the hundreds of thousands of times that all is well. */
function expectEqual(actual: object, expected: object, how: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual, how).to.deep.equal(expected);
}

function cuts(size: number): readonly number[] {
  if (size <= everyCutUpTo) return Array.from({ length: Math.max(0, size - 1) }, (_, i) => i + 1);
  const half = size >> 1;
  return size > 70_000 ? [11, half] : [1, 2, 3, 4, 5, 8, 9, 10, 11, 13, 14, half, half + 1, size - 1];
}

function* every(length: number): Generator<number> {
  for (;;) yield length;
}
