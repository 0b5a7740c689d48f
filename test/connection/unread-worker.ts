import { parentPort } from 'node:worker_threads';
import { fakeClock } from '../support/clock.js';
import { rawPair, settle } from '../support/connections.js';

// Runs in a worker, where no warning has come before: two connections whose queues fill up and that nobody reads.
const clock = fakeClock();
const warnings: { name: string; code: string | undefined; message: string }[] = [];
process.on('warning', (warning: Error & { code?: string }) => {
  warnings.push({ name: warning.name, code: warning.code, message: warning.message });
});

async function fillAndWait(milliseconds: number): Promise<number> {
  const { peer } = rawPair('server', { receiveQueueMessages: 4, heartbeatInterval: Infinity });
  peer.texts('1', '2', '3', '4', '5');
  await settle();
  await clock.tickAsync(milliseconds);
  await settle();
  return warnings.length;
}

const counts = [await fillAndWait(9_999), await fillAndWait(1), await fillAndWait(60_000)];
parentPort?.postMessage({ counts, warnings, timers: clock.countTimers() });
