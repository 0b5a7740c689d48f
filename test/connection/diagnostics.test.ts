import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { dial, serve } from 'ants-ws';
import { expect } from 'chai';
import { channels, type DiagnosticsMessages, type FrameSeen } from '#src/connection/diagnostics.js';
import { HandshakeError } from '#src/errors.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { outcome, rawPair, record, settle } from '../support/connections.js';

type Name = keyof DiagnosticsMessages;

const names: readonly Name[] = [
  'ants:open',
  'ants:close',
  'ants:message:in',
  'ants:message:out',
  'ants:ping',
  'ants:pong',
  'ants:frame',
  'ants:pressure',
  'ants:error',
];

/** A conversation in which everything happens that is published. */
async function talk(): Promise<void> {
  const { client, server } = connectedPair({
    server: { highWaterMark: 10, readHold: 10, receiveQueueMessages: 2, onError: () => {} },
  });
  record(client);
  void client.send('one');
  void client.send('two');
  await settle();
  await server.receive();
  await server.receive();
  await Promise.all([client.ping('p'), settle()]);
  void server.send('x'.repeat(100));
  await settle();
  server.on('message', () => {
    throw new Error('user');
  });
  void client.send('three');
  await client.closed;
  await server.closed;
}

describe('diagnostics channels', () => {
  fakeClockInEachTest();

  let undo: (() => void)[] = [];

  /** The messages of these channels, as they come. */
  function watch(...watched: Name[]): { name: Name; message: DiagnosticsMessages[Name] }[] {
    const seen: { name: Name; message: DiagnosticsMessages[Name] }[] = [];
    for (const name of watched) {
      const listener = (message: unknown) =>
        void seen.push({ name, message: message as DiagnosticsMessages[Name] });
      subscribe(name, listener);
      undo.push(() => unsubscribe(name, listener));
    }
    return seen;
  }

  afterEach(() => {
    for (const step of undo) step();
    undo = [];
  });

  it('have the documented names', () => {
    expect(Object.values(channels).map(({ name }) => name)).to.have.members([...names]);
  });

  it('build nothing while nobody subscribes', async () => {
    let built = 0;
    for (const one of Object.values(channels)) {
      Object.defineProperty(one, 'publish', { value: () => built++, configurable: true });
      undo.push(() => delete (one as { publish?: unknown }).publish);
    }
    await talk();
    expect(built).to.equal(0);
    // The same conversation with a subscriber on each.
    for (const name of names) {
      const listener = () => {};
      channel(name).subscribe(listener);
      undo.push(() => channel(name).unsubscribe(listener));
    }
    await talk();
    expect(built).to.be.above(10);
  });

  it('tell of messages that are streams, each way', async () => {
    const seen = watch('ants:message:in', 'ants:message:out');
    const { client, server } = connectedPair();
    const sent = client.sendStream(['some', 'text'], { fragmentSize: 5 });
    expect(seen.map(({ name }) => name)).to.deep.equal(['ants:message:out']);
    const stream = await server.receiveStream();
    for await (const _ of stream);
    await sent;
    expect(seen.map(({ name, message }) => ({ name, ...message }))).to.deep.equal([
      { name: 'ants:message:out', connection: client, data: undefined },
      { name: 'ants:message:in', connection: server, message: undefined, size: 8 },
    ]);
  });

  it('tell of the whole life of a connection', async () => {
    const seen = watch(...names.filter((name) => name !== 'ants:frame'));
    await talk();
    const [first] = seen;
    const client = first!.message.connection;
    expect(client.role).to.equal('client');
    const of = (role: string) =>
      seen.filter(({ message }) => message.connection.role === role).map(({ name }) => name);
    expect(of('client')).to.deep.equal([
      'ants:open',
      'ants:message:out',
      'ants:message:out',
      'ants:ping',
      'ants:pong',
      'ants:message:in',
      'ants:message:out',
      'ants:error',
      'ants:close',
    ]);
    expect(of('server').filter((name) => name !== 'ants:pressure')).to.deep.equal([
      'ants:open',
      'ants:message:in',
      'ants:message:in',
      'ants:ping',
      'ants:pong',
      'ants:message:out',
      'ants:message:in',
      'ants:error',
      'ants:close',
    ]);
    expect(seen.find(({ name }) => name === 'ants:message:in')!.message).to.include({
      message: 'one',
      size: 3,
    });
    const directions = seen.flatMap(({ message }) => ('direction' in message ? [message.direction] : []));
    expect(directions).to.have.members(['out', 'in', 'out', 'in']);
    const { message: closed } = seen.findLast(({ name }) => name === 'ants:close')!;
    expect(closed).to.have.property('info').that.includes({ wasClean: true });
  });

  it('tell of the frames of connections that came after the subscriber, and no longer than it is there', async () => {
    const before = connectedPair();
    void before.client.send('zero');
    await settle();
    const seen = watch('ants:frame');
    const after = connectedPair();
    for (const { server } of [before, after]) record(server);
    void before.client.send('one');
    void after.client.send('two');
    await settle();
    expect(new Set(seen.map(({ message }) => message.connection))).to.deep.equal(
      new Set([after.client, after.server]),
    );
    for (const step of undo.splice(0)) step();
    const { length } = seen;
    void after.client.send('three');
    await settle();
    expect(seen).to.have.lengthOf(length);
  });

  it('tell of pressure', async () => {
    const seen = watch('ants:pressure');
    await talk();
    const kinds = seen.map(({ message }) => (message as DiagnosticsMessages['ants:pressure']).kind);
    expect(kinds).to.deep.equal(['queue-full', 'queue-free', 'high', 'held', 'released', 'drained']);
    const { connection, peer } = rawPair('server', { whenSlow: 'drop', highWaterMark: 10 });
    peer.transport.pause();
    void connection.send('x'.repeat(100));
    await settle();
    const out = watch('ants:message:out');
    void connection.send('y');
    expect(seen.at(-1)?.message).to.include({ kind: 'dropped', bufferedAmount: 102, connection });
    expect(out).to.be.empty;
  });

  it('tell of heartbeats as of other pings', async () => {
    const { connection } = rawPair('server', { heartbeatInterval: 1000 });
    const seen = watch('ants:ping');
    await settle();
    const { setTimeout: fake } = globalThis as unknown as {
      setTimeout: { clock: { tick(ms: number): void } };
    };
    fake.clock.tick(1000);
    await settle();
    expect(seen.map(({ message }) => message)).to.have.lengthOf(1);
    expect(seen[0]!.message).to.include({ connection, direction: 'out' });
  });

  it('whose subscribers throw leave the connection alone: Node tells the process', async () => {
    const listeners = process.rawListeners('uncaughtException') as ((error: Error) => void)[];
    process.removeAllListeners('uncaughtException');
    const uncaught: unknown[] = [];
    process.on('uncaughtException', (error) => uncaught.push(error));
    const failure = new Error('subscriber');
    const thrower = () => {
      throw failure;
    };
    for (const name of names) subscribe(name, thrower);
    try {
      const { client, server } = connectedPair();
      const { messages } = record(server);
      void client.send('hello');
      await settle();
      await Promise.all([client.ping(), settle()]);
      expect(await client.close()).to.include({ code: 1000, wasClean: true });
      expect(messages).to.deep.equal(['hello']);
      await settle();
    } finally {
      for (const name of names) unsubscribe(name, thrower);
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(new Set(uncaught)).to.deep.equal(new Set([failure]));
  });
});

describe('the channel of frames', () => {
  it('tells of each, both ways, by its header', async () => {
    const frames: FrameSeen[] = [];
    const listener = (message: unknown) => void frames.push(message as FrameSeen);
    subscribe('ants:frame', listener);
    const server = await serve({ host: '127.0.0.1', compression: { threshold: 0 } }, async (conn) => {
      for await (const _ of conn) await conn.send('plain', { compress: false });
    });
    const client = await dial(server.url, { compression: { threshold: 0 } });
    try {
      void client.send('ants '.repeat(100));
      await client.receive();
      void client.sendStream(['some', 'more'], { fragmentSize: 3, compress: false });
      await client.receive();
      await client.ping('hi');
      await client.close(4000, 'bye');
      await server.close();
    } finally {
      unsubscribe('ants:frame', listener);
    }
    const of = (role: string, way: string) =>
      frames
        .filter(({ connection, direction }) => connection.role === role && direction === way)
        .map(({ connection: _, direction: __, ...header }) => header);
    const sent = of('client', 'out');
    expect(sent[0]!.length).to.be.within(5, 50);
    expect(sent[0]).to.include({ opcode: 1, fin: true, compressed: true, masked: true });
    expect(sent[1]).to.deep.equal({ opcode: 1, fin: false, compressed: false, masked: true, length: 3 });
    expect(sent.map(({ opcode }) => opcode).join(' ')).to.match(/^1 1( 0)+ 9 8$/);
    expect(of('server', 'out')).to.deep.equal(
      [
        { opcode: 1, length: 5 },
        { opcode: 1, length: 5 },
        { opcode: 10, length: 2 },
        { opcode: 8, length: 2 },
      ].map((header) => ({ ...header, fin: true, compressed: false, masked: false })),
    );
    expect(of('server', 'in')).to.deep.equal(sent);
    expect(of('client', 'in')).to.deep.equal(of('server', 'out'));
  });
});

describe('the tracing channel of opening handshakes', () => {
  const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

  it('traces both ends, in success and in failure, and shows no password', async () => {
    const seen: { event: string; role: string; url: string; result?: unknown; error?: unknown }[] = [];
    const tracing = tracingChannel('ants:handshake');
    const subscribers = Object.fromEntries(
      events.map((event) => [
        event,
        (context: unknown) => void seen.push({ ...(context as (typeof seen)[number]), event }),
      ]),
    ) as unknown as Parameters<typeof tracing.subscribe>[0];
    tracing.subscribe(subscribers);
    const server = await serve(
      {
        host: '127.0.0.1',
        authorize: ({ url }) => (url === '/no' ? new Response('no', { status: 403 }) : 1),
      },
      () => {},
    );
    try {
      const conn = await dial(server.url.replace('ws://', 'ws://ann:secret@'));
      const error = await outcome(dial(`${server.url}no`));
      expect(error).to.be.instanceOf(HandshakeError);
      await conn.close();
      const of = (role: string) => seen.filter((one) => one.role === role);
      expect(of('client').map(({ event }) => event)).to.deep.equal([
        'start',
        'end',
        'asyncStart',
        'asyncEnd',
        'start',
        'end',
        'error',
        'asyncStart',
        'asyncEnd',
      ]);
      expect(of('client')[0]!.url).to.equal(server.url.replace('ws://', 'ws://ann:***@'));
      expect(of('client')[3]!.result).to.equal(conn);
      expect(of('client')[8]!.error).to.equal(error);
      expect(of('server').map(({ url, event }) => `${url} ${event}`)).to.include.members([
        '/ asyncEnd',
        '/no error',
        '/no asyncEnd',
      ]);
    } finally {
      tracing.unsubscribe(subscribers);
      await server.close();
    }
    const before = seen.length;
    await outcome(dial('ws://127.0.0.1:1'));
    expect(seen).to.have.lengthOf(before);
  });
});
