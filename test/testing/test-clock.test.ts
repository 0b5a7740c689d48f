import { TestClock } from 'ants-ws/testing';
import { expect } from 'chai';
import { setAlarm } from '#src/connection/shared-timer.js';
import { rawPair } from '../support/connections.js';

describe('testing: TestClock', () => {
  it('stands still, and starts where it is told', async () => {
    const clock = new TestClock(500);
    await clock.settle();
    expect(clock.now()).to.equal(500);
    expect(clock.timers).to.equal(0);
  });

  it('has timers expire in order, each at its time', async () => {
    const clock = new TestClock();
    const expired: string[] = [];
    const note = (name: string) => () => expired.push(`${name} at ${clock.now()}`);
    clock.setTimer(20, note('b'));
    clock.setTimer(10, note('a'));
    clock.setTimer(20, note('c'));
    clock.setTimer(31, note('d'));
    clock.setTimer(Number.POSITIVE_INFINITY, note('never'));
    await clock.advance(30);
    expect(expired).to.deep.equal(['a at 10', 'b at 20', 'c at 20']);
    expect(clock.now()).to.equal(30);
    expect(clock.timers).to.equal(1);
  });

  it('takes timers back', async () => {
    const clock = new TestClock();
    const timer = clock.setTimer(1, () => expect.fail('it expired'));
    clock.clearTimer(timer);
    clock.clearTimer(undefined);
    await clock.advance(10);
    expect(clock.timers).to.equal(0);
  });

  it('lets what a timer sets in motion come to rest, with timers of its own', async () => {
    const clock = new TestClock();
    const times: number[] = [];
    const again = async (): Promise<void> => {
      times.push(clock.now());
      await new Promise((resolve) => setImmediate(resolve));
      clock.setTimer(10, again);
    };
    clock.setTimer(10, again);
    await clock.advance(35);
    expect(times).to.deep.equal([10, 20, 30]);
  });

  it('has timers expire late behind a blocked event loop', async () => {
    const clock = new TestClock();
    const late: number[] = [];
    setAlarm({ ring: (_now, lateBy) => late.push(lateBy) }, 1000, clock);
    clock.block(5000);
    await clock.settle();
    expect(late).to.deep.equal([4000]);
    expect(clock.timers).to.equal(0);
  });

  it('shares one timer among its connections, and none with other clocks', () => {
    const clock = new TestClock();
    const other = new TestClock();
    for (let i = 0; i < 3; i++) rawPair('server', {}, clock);
    expect(clock.timers).to.equal(1);
    expect(other.timers).to.equal(0);
  });

  it('refuses times that are none', async () => {
    const clock = new TestClock();
    for (const ms of [-1, Number.NaN, Infinity, '5' as never]) {
      expect(() => clock.block(ms)).to.throw(RangeError);
      await clock.advance(ms).then(
        () => expect.fail('it advanced'),
        (error) => expect(error).to.be.instanceOf(RangeError),
      );
    }
    expect(clock.now()).to.equal(0);
  });
});
