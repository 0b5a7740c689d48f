// A chat with rooms, in JSON. The URL says who you are and where.
//
//   npm run build && node build/examples/json-chat.js [port]
//
// Two terminals, each with a client that sends lines, such as npx wscat -c 'ws://localhost:8080/chat?room=garden&name=Ada'
//
//   you send      { "text": "Hello!" }
//   all receive   { "type": "said", "name": "Ada", "text": "Hello!" }
//   and also      { "type": "came", "name": "Bob" } and { "type": "left", "name": "Bob" }
import { type Connection, serve } from 'ants-ws';

interface Guest {
  name: string;
  room: string;
}

type Notice =
  | { type: 'came' | 'left'; name: string }
  | { type: 'said'; name: string; text: string }
  | { type: 'error'; message: string };

const rooms = new Map<string, Set<Connection<Guest>>>();

/** A guest who has this many bytes still to come does not keep up. */
const tooSlow = 256 * 1024;

/**
 * Tells everyone in a room. The promise is that of the speaker, who has to read as fast as he speaks. The others are not waited
 * for, since one slow guest must not slow down the room: who falls too far behind has to leave.
 */
function tell(room: string, notice: Notice, speaker?: Connection<Guest>): Promise<void> | undefined {
  const text = JSON.stringify(notice);
  let spoken: Promise<void> | undefined;
  for (const guest of rooms.get(room) ?? []) {
    if (guest === speaker) spoken = guest.send(text);
    else if (guest.bufferedAmount <= tooSlow) guest.send(text);
    // A Close frame would have to wait behind all that is not read.
    else guest.terminate();
  }
  return spoken;
}

/** The text of what a guest sent, or undefined when it is not what we agreed on. */
function parseText(message: string | Buffer): string | undefined {
  try {
    const { text } = JSON.parse(String(message));
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

async function chat(conn: Connection<Guest>): Promise<void> {
  const { name, room } = conn.data;
  const guests = rooms.get(room) ?? new Set();
  rooms.set(room, guests.add(conn));
  tell(room, { type: 'came', name });
  try {
    for await (const message of conn) {
      const text = parseText(message);
      if (text !== undefined) await tell(room, { type: 'said', name, text }, conn);
      else await conn.send(JSON.stringify({ type: 'error', message: 'send { "text": "..." }' }));
    }
  } finally {
    guests.delete(conn);
    if (guests.size === 0) rooms.delete(room);
    tell(room, { type: 'left', name });
  }
}

function identify(request: { url?: string | undefined }): Guest | Response {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const name = searchParams.get('name');
  const room = searchParams.get('room') ?? 'hall';
  return name ? { name, room } : new Response('Add ?name=... to the URL.\n', { status: 400 });
}

const port = Number(process.argv[2] ?? process.env['PORT'] ?? 8080);
const server = await serve(
  { port, host: 'localhost', path: '/chat', maxMessageSize: 4096, authorize: identify },
  chat,
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await server.close();
    console.log('stopped');
  });
}

console.log(`listening on ${server.url}`);
