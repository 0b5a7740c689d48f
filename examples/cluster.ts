// One port, several processes, and a restart of one after the other, in which every client is told to come again and finds a place.
//
//   npm run build && node build/examples/cluster.js [port] [workers]
//
// Talk to it:     node build/examples/ants-client.js ws://localhost:8080/
// Restart:        kill -HUP <the number that it prints>
// Stop:           Ctrl-C, or kill -TERM <the same number>
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { CloseCode, serve } from 'ants-ws';

const port = Number(process.argv[2] ?? process.env['PORT'] ?? 8080);
const size = Number(process.argv[3] ?? availableParallelism());
const stopTime = 10_000;

/** Serves, until the primary process says that it is over. */
async function work(): Promise<void> {
  const server = await serve({ host: 'localhost', port }, async (conn) => {
    await conn.send(`this is worker ${process.pid}`);
    for await (const message of conn) await conn.send(message);
  });
  process.send?.({ url: server.url });
  const stop = async (): Promise<void> => {
    // 1012 tells clients to come again; they find a worker that is not stopping.
    await server.close({ code: CloseCode.ServiceRestart, timeout: stopTime });
    // The channel to the primary is the last thing that keeps this process alive.
    process.disconnect?.();
  };
  process.once('message', stop);
  process.once('disconnect', stop);
  // Ctrl-C reaches the whole group of processes; the primary decides.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
}

/** Starts a worker, and waits until it listens. */
async function startWorker(): Promise<{ worker: Worker; url: string }> {
  const worker = cluster.fork();
  const [message] = await once(worker, 'message');
  return { worker, url: message.url };
}

/** Lets a worker finish; it is ended when it takes too long. */
async function stopWorker(worker: Worker): Promise<void> {
  const late = setTimeout(() => worker.process.kill('SIGKILL'), stopTime + 5_000);
  const exited = once(worker, 'exit');
  worker.send('stop');
  await exited;
  clearTimeout(late);
}

async function lead(): Promise<void> {
  let isStopping = false;
  let workers: Worker[] = [];

  // A worker that dies is replaced. One that was told to stop is off the list already.
  cluster.on('exit', async (worker, code, signal) => {
    if (!workers.includes(worker)) return;
    console.log(`worker ${worker.process.pid} died (${signal ?? code})`);
    workers = workers.filter((other) => other !== worker);
    if (isStopping) return;
    const { worker: next } = await startWorker();
    workers.push(next);
    console.log(`worker ${next.process.pid} took its place`);
  });

  const started = await Promise.all(Array.from({ length: size }, startWorker));
  workers = started.map(({ worker }) => worker);
  console.log(`listening on ${started[0]!.url} as process ${process.pid}`);

  let restarting = Promise.resolve();
  process.on('SIGHUP', () => {
    restarting = restarting.then(async () => {
      // The next one is there before the last one goes, and there are never fewer than before.
      for (const worker of [...workers]) {
        if (isStopping || !workers.includes(worker)) continue;
        const { worker: next } = await startWorker();
        workers = [...workers.filter((other) => other !== worker), next];
        await stopWorker(worker);
        console.log(`worker ${worker.process.pid} was replaced by ${next.process.pid}`);
      }
      console.log('restarted');
    });
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      isStopping = true;
      await restarting;
      const last = workers;
      workers = [];
      await Promise.all(last.map(stopWorker));
      console.log('stopped');
    });
  }
}

if (cluster.isPrimary) await lead();
else await work();
