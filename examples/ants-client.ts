// The client: it says hello every second and prints what comes back.
//
//   npm run build && node build/examples/ants-client.js [url]
//
// The URL is that of ants-server.js if you give none. Ctrl-C says goodbye with a closing handshake.
import { AntsError, type Connection, dial } from 'ants-ws';

const url = process.argv[2] ?? 'ws://localhost:8080/ants';

try {
  const conn = await dial(url);
  process.once('SIGINT', () => conn.close(1000, 'bye'));
  console.log(`connected to ${url}`);
  const stop = sayHello(conn);
  await printReplies(conn).finally(stop);
  const { code, wasClean } = await conn.closed;
  console.log(`closed with ${code}, ${wasClean ? 'clean' : 'not clean'}`);
} catch (error) {
  // Nobody listened there, the server refused, or the connection broke: the message says which.
  if (!(error instanceof AntsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** Says hello now and every second, until the returned function is called. */
function sayHello(conn: Connection): () => void {
  let count = 0;
  const hello = () => conn.send(`hello ${++count}`);
  const timer = setInterval(hello, 1000);
  hello();
  return () => clearInterval(timer);
}

/** Ends when the connection does, and throws when that was not in order. */
async function printReplies(conn: Connection): Promise<void> {
  for await (const message of conn) {
    console.log(`received: ${message}`);
  }
}
