// What it costs to send one compressed message of 1 KiB to 500 connections: `server.broadcast` beside the loop that people write with
// ws, which compresses for each. CPU of the server's process, all threads. Rounds of both take turns.
//
//   npm run bench:broadcast [-- --connections 500 --rounds 7]
import { type Connection, dial, serve } from 'ants-ws';
import { WebSocketServer } from 'ws';
import { chatMessages } from './support/chat.js';
import { numberArgument, quantile } from './support/numbers.js';
import { answer, Part } from './support/processes.js';

const count = numberArgument('connections', 500);
const rounds = numberArgument('rounds', 7);
/** How many times as cheap as ws it has to be. */
const bar = 20;

/** Broadcasts for one question: each in a turn of its own, or all in one, when they share a write for each connection. */
const burst = 4;
type Manner = 'one a turn' | 'four a turn';
const manners: readonly Manner[] = ['one a turn', 'four a turn'];

const messages = chatMessages(1024, 16).map(String);

/** Answers each of the manners with a burst, and `cpu`. */
function measure(url: string, broadcast: (message: string) => void): void {
  let next = 0;
  const send = () => broadcast(messages[next++ % messages.length]!);
  answer({
    url: () => url,
    'one a turn': async () => {
      for (let i = 0; i < burst; i++) {
        send();
        await new Promise(setImmediate);
      }
    },
    'four a turn': () => {
      for (let i = 0; i < burst; i++) send();
    },
    cpu: () => process.cpuUsage(),
  });
}

async function serveAnts(): Promise<void> {
  const server = await serve({ host: '127.0.0.1', compression: true }, (conn) => conn.ignoreMessages());
  measure(server.url, (message) => server.broadcast(message));
}

async function serveWs(): Promise<void> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 64 } });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  measure(`ws://127.0.0.1:${port}`, (message) => {
    for (const client of server.clients) client.send(message);
  });
}

/** A server and the connections to it. */
class Side {
  readonly #part: Part;
  readonly #connections: Connection<unknown>[] = [];
  #received = 0;
  #whenReceived = () => {};

  constructor(name: string) {
    this.#part = new Part(import.meta.url, name);
  }

  async connect(): Promise<void> {
    const url = await this.#part.ask<string>('url');
    for (let i = 0; i < count; i++) {
      const connection = await dial(url, { compression: true });
      if (connection.extensions === '') throw new Error('no compression was agreed on');
      connection.on('message', (message) => this.#onMessage(String(message)));
      this.#connections.push(connection);
    }
  }

  /** CPU microseconds for a message to one connection. */
  async round(manner: Manner, bursts: number): Promise<number> {
    const before = await this.#part.ask<NodeJS.CpuUsage>('cpu');
    for (let i = 0; i < bursts; i++) {
      const received = new Promise<void>((resolve) => {
        this.#received = 0;
        this.#whenReceived = resolve;
      });
      await this.#part.ask(manner);
      await received;
    }
    const after = await this.#part.ask<NodeJS.CpuUsage>('cpu');
    const used = after.user + after.system - before.user - before.system;
    return used / (bursts * burst * count);
  }

  stop(): void {
    for (const connection of this.#connections) connection.terminate();
    this.#part.stop();
  }

  #onMessage(message: string): void {
    if (!messages.includes(message)) throw new Error('another message came');
    this.#received++;
    if (this.#received === count * burst) this.#whenReceived();
  }
}

const [, , part] = process.argv;
if (part === 'ants') await serveAnts();
else if (part === 'ws') await serveWs();
else {
  const ants = new Side('ants');
  const ws = new Side('ws');
  await ants.connect();
  await ws.connect();
  console.log(`Node ${process.versions.node}, 1 KiB to ${count} connections, ${rounds} rounds`);
  console.log('CPU microseconds of the server for each connection: median (10th to 90th percentile)');
  const show = (values: number[]) =>
    `${quantile(values, 0.5).toFixed(2)} (${quantile(values, 0.1).toFixed(2)} to ${quantile(values, 0.9).toFixed(2)})`;
  let isMet = true;
  for (const manner of manners) {
    const results = { ants: [] as number[], ws: [] as number[] };
    // The first round warms up.
    for (let i = 0; i <= rounds; i++) {
      const one = await ants.round(manner, 10);
      const other = await ws.round(manner, 2);
      if (i === 0) continue;
      results.ants.push(one);
      results.ws.push(other);
    }
    const ratio = quantile(results.ws, 0.5) / quantile(results.ants, 0.5);
    const ok = ratio >= bar;
    isMet &&= ok;
    console.log(
      `  ${manner.padEnd(11)} ants ${show(results.ants).padEnd(22)} ws ${show(results.ws).padEnd(26)} ${ratio.toFixed(1)} times as cheap (>= ${bar}) ${ok ? 'met' : 'MISSED'}`,
    );
  }
  ants.stop();
  ws.stop();
  process.exit(isMet ? 0 : 1);
}
