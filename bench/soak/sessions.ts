import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloseError, type Connection, dial } from 'ants-ws';
import { chatMessages } from '../support/chat.js';

/** What the clients of a soak note. */
export interface Notes {
  /** Round trips of chat messages since the last look, in milliseconds. */
  readonly latencies: number[];
  readonly errors: string[];
  sessions: number;
  messages: number;
}

type Session = (conn: Connection, notes: Notes) => Promise<void>;

const chat = chatMessages(200, 64).map(String);
const large = Buffer.concat(chatMessages(64 * 1024, 8));

function check(isRight: boolean, what: string): void {
  if (!isRight) throw new Error(what);
}

async function ask(conn: Connection, message: string | Buffer, notes: Notes): Promise<void> {
  await conn.send(message);
  const answer = await conn.receive();
  notes.messages++;
  const isSame = typeof message === 'string' ? answer === message : message.equals(answer as Buffer);
  check(isSame, 'an answer is not what was sent');
}

/** What clients do on one connection, where they ask for it, and how many do so at a time. */
export const sessions: readonly { path: string; count: number; compression: boolean; run: Session }[] = [
  {
    path: '/echo',
    count: 20,
    compression: true,
    run: async (conn, notes) => {
      for (let i = 0; i < 40; i++) {
        const begin = performance.now();
        await ask(conn, chat[i % chat.length]!, notes);
        notes.latencies.push(performance.now() - begin);
        await sleep(10);
      }
      const { wasClean } = await conn.close(1000, 'enough');
      check(wasClean, 'a close was not clean');
    },
  },
  {
    path: '/echo',
    count: 2,
    compression: false,
    run: async (conn, notes) => {
      for (let i = 1; i <= 8; i++) await ask(conn, large.subarray(0, (large.length / 8) * i), notes);
      await conn.close();
    },
  },
  {
    path: '/stream',
    count: 2,
    compression: true,
    run: async (conn, notes) => {
      const sent = conn.sendStream([large, large, large, large]);
      let size = 0;
      for await (const part of await conn.receiveStream()) size += part.length;
      await sent;
      notes.messages++;
      check(size === 4 * large.length, `a stream of ${4 * large.length} bytes came back with ${size}`);
      await conn.close();
    },
  },
  {
    path: '/news',
    count: 20,
    compression: true,
    run: async (conn, notes) => {
      for (let i = 0; i < 20; i++) {
        check(String(await conn.receive()).startsWith('{"type":"chat"'), 'no news');
        notes.messages++;
      }
      await conn.close(1001);
    },
  },
  {
    // A reader that is much slower than its server.
    path: '/flood',
    count: 4,
    compression: false,
    run: async (conn, notes) => {
      for (let i = 0; i < 60; i++) {
        check((await conn.receive()).length === 64 * 1024, 'the flood has another size');
        notes.messages++;
        await sleep(5);
      }
      conn.terminate();
    },
  },
  {
    // Goes in the middle of whatever is on its way.
    path: '/echo',
    count: 4,
    compression: true,
    run: async (conn) => {
      for (let i = 0; i < 20; i++) void conn.send(large.subarray(0, 50_000));
      await conn.receive();
      conn.terminate();
    },
  },
  {
    path: '/close',
    count: 2,
    compression: true,
    run: async (conn) => {
      const [{ code, reason }] = (await once(conn, 'close')) as [{ code: number; reason: string }];
      check(code === 4000 && reason === 'your turn', `closed with ${code} ${reason}`);
    },
  },
];

/** Runs sessions one after the other until `isOver`; whatever goes wrong is noted. */
export async function repeat(
  url: string,
  { path, compression, run }: (typeof sessions)[number],
  notes: Notes,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    try {
      const conn = await dial(new URL(path, url).href, { compression });
      await run(conn, notes);
      notes.sessions++;
    } catch (error) {
      const cause = error instanceof CloseError ? error.cause : undefined;
      notes.errors.push(`${path}: ${String(error)} ${String(cause ?? '')}`);
      await sleep(50);
    }
  }
}
