// One message of 2 GiB as a stream: through a client, echoed by a server while it comes, and back. Neither process may grow by 64 MiB.
//
//   npm run bench:stream [-- <MiB of the message>]
//
// Server and client are processes of their own. Growth is the peak of resident memory (as the operating system counts it) less what the
// process had when the connection was open. Exits with 1 when the bar is missed, or the echo is not what was sent.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { dial, serve } from 'ants-ws';

const MiB = 1024 * 1024;
const barMiB = 64;

/** What each process tells in the end; bytes. */
interface Report {
  readonly bytes: number;
  readonly seconds: number;
  readonly growth: number;
}

const [role, argument] = process.argv.slice(2);
if (role === 'server') await runServer();
else if (role === 'client') await runClient(argument!);
else await compare(Number(role ?? 2048) * MiB);

async function compare(size: number): Promise<void> {
  if (!Number.isInteger(size) || size < 1) throw new TypeError('the size must be a whole number of MiB');
  const server = start('server');
  const url = (await nextMessage(server)) as string;
  const client = start('client', url);
  client.send(size);
  const reports = await Promise.all([nextMessage(client), nextMessage(server)]);
  // The client has nothing left to wait for; the server waits for this.
  server.disconnect();

  console.log(`node ${process.version}, a message of ${size / MiB} MiB, echoed as a stream`);
  console.log('process     MiB through  seconds   MiB/s  peak growth of resident memory');
  let isMet = true;
  for (const [index, name] of ['client', 'server'].entries()) {
    const { bytes, seconds, growth } = reports[index] as Report;
    isMet &&= bytes === size && growth < barMiB * MiB;
    console.log(
      name.padEnd(10),
      (bytes / MiB).toFixed(0).padStart(12),
      seconds.toFixed(1).padStart(8),
      (bytes / MiB / seconds).toFixed(0).padStart(7),
      `${(growth / MiB).toFixed(1)} MiB (bar: ${barMiB})`.padStart(31),
    );
  }
  console.log(isMet ? 'met' : 'MISSED');
  process.exitCode = isMet ? 0 : 1;
}

function start(...args: string[]): ChildProcess {
  const child = fork(fileURLToPath(import.meta.url), args, { serialization: 'advanced' });
  child.once('exit', (code) => {
    if (code === 0) return;
    console.error(`the ${args[0]} failed`);
    process.exit(1);
  });
  return child;
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message');
  return message;
}

async function runServer(): Promise<void> {
  const server = await serve({ port: 0, host: '127.0.0.1' }, async (conn) => {
    const stop = measure();
    const stream = await conn.receiveStream();
    let bytes = 0;
    await conn.sendStream(
      (async function* () {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          yield chunk;
        }
      })(),
    );
    await conn.closed;
    process.send!(stop(bytes));
  });
  process.once('disconnect', () => server.close());
  process.send!(server.url);
}

async function runClient(url: string): Promise<void> {
  const [size] = (await once(process, 'message')) as [number];
  const conn = await dial(url);
  const stop = measure();
  // Not a divisor of any buffer's size, so that bytes in a wrong place are found out.
  const period = 65_521;
  const pattern = Buffer.alloc(3 * period);
  for (let i = 0; i < pattern.length; i++) pattern[i] = (i % period) % 251;

  const sent = conn.sendStream(
    (function* () {
      for (let start = 0; start < size; start += period) {
        yield pattern.subarray(0, Math.min(period, size - start));
      }
    })(),
  );
  let bytes = 0;
  for await (const chunk of await conn.receiveStream()) {
    const offset = bytes % period;
    if (!pattern.subarray(offset, offset + chunk.length).equals(chunk as Buffer)) {
      throw new Error(`the echo is wrong at or behind byte ${bytes}`);
    }
    bytes += chunk.length;
  }
  await sent;
  await conn.close();
  process.send!(stop(bytes));
}

/** Starts the clock; the returned function reads it. */
function measure(): (bytes: number) => Report {
  const start = performance.now();
  const memory = process.memoryUsage.rss();
  return (bytes) => ({
    bytes,
    seconds: (performance.now() - start) / 1000,
    growth: process.resourceUsage().maxRSS * 1024 - memory,
  });
}
