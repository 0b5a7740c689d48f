// The client that runs every case of Autobahn's fuzzingserver, and has it write its reports:
//
//   node build/test/conformance/autobahn-client.js [--url ws://127.0.0.1:9001] [--wait 60]
//
// It waits for the server to listen, so many seconds at most.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Connection, dial, HandshakeError } from 'ants-ws';
import { agent, options } from './autobahn-options.js';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'ws://127.0.0.1:9001' },
    wait: { type: 'string', default: '60' },
  },
});
const url = values.url.replace(/\/$/, '');

/** How many cases there are. */
async function countCases(): Promise<number> {
  const connection = await dial(`${url}/getCaseCount`, options);
  const count = Number(await connection.receive());
  await connection.closed;
  if (!Number.isInteger(count)) throw new Error(`${url} did not answer a number of cases`);
  return count;
}

async function whenListening(): Promise<number> {
  const end = performance.now() + 1_000 * Number(values.wait);
  for (;;) {
    try {
      return await countCases();
    } catch (error) {
      const isEarly = error instanceof HandshakeError && error.code === 'ANTS_CONNECT_FAILED';
      if (!isEarly || performance.now() > end) throw error;
      await delay(200);
    }
  }
}

/** Echoes what comes. The server decides when a case is over. */
async function runCase(number: number): Promise<void> {
  let connection: Connection;
  try {
    connection = await dial(`${url}/runCase?case=${number}&agent=${agent}`, options);
  } catch (error) {
    // The report will say so as well; the other cases can still run.
    console.error(`case ${number}: ${error}`);
    return;
  }
  connection.on('message', (message) => connection.send(message));
  await connection.closed;
}

const count = await whenListening();
for (let number = 1; number <= count; number++) {
  await runCase(number);
  if (number % 50 === 0 || number === count) console.log(`${number} of ${count} cases`);
}
const reports = await dial(`${url}/updateReports?agent=${agent}`, options);
await reports.closed;
