// What the page talks to: a chat, a flood on demand, a close with the code that the page asks for.
import { CloseError, type Connection, type Upgrader } from 'ants-ws';
import type { Feed } from './feed.js';

/** Lines that a newcomer gets to read, and the longest line. */
const linesKept = 30;
const longestLine = 500;

const floodMessage = Buffer.alloc(8 * 1024, 'ants ');
const floodMessages = 4096; // 32 MiB
const floodsAtATime = 4;

type Wish =
  | { type: 'say'; text: string }
  | { type: 'flood' }
  | { type: 'enough' }
  | { type: 'close'; code: number; reason: string };

export class Room {
  readonly #guests: Upgrader;
  readonly #feed: Feed;
  readonly #lines: object[] = [];
  #floods = 0;

  constructor(guests: Upgrader, feed: Feed) {
    this.#guests = guests;
    this.#feed = feed;
  }

  /** Serves one page. */
  async serve(conn: Connection): Promise<void> {
    const ant = this.#feed.add(conn);
    let flood: AbortController | undefined;
    await conn.send(JSON.stringify({ type: 'welcome', ant, lines: this.#lines }));
    this.#announce();
    conn.on('close', () => this.#announce());
    for await (const message of conn) {
      const wish = parse(message);
      if (wish === undefined) await complain(conn, 'this is not in the language of the demo');
      else if (wish.type === 'say') await this.#say(conn, ant, wish.text);
      else if (wish.type === 'enough') flood?.abort();
      else if (wish.type === 'close') await close(conn, wish.code, wish.reason);
      else if (flood !== undefined && !flood.signal.aborted) await complain(conn, 'one flood at a time');
      else if (this.#floods >= floodsAtATime) await complain(conn, 'others flood already, try again later');
      else {
        const own = new AbortController();
        flood = own;
        // Beside the loop, which goes on to hear that it is enough.
        void this.#flood(conn, own.signal).finally(() => own.abort());
      }
    }
  }

  /** Sends as fast as the page reads, and no faster: that is all that `await` has to do. */
  async #flood(conn: Connection, enough: AbortSignal): Promise<void> {
    this.#floods++;
    const start = performance.now();
    let messages = 0;
    let peak = 0;
    let waits = 0;
    try {
      while (messages < floodMessages && !enough.aborted) {
        const sent = conn.send(floodMessage, { compress: false });
        messages++;
        peak = Math.max(peak, conn.bufferedAmount);
        if (conn.bufferedAmount > highWaterMark) waits++;
        await sent;
      }
      const ms = performance.now() - start;
      const bytes = messages * floodMessage.length;
      await conn.send(JSON.stringify({ type: 'flooded', messages, bytes, ms, peak, waits }));
    } catch (error) {
      // The page went away in the middle.
      if (!(error instanceof CloseError)) throw error;
    } finally {
      this.#floods--;
    }
  }

  async #say(conn: Connection, ant: number, text: string): Promise<void> {
    if (text === '' || text.length > longestLine) {
      await complain(conn, `a line has 1 to ${longestLine} characters`);
      return;
    }
    const line = { type: 'said', ant, text, time: Date.now() };
    this.#lines.push(line);
    if (this.#lines.length > linesKept) this.#lines.shift();
    this.#tell(line);
  }

  #announce(): void {
    this.#tell({ type: 'here', count: this.#guests.connections.size });
  }

  #tell(news: object): void {
    this.#guests.broadcast(JSON.stringify(news), { whenSlow: 'drop' });
  }
}

/** The default of the option of this name. */
const highWaterMark = 64 * 1024;

/** What came, if it is one of the wishes; nothing that a stranger sends is taken at its word. */
function parse(message: string | Buffer): Wish | undefined {
  let value: unknown;
  try {
    value = JSON.parse(String(message));
  } catch {
    return undefined;
  }
  const { type, text, code, reason } = Object(value) as Record<string, unknown>;
  if (type === 'say' && typeof text === 'string') return { type, text };
  if (type === 'flood' || type === 'enough') return { type };
  if (type === 'close' && typeof code === 'number' && typeof reason === 'string')
    return { type, code, reason };
  return undefined;
}

async function close(conn: Connection, code: number, reason: string): Promise<void> {
  try {
    await conn.close(code, reason);
  } catch (error) {
    // Such as 1006, which no frame may carry. The message says so.
    if (!(error instanceof TypeError)) throw error;
    await complain(conn, error.message);
  }
}

function complain(conn: Connection, message: string): Promise<void> {
  return conn.send(JSON.stringify({ type: 'complaint', message }));
}
