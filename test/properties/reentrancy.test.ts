import { expect } from 'chai';
import fc from 'fast-check';
import type sinon from 'sinon';
import type { Connection } from '#src/connection/connection.js';
import type { ConnectionOptions } from '#src/connection/options.js';
import { CloseError, UsageError } from '#src/errors.js';
import type { Message } from '#src/protocol/message-assembler.js';
import { memoryPair } from '#src/testing/memory-transport.js';
import { fakeClock } from '../support/clock.js';
import { connect, settle } from '../support/connections.js';
import { runs } from './settings.js';

const actions = [
  'send',
  'sendLarge',
  'sendBlob',
  'sendStream',
  'ping',
  'close',
  'terminate',
  'pause',
  'resume',
  'receive',
  'receiveStream',
  'iterate',
  'consume',
  'listen',
  'unlisten',
  'once',
  'ignore',
  'closed',
  'stats',
  'throw',
] as const;
type Action = (typeof actions)[number];

const places = ['start', 'handler', 'message', 'ping', 'pong', 'drain', 'close', 'onError', 'sent'] as const;
type Place = (typeof places)[number];

type Script = Record<Place, Action[]>;

/** Ends come seldom, so that there is something to end. */
const action = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<Action>('send', 'sendLarge', 'sendBlob', 'sendStream', 'ping') },
  { weight: 4, arbitrary: fc.constantFrom<Action>('listen', 'receive', 'iterate', 'resume') },
  { weight: 3, arbitrary: fc.constantFrom<Action>(...actions) },
);

const script: fc.Arbitrary<Script> = fc.record(
  Object.fromEntries(places.map((place) => [place, fc.array(action, { maxLength: 3 })])) as {
    [P in Place]: fc.Arbitrary<Action[]>;
  },
);

const options: fc.Arbitrary<ConnectionOptions> = fc.record({
  highWaterMark: fc.constantFrom(0, 100, 20_000),
  readHold: fc.constantFrom(20_000, Infinity),
  fragmentSize: fc.constantFrom(50, Infinity),
  receiveQueueMessages: fc.constantFrom(1, 1000),
  whenSlow: fc.constantFrom('wait' as const, 'drop' as const),
});

/** One end, whose every callback plays its part of the script: calls into the library from inside its own calls. */
class Actor {
  readonly connection: Connection;
  /** Numbers of the messages that came, by who got them: promises of several readers at a time settle in no order of their own. */
  readonly received = new Map<unknown, number[]>();
  readonly faults: unknown[] = [];
  closes = 0;
  readonly #script: Script;
  #sent = 0;
  /** Two that answer each other would never end. */
  #left = 60;

