import process from 'node:process';
import { makePayload } from '../load/frames.js';
import { answerLines, cpuMicroseconds } from '../support/answer-lines.js';

/** What each of the libraries is used by. */
export interface MeasuredClient {
  send(message: string | Uint8Array<ArrayBuffer>): void;
}

/** Connects to `url`; binary messages that come go to `take`. */
export type Connect = (
  url: string,
  take: (message: Uint8Array | ArrayBuffer) => void,
) => Promise<MeasuredClient>;

/** One in so many messages is compared as a whole, all by their length. */
const samplePeriod = 101;

interface ConnectQuestion {
  readonly port: number;
  readonly size: number;
  readonly isEcho: boolean;
  readonly inFlight: number;
}

/** Does what whoever started this process asks a client for. */
export function beMeasured(connect: Connect, runtime = `Node ${process.versions.node}`): void {
  let run!: (messages: number) => Promise<number>;
  answerLines({
    runtime: () => runtime,
    cpu: cpuMicroseconds,
    async connect(question: ConnectQuestion) {
      run = await prepare(connect, question);
    },
    run: (messages: number) => run(messages),
  });
}

async function prepare(
  connect: Connect,
  { port, size, isEcho, inFlight }: ConnectQuestion,
): Promise<(messages: number) => Promise<number>> {
  const request = new Uint8Array(makePayload(size, false, 0));
  const reply = makePayload(size, false, 1);
  let received = 0;
  let expected = 0;
  let windowEnd = 0;
  let onDone: (error?: Error) => void = () => {};

  const sendWindow = () => {
    windowEnd += inFlight;
    for (let i = 0; i < inFlight; i++) client.send(request);
  };
  const client = await connect(`ws://127.0.0.1:${port}/${isEcho ? 'echo' : 'push'}/${size}`, (message) => {
    received++;
    if (message.byteLength !== size || (received % samplePeriod === 1 && !isReply(message))) {
      onDone(new Error(`message ${received} is wrong`));
    }
    if (received === expected) onDone();
    else if (isEcho && received === windowEnd) sendWindow();
  });
  const isReply = (message: Uint8Array | ArrayBuffer) =>
    reply.equals(message instanceof ArrayBuffer ? new Uint8Array(message) : message);

  return (messages) => {
    const count = Math.ceil(messages / inFlight) * inFlight;
    return new Promise((resolve, reject) => {
      onDone = (error) => (error === undefined ? resolve(count) : reject(error));
      expected = received + count;
      if (isEcho) sendWindow();
      else client.send(`${count}`);
    });
  };
}
