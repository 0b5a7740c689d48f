// The echo server that Autobahn's fuzzingclient connects to:
//
//   node build/test/conformance/autobahn-server.js [--port 9001] [--host 127.0.0.1]
//
// It prints its URL, and stops on Ctrl-C.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { serve } from 'ants-ws';
import { options } from './autobahn-options.js';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '9001' }, host: { type: 'string', default: '127.0.0.1' } },
});

const server = await serve({ ...options, host: values.host, port: Number(values.port) }, (connection) => {
  connection.on('message', (message) => connection.send(message));
});
console.log(`listening on ${server.url}`);

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await server.close();
