// Files of any size over a WebSocket: a server that keeps what it is sent, and a client that sends a file.
//
//   npm run build && node build/examples/file-transfer.js serve <folder> [port]
//   npm run build && node build/examples/file-transfer.js send <file> [url]
//
// A transfer is a small message with the name, then one large message with the content. Neither end holds more of it than a few
// hundred KiB. Ctrl-C stops the server.
import { basename, join } from 'node:path';
import { type Connection, dial, serve } from 'ants-ws';

const maxSize = 8 * 1024 ** 3;

const [command, path, where] = process.argv.slice(2);
if (command === 'serve' && path !== undefined) await keep(path, Number(where ?? 8080));
else if (command === 'send' && path !== undefined) await send(path, where ?? 'ws://localhost:8080/files');
else console.error('usage: file-transfer serve <folder> [port] | send <file> [url]');

async function keep(folder: string, port: number): Promise<void> {
  const server = await serve({ port, host: 'localhost', path: '/files' }, (conn) => receiveAll(conn, folder));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
  console.log(`listening on ${server.url}`);
}

async function receiveAll(conn: Connection, folder: string): Promise<void> {
  for await (const name of conn) {
    // What a peer says is no path before we have looked at it.
    if (typeof name !== 'string' || !/^[\w-][\w.-]{0,99}$/.test(name)) {
      await conn.close(1008, 'that is no name for a file');
      return;
    }
    try {
      const bytes = await conn.receiveFile(join(folder, name), { maxSize });
      console.log(`received ${name}, ${bytes} bytes`);
      await conn.send(`kept ${bytes} bytes`);
    } catch (error) {
      // Such as a file that is there already. If it was the connection that failed, this ends the loop.
      console.log(`could not receive ${name}: ${(error as Error).message}`);
      await conn.send('could not keep it');
    }
  }
}

async function send(file: string, url: string): Promise<void> {
  const conn = await dial(url);
  conn.send(basename(file));
  let percent = -1;
  await conn.sendFile(file, {
    onProgress: ({ bytes, total }) => {
      const now = Math.floor((bytes / (total ?? bytes)) * 10) * 10;
      if (now !== percent) console.log(`${now} %`);
      percent = now;
    },
  });
  console.log(String(await conn.receive()));
  await conn.close();
}
