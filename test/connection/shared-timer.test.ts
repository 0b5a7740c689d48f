import { expect } from 'chai';
import type sinon from 'sinon';
import { clearAlarm, setAlarm } from '#src/connection/shared-timer.js';
import { fakeClock } from '../support/clock.js';
import { settle } from '../support/connections.js';

describe('shared timer', () => {
  let clock: sinon.SinonFakeTimers;
  let rings: [name: string, now: number, lateBy: number][];

  const alarm = (name: string) => ({
    ring: (now: number, lateBy: number) => void rings.push([name, now, lateBy]),
  });
  const pass = async (ms: number): Promise<void> => {
    await clock.tickAsync(ms);
    await settle(1);
  };
  const names = (): string[] => rings.map(([name]) => name);

  beforeEach(() => {
    clock = fakeClock();
    rings = [];
  });

  afterEach(() => {
    clock.restore();
  });

  it('rings all alarms at their times with one timer, which keeps no process alive', async () => {
    for (const ms of [300, 100, 200]) setAlarm(alarm(`${ms}`), ms);
    expect(clock.countTimers()).to.equal(1);
    await pass(99);
    expect(names()).to.be.empty;
    await pass(1);
    expect(names()).to.deep.equal(['100']);
    await pass(200);
    expect(rings).to.deep.equal([
      ['100', 100, 0],
      ['200', 200, 0],
      ['300', 300, 0],
    ]);
    expect(clock.countTimers()).to.equal(0);
  });

  it('takes alarms of about the same time together, never early and at most a fiftieth late', async () => {
    const count = 1000;
    for (let i = 0; i < count; i++) {
      setAlarm(alarm(`${performance.now() + 30_000}`), 30_000);
      await clock.tickAsync(3);
    }
    expect(clock.countTimers()).to.equal(1);
    let turns = 0;
    for (let rung = 0; rung < count; rung = rings.length) {
      clock.next();
      await settle(1);
      if (rings.length > rung) turns++;
    }
    expect(turns).to.be.below(40);
    for (const [due, now] of rings) expect(now - Number(due)).to.be.within(0, 600);
  });

  it('takes alarms back, also between their timer and their turn', async () => {
    const first = alarm('first');
    const second = alarm('second');
    const slot = setAlarm(first, 100);
    setAlarm(second, 100);
    clearAlarm(first, slot);
    await pass(100);
    expect(names()).to.deep.equal(['second']);
    const third = alarm('third');
    const late = setAlarm(third, 100);
    clock.tick(100);
    clearAlarm(third, late);
    await settle(1);
    expect(names()).to.deep.equal(['second']);
  });

  it('has no timer when there is no alarm left', () => {
    const one = alarm('one');
    const slot = setAlarm(one, 100);
    clearAlarm(one, slot);
    clearAlarm(one, slot);
    expect(clock.countTimers()).to.equal(0);
  });

  it('lets an alarm set the next one', async () => {
    const again = {
      ring: (now: number, lateBy: number) => {
        rings.push(['again', now, lateBy]);
        setAlarm(again, 1000);
      },
    };
    setAlarm(again, 1000);
    for (let i = 0; i < 3; i++) await pass(1000);
    expect(rings.map(([, now]) => now)).to.deep.equal([1000, 2000, 3000]);
  });

  it('tells how late it is', async () => {
    setAlarm(alarm('late'), 1000);
    const { now } = performance;
    performance.now = () => 5000;
    clock.tick(1000);
    performance.now = now;
    await settle(1);
    expect(rings).to.deep.equal([['late', 5000, 4000]]);
  });

  it('waits for longer than a Node timer can', async () => {
    const month = 30 * 24 * 60 * 60 * 1000;
    setAlarm(alarm('month'), month);
    await pass(0x7fffffff);
    expect(names()).to.be.empty;
    await pass(month - 0x7fffffff + month / 50);
    expect(names()).to.deep.equal(['month']);
  });

  it('is not confused by clocks that come and go', async () => {
    setAlarm(alarm('of the first clock'), 1000);
    clock.restore();
    clock = fakeClock();
    const one = alarm('of the second clock');
    const slot = setAlarm(one, 500);
    expect(clock.countTimers()).to.equal(1);
    await pass(500);
    expect(names()).to.deep.equal(['of the second clock']);
    clearAlarm(one, slot);
    await pass(10_000);
    expect(names()).to.deep.equal(['of the second clock']);
  });
});
