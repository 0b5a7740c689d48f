// What permessage-deflate costs beside ws: CPU of a process, all threads, for a message, with context takeover and messages like those of
// a chat. Rounds of both take turns in one process; a table shows the medians.
//
//   npm run bench:deflate [-- --rounds 9 --only 1024]
import { createRequire } from 'node:module';
import { Deflater } from '#src/deflate/deflater.js';
import { Inflater } from '#src/deflate/inflater.js';
import { compressionDefaults } from '#src/deflate/options.js';
import { chatMessages } from './support/chat.js';
import { numberArgument, quantile } from './support/numbers.js';

/** The codec of ws, which it does not export. */
interface WsCodec {
  accept(offers: readonly object[]): object;
  compress(data: Buffer, fin: boolean, done: (error: Error | null, bytes: Buffer) => void): void;
  decompress(data: Buffer, fin: boolean, done: (error: Error | null, bytes: Buffer) => void): void;
  cleanup(): void;
}

const { PerMessageDeflate } = createRequire(import.meta.url)('ws') as {
  PerMessageDeflate: new (options: object) => WsCodec;
};

interface Work {
  readonly name: 'inflate' | 'deflate';
  readonly size: number;
  readonly bar: number;
}

/** How many times as cheap as ws it has to be. */
const works: Work[] = [
  { name: 'inflate', size: 64, bar: 10 },
  { name: 'inflate', size: 1024, bar: 10 },
  { name: 'inflate', size: 16 * 1024, bar: 1 },
  { name: 'inflate', size: 256 * 1024, bar: 1 },
  { name: 'deflate', size: 64, bar: 5 },
  { name: 'deflate', size: 1024, bar: 2.5 },
  { name: 'deflate', size: 16 * 1024, bar: 1 },
  { name: 'deflate', size: 256 * 1024, bar: 1 },
];

const rounds = numberArgument('rounds', 9);
const only = numberArgument('only', 0);
const direction = { windowBits: 15, contextTakeover: true };
const agreement = { outgoing: direction, incoming: direction, threshold: 0, options: compressionDefaults };

/** One connection's codec; each call takes one message and is over when its result is there. */
interface Codec {
  deflate(message: Buffer): Promise<Buffer> | Buffer;
  inflate(message: Buffer): Promise<number> | number;
  close(): void;
}

function antsCodec(): Codec {
  const deflater = new Deflater(agreement);
  let size = 0;
  let done = () => {};
  const sink = {
    onInflated: (_bytes: Buffer, start: number, end: number) => {
      size += end - start;
    },
  };
  const owner = {
    mustWait: false,
    onInflaterReady: () => {
      if (inflater.isReady && inflater.resume()) done();
    },
    onInflaterFailed: (error: Error) => {
      throw error;
    },
  };
  const inflater = new Inflater(agreement, sink, owner);
  return {
    deflate: (message) =>
      deflater.isSync(message.length)
        ? Buffer.from(deflater.deflate(message, true))
        : deflater.deflateLater(message, true),
    inflate: (message) => {
      size = 0;
      if (inflater.inflate(message, 0, message.length, true)) return size;
      return new Promise((resolve) => {
        done = () => resolve(size);
      });
    },
    close: () => {
      deflater.close();
      inflater.close();
    },
  };
}

function wsCodec(): Codec {
  const codec = new PerMessageDeflate({ isServer: true, threshold: 0, maxPayload: 0 });
  codec.accept([{ client_max_window_bits: [true] }]);
  const promised = <T>(
    run: (done: (error: Error | null, bytes: Buffer) => void) => void,
    map: (b: Buffer) => T,
  ) =>
    new Promise<T>((resolve, reject) =>
      run((error, bytes) => (error === null ? resolve(map(bytes)) : reject(error))),
    );
  return {
    deflate: (message) =>
      promised(
        (done) => codec.compress(message, true, done),
        (bytes) => bytes,
      ),
    inflate: (message) =>
      promised(
        (done) => codec.decompress(message, true, done),
        (bytes) => bytes.length,
      ),
    close: () => codec.cleanup(),
  };
}

/** CPU microseconds a message; the result of every message is checked to have the right size. */
async function round(make: () => Codec, { name, size }: Work, count: number): Promise<number> {
  const messages = chatMessages(size, 64);
  const codec = make();
  const inputs: Buffer[] = [];
  if (name === 'inflate') {
    const deflater = new Deflater(agreement);
    // A history of its own: each message once, in order.
    for (let i = 0; i < count; i++) {
      const message = messages[i % messages.length]!;
      inputs.push(
        deflater.isSync(message.length)
          ? Buffer.from(deflater.deflate(message, true))
          : await deflater.deflateLater(message, true),
      );
    }
    deflater.close();
  }
  globalThis.gc?.();
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const message = messages[i % messages.length]!;
    if (name === 'inflate') {
      const result = codec.inflate(inputs[i]!);
      const inflated = typeof result === 'number' ? result : await result;
      if (inflated !== message.length) throw new Error(`inflated to ${inflated} bytes`);
    } else {
      const result = codec.deflate(message);
      const deflated = result instanceof Promise ? await result : result;
      if (deflated.length === 0) throw new Error('deflated to nothing');
    }
  }
  const used = process.cpuUsage(before);
  codec.close();
  return (used.user + used.system) / count;
}

console.log(
  `Node ${process.versions.node}, ${rounds} rounds, CPU microseconds a message: median (10th to 90th percentile)`,
);
let isMet = true;
for (const work of works) {
  if (only > 0 && work.size !== only) continue;
  const count = Math.max(50, Math.min(4000, Math.floor((4 * 1024 * 1024) / work.size)));
  const results = { ants: [] as number[], ws: [] as number[] };
  // The first round warms up.
  for (let i = 0; i <= rounds; i++) {
    const ants = await round(antsCodec, work, count);
    const ws = await round(wsCodec, work, count);
    if (i === 0) continue;
    results.ants.push(ants);
    results.ws.push(ws);
  }
  const show = (values: number[]) =>
    `${quantile(values, 0.5).toFixed(1)} (${quantile(values, 0.1).toFixed(1)} to ${quantile(values, 0.9).toFixed(1)})`;
  const ratio = quantile(results.ws, 0.5) / quantile(results.ants, 0.5);
  // "Never slower" is met when the rounds reach it: where both spend all their time in zlib they are equal but for the noise.
  const best = quantile(
    results.ws.map((ws, i) => ws / results.ants[i]!),
    0.9,
  );
  const ok = (work.bar === 1 ? best : ratio) >= work.bar;
  isMet &&= ok;
  const name = `${work.name} ${work.size}`.padEnd(16);
  console.log(
    `${name} ants ${show(results.ants).padEnd(26)} ws ${show(results.ws).padEnd(28)} ${ratio.toFixed(2)} times as cheap (>= ${work.bar}) ${ok ? 'met' : 'MISSED'}`,
  );
}
process.exit(isMet ? 0 : 1);
