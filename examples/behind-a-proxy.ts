// A client behind an HTTP proxy, which it asks to CONNECT.
//
//   npm run build && HTTPS_PROXY=http://proxy.example:3128 node build/examples/behind-a-proxy.js [url]
import { dial } from 'ants-ws';
import { HttpsProxyAgent } from 'https-proxy-agent';

const url = process.argv[2] ?? 'ws://localhost:8080/ants';
const proxy = process.env['HTTPS_PROXY'];

// Without one: dial as usual.
const agent = proxy ? new HttpsProxyAgent(proxy) : undefined;
await using conn = await dial(url, { agent });
console.log(`connected ${agent === undefined ? 'directly' : `through ${agent.proxy.host}`}`);
void conn.send('hello');
console.log(`received ${await conn.receive()}`);
