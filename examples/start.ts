// What `npm start` runs: the demo, a page that shows what WebSockets do, and an echo to talk to from elsewhere.
//
//   npm start
//
// Open the URL that it prints in a browser, best in two tabs. When port 8080 is taken, it takes a free one. Ctrl-C closes every
// connection with 1001 and stops.
import { type Demo, startDemo } from './demo/demo.js';

async function startSomewhere(port: number): Promise<Demo> {
  try {
    return await startDemo(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    console.log(`port ${port} is taken, so here is a free one`);
    return startDemo(0);
  }
}

const demo = await startSomewhere(Number(process.argv[2] ?? process.env['PORT'] ?? 8080));

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return; // Under npm a Ctrl-C comes twice: from the terminal, and passed on by npm.
  stopping = true;
  await demo.close();
  console.log('stopped');
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, stop);
}

console.log(`listening on ${demo.url}`);
console.log('  in a browser:           open that URL, best in two tabs');
console.log(`  from another terminal:  npm run client -- ${demo.echoUrl}`);
console.log(`  from your program:      new WebSocket('${demo.echoUrl}')`);
console.log('Ctrl-C stops it.');
