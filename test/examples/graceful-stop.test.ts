import { type Connection, dial } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

/** A client that asks and counts what comes. */
class Counter {
  ticks = 0;
  readonly #conn: Connection;
  readonly #answered = new Set<string>();
  #asked = 0;

  private constructor(conn: Connection) {
    this.#conn = conn;
    conn.on('message', (message) => {
      if (String(message).startsWith('tick')) {
        expect(Number(String(message).slice(5))).to.equal(this.ticks++);
      } else {
        this.#answered.add(String(message));
        this.ask();
      }
    });
  }

  static async dial(url: string): Promise<Counter> {
    return new Counter(await dial(url));
  }

  get messages(): number {
    return this.ticks + this.#answered.size;
  }

  get ended(): Promise<unknown> {
    return this.#conn.closed;
  }

  ask(): void {
    this.#conn.send(`question ${this.#asked++}`);
  }

  /** Waits until the server is really at work. */
  async underLoad(): Promise<void> {
    while (this.ticks < 500 || this.#answered.size < 3) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('example: graceful-stop', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('loses no message on SIGTERM under load', async () => {
    const program = start('graceful-stop', ['0']);
    const [, url] = await program.line(/^listening on (\S+)/);
    const clients = await Promise.all(Array.from({ length: 5 }, () => Counter.dial(url!)));
    for (const client of clients) for (let i = 0; i < 4; i++) client.ask();
    await Promise.all(clients.map((client) => client.underLoad()));

    program.signal('SIGTERM');
    for (const client of clients) expect(await client.ended).to.include({ code: 1001, wasClean: true });
    expect(await program.exited).to.deep.equal(inOrder);
    const [, sent] = await program.line(/^sent (\d+) messages; 5 clients left in order, 0 did not$/);
    expect(clients.reduce((sum, { messages }) => sum + messages, 0)).to.equal(Number(sent));
  });
});
