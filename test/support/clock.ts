import sinon from 'sinon';

/**
 * Fakes timers and the time of day, and leaves turns of the event loop alone. To be restored by the test.
 */
export function fakeClock(): sinon.SinonFakeTimers {
  return sinon.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
}

/** Fakes the clock for each test of the suite that this is called in, so that no deadline outlives its test. */
export function fakeClockInEachTest(): void {
  let clock: sinon.SinonFakeTimers;

  beforeEach(() => {
    clock = fakeClock();
  });

  afterEach(() => {
    clock.restore();
  });
}
