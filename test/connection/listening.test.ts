import { createHook } from 'node:async_hooks';
import { expect } from 'chai';
import type sinon from 'sinon';
import { Connection } from '#src/connection/connection.js';
import { HandshakeRequest } from '#src/connection/request.js';
import type { Message } from '#src/protocol/message-assembler.js';
import { Opcode } from '#src/protocol/opcode.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { memoryPair } from '#src/testing/memory-transport.js';
import { fakeClock } from '../support/clock.js';
import { RawPeer, rawPair, record, roles, settle } from '../support/connections.js';

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

describe('connection: listeners of message', () => {
  let clock: sinon.SinonFakeTimers;

  beforeEach(() => {
    clock = fakeClock();
  });

  afterEach(() => {
    clock.restore();
  });

  for (const role of roles) {
    it(`get text as string and binary as Buffer (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      const { messages } = record(connection);
      peer.frame(Opcode.Text, 'häl');
      peer.frame(Opcode.Text, 'lo', false);
      peer.frame(Opcode.Continuation, '!');
      peer.frame(Opcode.Binary, Buffer.of(1, 2));
      peer.frame(Opcode.Text);
      peer.frame(Opcode.Binary);
      await settle();
      expect(messages).to.deep.equal(['häl', 'lo!', Buffer.of(1, 2), '', Buffer.alloc(0)]);
      expect(connection.state).to.equal('open');
    });

    it(`attached 50 ms late get all of 100 messages, in order (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      peer.texts(...numbers(100));
      await settle();
      await clock.tickAsync(50);
      const { messages } = record(connection);
      expect(messages).to.be.empty;
      await settle();
      expect(messages).to.deep.equal(numbers(100));
    });
  }

  it('get what came behind the handshake, a macrotask after the connection was made', async () => {
    const [ours, theirs] = memoryPair();
    const peer = new RawPeer('client', theirs);
    const connection = new Connection({
      role: 'server',
      transport: ours,
      head: Buffer.concat([peer.encode(Opcode.Ping, 'p'), peer.encode(Opcode.Text, 'from the head')]),
      subprotocol: undefined,
      request: new HandshakeRequest('/', []),
      data: undefined,
      options: {},
    });
    peer.texts('from the wire');
    const pings: string[] = [];
    // Many microtasks and ticks later is still in time.
    for (let i = 0; i < 100; i++) await new Promise<void>((resolve) => process.nextTick(resolve));
    connection.on('ping', (payload) => pings.push(String(payload)));
    const { messages } = record(connection);
    expect(messages).to.be.empty;
    await settle();
    expect(pings).to.deep.equal(['p']);
    expect(messages).to.deep.equal(['from the head', 'from the wire']);
  });

  it('are looked at again after each emit: once() leaves the rest queued', async () => {
    const { connection, peer } = rawPair('server');
    const first: Message[] = [];
    connection.once('message', (message) => first.push(message));
    peer.texts('a', 'b', 'c');
    await settle();
    expect(first).to.deep.equal(['a']);
    expect(await connection.receive()).to.equal('b');
    const { messages } = record(connection);
    await settle();
    expect(messages).to.deep.equal(['c']);
  });

  it('that are removed in the middle of a burst get no more of it', async () => {
    const { connection, peer } = rawPair('server');
    const seen: Message[] = [];
    const listener = (message: Message): void => {
      seen.push(message);
      if (seen.length === 3) connection.off('message', listener);
    };
    connection.on('message', listener);
    peer.texts(...numbers(10));
    await settle();
    expect(seen).to.deep.equal(['0', '1', '2']);
    const { messages } = record(connection);
    await settle();
    expect(messages).to.deep.equal(numbers(10).slice(3));
  });

  it('that remove themselves while queued messages are emitted leave the rest queued', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts(...numbers(5));
    await settle();
    const seen: Message[] = [];
    connection.once('message', (message) => seen.push(message));
    await settle();
    expect(seen).to.deep.equal(['0']);
    expect(await connection.receive()).to.equal('1');
  });

  it('that are added by a listener of ping, in the middle of a chunk, keep the order', async () => {
    const { connection, peer } = rawPair('server');
    const seen: Message[] = [];
    connection.on('ping', () => connection.on('message', (message) => seen.push(message)));
    peer.raw(
      Buffer.concat([
        peer.encode(Opcode.Text, 'before'),
        peer.encode(Opcode.Ping),
        peer.encode(Opcode.Text, 'after'),
      ]),
    );
    await settle();
    expect(seen).to.deep.equal(['before', 'after']);
  });

  it('can be added in every way of an emitter', async () => {
    const { connection, peer } = rawPair('server');
    const order: string[] = [];
    connection.addListener('message', () => order.push('add'));
    connection.prependListener('message', () => order.push('prepend'));
    connection.prependOnceListener('message', () => order.push('prependOnce'));
    connection.once('message', () => order.push('once'));
    peer.texts('a', 'b');
    await settle();
    expect(order).to.deep.equal(['prependOnce', 'prepend', 'add', 'once', 'prepend', 'add']);
  });

  describe('and pause()', () => {
    it('called in a listener stops the burst there, and resume() goes on with it', async () => {
      const { connection, peer, transport } = rawPair('server');
      const seen: Message[] = [];
      connection.on('message', (message) => {
        seen.push(message);
        if (message === '1') connection.pause();
      });
      peer.texts('0', '1', '2', '3');
      await settle();
      expect(seen).to.deep.equal(['0', '1']);
      expect(transport.isPaused).to.equal(true);
      connection.resume();
      await settle();
      expect(seen).to.deep.equal(['0', '1', '2', '3']);
      expect(transport.counts).to.include({ pauses: 1, resumes: 1 });
    });

    it('followed by resume() in the same listener changes nothing', async () => {
      const { connection, peer, transport } = rawPair('server');
      const seen: Message[] = [];
      connection.on('message', (message) => {
        seen.push(message);
        connection.pause();
        connection.pause();
        connection.resume();
      });
      peer.texts(...numbers(10));
      await settle();
      expect(seen).to.deep.equal(numbers(10));
      expect(transport.isPaused).to.equal(false);
    });

    it('called before the start holds everything back', async () => {
      const { connection, peer } = rawPair('server');
      connection.pause();
      const { messages } = record(connection);
      peer.texts('a');
      await settle();
      expect(messages).to.be.empty;
      connection.resume();
      await settle();
      expect(messages).to.deep.equal(['a']);
    });

    it('called while messages are queued stops their emission', async () => {
      const { connection, peer } = rawPair('server');
      peer.texts(...numbers(4));
      await settle();
      const seen: Message[] = [];
      connection.on('message', (message) => {
        seen.push(message);
        if (seen.length === 2) connection.pause();
      });
      await settle();
      expect(seen).to.deep.equal(['0', '1']);
      connection.resume();
      await settle();
      expect(seen).to.deep.equal(numbers(4));
    });

    it('reads nothing from the peer meanwhile', async () => {
      const { connection, peer, transport } = rawPair('client');
      connection.pause();
      peer.texts('a');
      await settle();
      expect(peer.transport.pendingBytes).to.equal(3);
      expect(transport.isPaused).to.equal(true);
    });

    it('keeps in order what a transport still delivers after it', async () => {
      const { connection, transport } = rawPair('client');
      let deliver!: (chunk: Buffer) => void;
      const start = transport.start.bind(transport);
      transport.start = (handler) => {
        deliver = (chunk) => handler.onData(chunk);
        start(handler);
      };
      const seen: Message[] = [];
      connection.on('message', (message) => {
        seen.push(message);
        if (message === 'a') connection.pause();
      });
      await settle();
      deliver(Buffer.of(0x81, 1, 0x61, 0x81, 1, 0x62, 0x81));
      deliver(Buffer.of(1));
      deliver(Buffer.of(0x63));
      expect(seen).to.deep.equal(['a']);
      connection.resume();
      await settle();
      expect(seen).to.deep.equal(['a', 'b', 'c']);
    });

    it('resume() without pause() does nothing', async () => {
      const { connection, transport } = rawPair('client');
      await settle();
      connection.resume();
      await settle();
      expect(transport.counts).to.include({ pauses: 0, resumes: 0 });
    });
  });

  describe('and ignoreMessages()', () => {
    it('throws messages away, queued ones too, answers pings and sees closes', async () => {
      const { connection, peer } = rawPair('server', { receiveQueueMessages: 2 });
      peer.texts('a', 'b', 'c', 'd');
      await settle();
      connection.ignoreMessages();
      peer.texts('e');
      peer.frame(Opcode.Ping, 'still there?');
      await settle();
      expect(peer.pongs).to.deep.equal(['still there?']);
      peer.close(1000);
      await settle();
      expect(peer.closes).to.deep.equal(['1000']);
      peer.end();
      expect(await connection.closed).to.include({ code: 1000, wasClean: true });
    });

    it('holds nothing back, however much comes', async () => {
      const { server, client, serverTransport } = connectedPair();
      server.ignoreMessages();
      for (let i = 0; i < 3000; i++) void client.send('x'.repeat(1000));
      await settle(40);
      expect(client.bufferedAmount).to.equal(0);
      expect(serverTransport.counts.pauses).to.equal(0);
    });

    it('called twice is as good as once', () => {
      const { connection } = rawPair('server');
      connection.ignoreMessages();
      connection.ignoreMessages();
      expect(connection.state).to.equal('open');
    });
  });

  it('cost no promise for a message, nor does send below the mark', async () => {
    const { server, client } = connectedPair();
    let received = 0;
    server.on('message', (message) => {
      received++;
      void server.send(message);
    });
    client.on('message', () => {});
    void client.send('first');
    await settle();
    let promises = 0;
    const hook = createHook({
      init(_id, type) {
        if (type === 'PROMISE') promises++;
      },
    });
    hook.enable();
    for (let i = 0; i < 100; i++) void client.send('x');
    await settle();
    hook.disable();
    expect(received).to.equal(101);
    // Those of the turns that this test awaits.
    expect(promises).to.be.below(100);
  });

  it('leave no timer but the shared one on an idle connection', async () => {
    const { client, server } = connectedPair();
    const { messages } = record(server);
    const echoes = record(client).messages;
    server.on('message', (message) => server.send(message));
    await client.send('hello');
    await settle();
    await Promise.all([client.ping(), settle()]);
    expect(messages).to.deep.equal(['hello']);
    expect(echoes).to.deep.equal(['hello']);
    expect(clock.countTimers()).to.equal(1);
  });
});
