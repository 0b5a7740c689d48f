// What the server sees of its connections, for whoever watches: the headers of frames, how much waits to be sent, how long a ping
// takes, how they ended.
// Payloads are not among it. Watchers get a batch every 100 ms, so that a flood of frames is no flood of messages.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Connection, DiagnosticsMessages, Upgrader } from 'ants-ws';

/** Frames in a batch at most; of more the batch has the number only. */
const framesInBatch = 60;
const batchEvery = 100;
const pingEvery = 500;

export class Feed {
  readonly #watchers: Upgrader;
  /** The connections that are watched, with their numbers. */
  readonly #numbers = new Map<Connection<unknown>, number>();
  readonly #timers: NodeJS.Timeout[];
  /** Those whose pong is still to come. */
  readonly #pinged = new Set<Connection<unknown>>();
  #count = 0;
  #frames: object[] = [];
  #skipped = 0;

  constructor(watchers: Upgrader) {
    this.#watchers = watchers;
    subscribe('ants:frame', this.#seen);
    this.#timers = [
      setInterval(() => this.#publish(), batchEvery),
      setInterval(() => this.#pingAll(), pingEvery),
    ];
  }

  /** Watches a connection until it ends. Returns its number. */
  add(conn: Connection): number {
    const ant = ++this.#count;
    this.#numbers.set(conn, ant);
    conn.on('close', ({ code, reason, wasClean, error }) => {
      this.#numbers.delete(conn);
      this.#tell({ type: 'closed', ant, code, reason, wasClean, why: error?.message ?? '' });
    });
    return ant;
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    unsubscribe('ants:frame', this.#seen);
  }

  readonly #seen = (message: unknown): void => {
    const { connection, ...frame } = message as DiagnosticsMessages['ants:frame'];
    const ant = this.#numbers.get(connection);
    // Those who watch are not watched: each batch would make frames for the next one.
    if (ant === undefined || this.#watchers.connections.size === 0) return;
    if (this.#frames.length < framesInBatch) this.#frames.push({ ant, ...frame, time: Date.now() });
    else this.#skipped++;
  };

  #publish(): void {
    if (this.#watchers.connections.size === 0) return;
    const ants = [...this.#numbers].map(([{ bufferedAmount, latency }, ant]) => ({
      ant,
      bufferedAmount,
      latency,
    }));
    this.#tell({ type: 'seen', frames: this.#frames, skipped: this.#skipped, ants });
    this.#frames = [];
    this.#skipped = 0;
  }

  #pingAll(): void {
    if (this.#watchers.connections.size === 0) return;
    for (const conn of this.#numbers.keys()) {
      if (this.#pinged.has(conn)) continue;
      this.#pinged.add(conn);
      // What is measured is then conn.latency. A connection that ends meanwhile has told so already.
      conn.ping().then(
        () => this.#pinged.delete(conn),
        () => this.#pinged.delete(conn),
      );
    }
  }

  /** Who does not keep up misses a batch, and the others do not wait for him. */
  #tell(news: object): void {
    this.#watchers.broadcast(JSON.stringify(news), { whenSlow: 'drop' });
  }
}
