import { expect } from 'chai';
import sinon from 'sinon';
import { WaitingLine } from '#src/connection/waiting-line.js';
import { CloseError } from '#src/errors.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { outcome, rawPair, recordCloses, roles, settle } from '../support/connections.js';

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

describe('connection: a message that can not be framed', () => {
  fakeClockInEachTest();
  afterEach(() => sinon.restore());

  /** As when there is no memory for so much. */
  function refuseMemory(): void {
    const allocate = Buffer.allocUnsafeSlow;
    sinon.stub(Buffer, 'allocUnsafeSlow').callsFake((size) => {
      if (size > 200_000) throw new RangeError('Array buffer allocation failed');
      return allocate.call(Buffer, size);
    });
  }

  for (const role of roles) {
    for (const waits of [true, false]) {
      it(`is rejected and fails the connection (${role}, ${waits ? 'behind a Blob' : 'at once'})`, async () => {
        const { connection, peer } = rawPair(role);
        const closes = recordCloses(connection);
        refuseMemory();
        const first = waits ? connection.send(new Blob(['first'])) : connection.send('first');
        const sent = connection.send('x'.repeat(300_000));
        const behind = connection.send('behind');
        await settle();
        await first;
        expect(await outcome(sent)).to.be.instanceOf(RangeError);
        expect(await outcome(behind)).to.be.instanceOf(CloseError);
        expect(peer.messages).to.deep.equal(['first']);
        expect(peer.closes).to.deep.equal(['1011']);
        peer.close(1011);
        peer.end();
        await settle();
        expect(closes).to.have.lengthOf(1);
        expect(closes[0]?.error?.cause).to.be.instanceOf(RangeError);
        expect(closes[0]?.unsentBytes).to.equal(0);
      });
    }
  }
});
