import { expect } from 'chai';
import { WaitingLine } from '#src/connection/waiting-line.js';
import { settle } from '../support/connections.js';

describe('WaitingLine', () => {
  it('writes each entry once and in order, also those that are added when one has left', async () => {
    const written: string[] = [];
    const add = (text: string): void => {
      line.add({
        bytes: text.length,
        load: async () => Buffer.from(text),
        write: (loaded) => written.push(loaded.toString()),
        reject: (error) => written.push(String(error)),
      });
    };
    let isFirst = true;
    // As a socket does that takes everything at once: user code hears of the drain from here, and sends more.
    const line = new WaitingLine(() => {
      if (isFirst) {
        isFirst = false;
        add('second');
        add('third');
      }
    });
    add('first');
    await settle();
    add('fourth');
    await settle();
    expect(written).to.deep.equal(['first', 'second', 'third', 'fourth']);
    expect(line.bytes).to.equal(0);
    expect(line.isEmpty).to.equal(true);
  });
});