  constructor(make: (options: ConnectionOptions) => Connection, given: ConnectionOptions, part: Script) {
    this.#script = part;
    this.connection = make({
      ...given,
      onError: (error) => {
        if (!(error instanceof Mine)) this.faults.push(error);
        this.#play('onError');
      },
    });
    this.connection.on('ping', () => this.#play('ping'));
    this.connection.on('pong', () => this.#play('pong'));
    this.connection.on('drain', () => this.#play('drain'));
    this.connection.on('close', () => {
      this.closes++;
      this.#play('close');
    });
  }

  start(isAsync: boolean): void {
    this.#guard(() => this.#play('start'));
    this.connection.run(() => {
      this.#play('handler');
      return isAsync ? this.connection.closed : undefined;
    });
  }

  #play(place: Place): void {
    for (const name of this.#script[place]) {
      if (this.#left-- <= 0) return;
      this.#do(name);
    }
  }

  /** What is thrown here, outside of the library's calls, has nobody to catch it. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof Mine)) this.faults.push(error);
    }
  }

  readonly #onMessage = (message: Message): void => this.#got('listeners', message);

  #got(reader: unknown, message: Message): void {
    this.#note(reader, message);
    this.#play('message');
  }

  #note(reader: unknown, message: Message): void {
    const numbers = this.received.get(reader) ?? [];
    numbers.push(Number.parseInt(message.toString('latin1' as never), 10));
    this.received.set(reader, numbers);
  }

  #next(size: number): string {
    return `${this.#sent++}`.padEnd(size);
  }

  /** A rejection may only tell of the end, or of reading in two ways. */
  #look(promise: Promise<unknown>): void {
    promise.catch((error) => {
      if (!(error instanceof CloseError || error instanceof UsageError || error instanceof Mine))
        this.faults.push(error);
    });
  }

  #do(name: Action): void {
    const { connection } = this;
    switch (name) {
      // The promises of these may be left alone.
      case 'send':
        void connection.send(this.#next(10)).then(
          () => this.#guard(() => this.#play('sent')),
          () => {},
        );
        break;
      case 'sendLarge':
        void connection.send(Buffer.from(this.#next(17_000)));
        break;
      case 'sendBlob':
        void connection.send(new Blob([this.#next(3000)]));
        break;
      case 'sendStream':
        void connection.sendStream([this.#next(100), ' ', ' '], { fragmentSize: 64 });
        break;
      case 'ping':
        void connection.ping();
        break;
      case 'close':
        void connection.close(4000, 'from inside');
        break;
      case 'terminate':
        connection.terminate();
        break;
      case 'pause':
        connection.pause();
        break;
      case 'resume':
        connection.resume();
        break;
      case 'receive':
        this.#look(connection.receive().then((message) => this.#guard(() => this.#got('receive', message))));
        break;
      case 'receiveStream':
        this.#look(this.#readStream());
        break;
      case 'iterate':
        this.#look(this.#iterate());
        break;
      case 'consume':
        this.#look(this.#consume());
        break;
      case 'listen':
        this.#listen(() => connection.on('message', this.#onMessage));
        break;
      case 'once':
        this.#listen(() => connection.once('message', this.#onMessage));
        break;
      case 'unlisten':
        connection.removeAllListeners('message');
        break;
      case 'ignore':
        this.#misuse(() => connection.ignoreMessages());
        break;
      case 'closed':
        void connection.closed;
        break;
      case 'stats':
        expect(connection.stats.bufferedAmount).to.be.at.least(0);
        break;
      case 'throw':
        throw new Mine();
    }
  }

  /** One listener at a time, so that each message is noted once. */
  #listen(run: () => unknown): void {
    if (this.connection.listenerCount('message') === 0) this.#misuse(run);
  }

  #misuse(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }

  async #iterate(): Promise<void> {
    let count = 0;
    const loop = {};
    for await (const message of this.connection) {
      this.#got(loop, message);
      if (++count === 3) break;
    }
  }

  async #consume(): Promise<void> {
    const loop = {};
    await this.connection.consume((message) => this.#got(loop, message));
  }

  async #readStream(): Promise<void> {
    const stream = await this.connection.receiveStream();
    let text = '';
    for await (const chunk of stream) {
      if (text === '') this.#play('message');
      text += chunk.toString('latin1' as never);
    }
    this.#note(stream, text);
  }
}

/** What the scripts throw. */
class Mine extends Error {}

describe('properties: the library called from inside its own callbacks', () => {
  let clock: sinon.SinonFakeTimers;
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => {
    unhandled.push(error);
  };

  beforeEach(() => {
    clock = fakeClock();
    process.on('unhandledRejection', note);
  });

  afterEach(() => {
    clock.restore();
    process.off('unhandledRejection', note);
  });

  it('throws nothing, closes once, and keeps the order', async () => {
    let total = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(script, script),
        fc.tuple(options, options),
        fc.tuple(fc.boolean(), fc.boolean()),
        fc.constantFrom(1, 100, Infinity),
        async ([ofClient, ofServer], [clientOptions, serverOptions], [first, second], chunkSize) => {
          const [left, right] = memoryPair({ chunks: chunkSize === 1 ? 700 : chunkSize });
          const client = new Actor((given) => connect('client', left, given), clientOptions, ofClient);
          const server = new Actor((given) => connect('server', right, given), serverOptions, ofServer);
          client.start(first);
          server.start(second);
          await settle(30);
          await clock.tickAsync(70_000);
          await settle(10);
          for (const { connection } of [client, server]) connection.terminate();
          await settle(10);
          for (const actor of [client, server]) {
            expect(actor.faults).to.deep.equal([]);
            expect(actor.closes).to.equal(1);
            expect(actor.connection.state).to.equal('closed');
            for (const numbers of actor.received.values()) {
              expect(numbers).to.deep.equal([...numbers].sort((a, b) => a - b));
            }
            const all = [...actor.received.values()].flat();
            expect(all).to.have.lengthOf(new Set(all).size);
            total += all.length;
          }
          expect(unhandled.splice(0)).to.deep.equal([]);
        },
      ),
      runs(150),
    );
    // Else nothing was looked at.
    expect(total).to.be.greaterThan(300);
  }).timeout(60_000);
});
