import { expect } from 'chai';
import {
  beginInput,
  currentTurn,
  endInput,
  expectAnswerLater,
  flushAfterTurn,
} from '#src/connection/flush.js';
import { collectGarbage } from '../support/garbage.js';

describe('the end of a turn', () => {
  const log: string[] = [];
  const queue = (name: string, then?: () => void) => ({
    flush: () => {
      log.push(name);
      then?.();
    },
  });

  beforeEach(() => {
    log.length = 0;
  });

  it('flushes in the order of asking, also who asks during it, and is told by number', async () => {
    const before = currentTurn();
    flushAfterTurn(queue('a', () => flushAfterTurn(queue('c'))));
    flushAfterTurn(queue('b'));
    expect(log).to.deep.equal([]);
    await new Promise(setImmediate);
    expect(log).to.deep.equal(['a', 'b', 'c']);
    expect(currentTurn()).to.equal(before + 1);
    await new Promise(setImmediate);
    expect(log).to.have.lengthOf(3);
  });

  it('is the end of input where nobody answers later', async () => {
    beginInput();
    flushAfterTurn(queue('a'));
    expect(log).to.deep.equal([]);
    endInput();
    expect(log).to.deep.equal(['a']);
    beginInput();
    flushAfterTurn(queue('b'));
    expectAnswerLater();
    endInput();
    expect(log).to.deep.equal(['a']);
    await new Promise(setImmediate);
    expect(log).to.deep.equal(['a', 'b']);
  });

  it('keeps nothing of those who have flushed', async () => {
    const flushed = (() => {
      const queues = [queue('a'), queue('b')];
      for (const each of queues) flushAfterTurn(each);
      return queues.map((each) => new WeakRef(each));
    })();
    // What a WeakRef was made for lives on until the end of the task.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    collectGarbage();
    expect(log).to.deep.equal(['a', 'b']);
    expect(flushed.map((each) => each.deref())).to.deep.equal([undefined, undefined]);
  });

  it('keeps nobody waiting behind one who throws', async () => {
    beginInput();
    const fail = () => {
      throw new Error('no');
    };
    for (const name of ['a', 'b']) flushAfterTurn(queue(name));
    flushAfterTurn(queue('c', fail));
    for (const name of ['d', 'e', 'f', 'g']) flushAfterTurn(queue(name));
    expect(() => endInput()).to.throw('no');
    expect(log.join('')).to.equal('abc');
    flushAfterTurn(queue('h'));
    await new Promise(setImmediate);
    expect(log.join('')).to.equal('abcdefgh');
    beginInput();
    flushAfterTurn(queue('i'));
    endInput();
    expect(log.join('')).to.equal('abcdefghi');
  });
});
