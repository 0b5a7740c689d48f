import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import {
  type AddressInfo,
  connect,
  type NetConnectOpts,
  Server,
  Socket,
  type SocketConstructorOpts,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { expect } from 'chai';
import sinon from 'sinon';
import type { Connection } from '#src/connection/connection.js';
import { DuplexTransport } from '#src/connection/duplex-transport.js';
import { readHooks } from '#src/connection/read-block.js';
import { frameHeaderSize, writeFrame } from '#src/protocol/frame-encoder.js';
import type { Message } from '#src/protocol/message-assembler.js';
import { Opcode } from '#src/protocol/opcode.js';
import { AcceptedTransport, canReadInto } from '#src/server/accepted-transport.js';
import { probeReads } from '#src/server/read-probe.js';
import { serve } from '#src/server/serve.js';
import { proveSharedReads, readsVariable } from '#src/server/shared-reads.js';
import { Upgrader } from '#src/server/upgrader.js';
import { tls } from '../fixtures/tls.js';
import { takeStrays, watchStrays } from '../fuzz/strays.js';
import { settle } from '../support/connections.js';
import { socketPair } from '../support/sockets.js';
import { formatRequest } from './raw-client.js';

// Before every test of the whole run: each server of it reads so from its first connection on.
before(() => proveSharedReads());

/** Whether this run is one with the documented part of Node alone. */
const isOff = process.env[readsVariable] === 'documented';

/** A masked frame. */
function frame(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const opcode = typeof payload === 'string' ? Opcode.Text : Opcode.Binary;
  const frame = Buffer.alloc(frameHeaderSize(bytes.length, true) + bytes.length);
  writeFrame(frame, 0, { opcode, fin: true, rsv1: false }, bytes, 0x12345678);
  return frame;
}

/** How many reads into the shared block there are while `work` runs; only reads of servers when clients are raw sockets. */
async function countReads(work: () => Promise<unknown>): Promise<number> {
  const { afterRead } = readHooks;
  let count = 0;
  readHooks.afterRead = (block) => {
    count++;
    afterRead?.(block);
  };
  try {
    await work();
  } finally {
    readHooks.afterRead = afterRead;
  }
  return count;
}

/** Opens a connection by hand, and waits for the answer. */
async function open(options: NetConnectOpts, secure = false): Promise<Socket> {
  const client = secure
    ? connectTls({ ...options, ca: tls.cert, servername: 'localhost' })
    : connect(options);
  client.on('error', () => {});
  await once(client, secure ? 'secureConnect' : 'connect');
  client.write(formatRequest());
  await once(client, 'data');
  return client;
}

describe('server: reads into a shared block', () => {
  describe('the probe', () => {
    let undo: () => void;

    before(() => {
      undo = watchStrays();
    });

    after(() => undo());

    afterEach(() => sinon.restore());

    it('finds them to work in this version of Node, and leaves nothing behind', async () => {
      const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
      const before = sockets();
      expect(await probeReads()).to.equal(true);
      await settle();
      expect(sockets()).to.deep.equal(before);
    });

    /** What may go wrong: how a version of Node may differ from those that are known. */
    const faults: Record<string, () => unknown> = {
      'bytes are others': () => {
        const original = AcceptedTransport.prototype.streamRead;
        sinon.stub(AcceptedTransport.prototype, 'streamRead').callsFake(function (
          this: AcceptedTransport,
          n,
          b,
        ) {
          b[0]! ^= 1;
          original.call(this, n, b);
        });
      },
      'bytes are missing': () => {
        const original = AcceptedTransport.prototype.streamRead;
        sinon.stub(AcceptedTransport.prototype, 'streamRead').callsFake(function (
          this: AcceptedTransport,
          n,
          b,
        ) {
          original.call(this, Math.ceil(n / 2), b);
        });
      },
      'bytes come twice': () => {
        const original = AcceptedTransport.prototype.streamRead;
        sinon.stub(AcceptedTransport.prototype, 'streamRead').callsFake(function (
          this: AcceptedTransport,
          n,
          b,
        ) {
          original.call(this, n, b);
          original.call(this, n, b);
        });
      },
      'memory of its own is not read into': () =>
        sinon.stub(AcceptedTransport.prototype, 'nextBlock').returns(undefined),
      'the stream reads as ever': () =>
        sinon.stub(AcceptedTransport.prototype, 'start').callsFake(DuplexTransport.prototype.start),
      'pause() does nothing': () => sinon.stub(AcceptedTransport.prototype, 'pause'),
      'resume() does nothing': () => sinon.stub(AcceptedTransport.prototype, 'resume'),
      'the end is not told': () => sinon.stub(AcceptedTransport.prototype, 'streamEnd'),
      'the end closes both ways': () =>
        sinon.stub(AcceptedTransport.prototype, 'streamEnd').callsFake(function (this: AcceptedTransport) {
          this.destroy();
        }),
      'an answer does not leave': () => sinon.stub(AcceptedTransport.prototype, 'write'),
      'the close is not told': () => sinon.stub(AcceptedTransport.prototype, 'streamClose'),
      'it throws': () => sinon.stub(AcceptedTransport.prototype, 'start').throws(new Error('other slots')),
      'it throws at the end': () => sinon.stub(AcceptedTransport.prototype, 'end').throws(new Error('no')),
      'nobody may listen': () =>
        sinon.stub(Server.prototype, 'listen').callsFake(function (this: Server) {
          process.nextTick(() => this.emit('error', new Error('not permitted')));
          return this;
        }),
      'nobody is told what has left': () => {
        const { write } = Socket.prototype;
        sinon.stub(Socket.prototype, 'write').callsFake(function (this: Socket, chunk) {
          return write.call(this, chunk as Buffer);
        });
      },
    };
    for (const [name, break_] of Object.entries(faults)) {
      it(`notices when ${name}`, async () => {
        break_();
        // Where it would wait for ever.
        const control = new AbortController();
        const deadline = setTimeout(() => control.abort(), 100);
        expect(await probeReads(control.signal)).to.equal(false);
        clearTimeout(deadline);
        // What it was still waiting for must reach nobody: a stray rejection would end the process.
        control.abort();
        await settle();
        expect(takeStrays()).to.deep.equal([]);
      });
    }

    it('does not run when the environment says so', () => {
      const url = import.meta.resolve('#src/server/shared-reads.js');
      const code = `import { proveSharedReads } from '${url}'; console.log(await proveSharedReads(), await proveSharedReads())`;
      const run = (value: string) =>
        spawnSync(process.execPath, ['--input-type=module', '-e', code], {
          encoding: 'utf8',
          env: { ...process.env, [readsVariable]: value },
        }).stdout;
      expect(run('documented')).to.equal('false false\n');
      expect(run('')).to.equal('true true\n');
    });
  });

  describe('are for sockets', () => {
    let listener: Server;
    let client: Socket;
    let socket: Socket;

    beforeEach(async () => {
      ({ client, accepted: socket, listener } = await socketPair());
    });

    afterEach(() => {
      client.destroy();
      socket.destroy();
      listener.close();
    });

    it('that were accepted', () => {
      expect(canReadInto(socket)).to.equal(true);
    });

    it('once', () => {
      new AcceptedTransport(socket).start({ onData() {}, onEnd() {}, onClose() {} });
      expect(canReadInto(socket)).to.equal(false);
    });

    it('that nobody else reads', () => {
      for (const event of ['data', 'readable']) {
        const listen = (): void => {};
        socket.on(event, listen);
        expect(canReadInto(socket), event).to.equal(false);
        socket.off(event, listen);
      }
    });

    it('that are there', () => {
      socket.destroy();
      expect(canReadInto(socket)).to.equal(false);
    });

    it('and nothing else', () => {
      class Mine extends Socket {}
      const onread = { buffer: Buffer.alloc(1), callback: () => true };
      for (const other of [
        new Mine(),
        new TLSSocket(new Socket()),
        new Socket(),
        new Socket({ onread } as SocketConstructorOpts),
        new PassThrough(),
      ]) {
        expect(canReadInto(other), other.constructor.name).to.equal(false);
      }
    });

    it('whose inside is as it was in the probe', () => {
      const handle = (socket as unknown as { _handle: { useUserBuffer?: unknown } })._handle;
      handle.useUserBuffer = undefined;
      expect(canReadInto(socket)).to.equal(false);
      delete handle.useUserBuffer;
      expect(canReadInto(socket)).to.equal(true);
    });
  });

  describe('are used', () => {
    /** Serves an echo, asks it, and returns how many reads into the block that took. */
    async function readsOf(options: Parameters<typeof serve>[0], where?: NetConnectOpts): Promise<number> {
      const server = await serve({ ...options }, (conn) => {
        conn.on('message', (message) => conn.send(message));
      });
      const secure = options.tls !== undefined;
      const client = await open(where ?? { port: server.port!, host: '127.0.0.1' }, secure);
      const reads = await countReads(async () => {
        client.write(frame('hello'));
        const [answer] = await once(client, 'data');
        expect(String(answer).slice(2)).to.equal('hello');
      });
      client.destroy();
      await server.close();
      return reads;
    }

    const expected = isOff ? 0 : 1;

    it('by default', async () => {
      expect(await readsOf({ host: '127.0.0.1' })).to.equal(expected);
    });

    it('at unix sockets', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'ants-'));
      const path = join(folder, 'socket');
      expect(await readsOf({ socketPath: path }, { path })).to.equal(expected);
      await rm(folder, { recursive: true });
    });

    it('not with TLS', async () => {
      expect(await readsOf({ host: '127.0.0.1', tls })).to.equal(0);
    });

    it('not when the option says so', async () => {
      expect(await readsOf({ host: '127.0.0.1', sharedReads: false })).to.equal(0);
    });

    it('not where somebody listens to the bytes, who sees all of them', async () => {
      const http = createHttpServer().listen(0, '127.0.0.1');
      await once(http, 'listening');
      let bytes = 0;
      http.on('connection', (socket: Socket) => {
        socket.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
      });
      const address = http.address() as AddressInfo;
      expect(await readsOf({ server: http }, { port: address.port, host: address.address })).to.equal(0);
      expect(bytes).to.equal(formatRequest().length + frame('hello').length);
      http.close();
    });

    it('with values that are true or false only', () => {
      expect(() => new Upgrader({ sharedReads: 'no' as never })).to.throw(TypeError, /^sharedReads must be/);
    });
  });

  it('keep the order of what came before the connection was there', async () => {
    const http = createHttpServer().listen(0, '127.0.0.1');
    await once(http, 'listening');
    let decide!: () => void;
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const got: Message[] = [];
    const server = await serve({ server: http, authorize: () => decided }, async (conn) => {
      for await (const message of conn) got.push(message);
    });
    const client = connect((http.address() as AddressInfo).port, '127.0.0.1');
    // With the request, while it is undecided, and cut in the middle; then the rest.
    const large = Buffer.alloc(300_000, 'l');
    const late = frame(large);
    client.write(Buffer.concat([Buffer.from(formatRequest()), frame('with the request')]));
    const upgrade = once(http, 'upgrade');
    await upgrade;
    await new Promise((resolve) => client.write(frame('undecided'), resolve));
    await new Promise((resolve) => client.write(late.subarray(0, 20_000), resolve));
    await settle();
    decide();
    await once(client, 'data');
    client.write(late.subarray(20_000));
    client.end(Buffer.concat([frame('last'), Buffer.of(0x88, 0x80, 0, 0, 0, 0)]));
    await once(client.resume(), 'close');
    await server.close();
    http.close();
    expect(got).to.deep.equal(['with the request', 'undecided', large, 'last']);
  });

  it('bring a large message into memory of its own', async () => {
    const message = Buffer.alloc(1024 * 1024, 'm');
    let got: Message | undefined;
    const server = await serve({ host: '127.0.0.1' }, (conn) => {
      conn.on('message', (it) => {
        got = it;
        conn.close();
      });
    });
    const client = await open({ port: server.port!, host: '127.0.0.1' });
    const reads = await countReads(async () => {
      const closed = once(client, 'data');
      client.write(frame(message));
      await closed;
    });
    client.destroy();
    await server.close();
    expect(got).to.deep.equal(message);
    // Its beginning, and what is left when a read of its own does not pay; all of it would be 16.
    expect(reads).to.be.within(isOff ? 0 : 1, isOff ? 0 : 7);
  });

  describe('change nothing of', () => {
    /** Lets a server live with and without them; what was seen must be the same. */
    async function compare(
      live: (
        http: HttpServer,
        sharedReads: boolean,
        note: (what: string, value?: unknown) => void,
      ) => Promise<void>,
    ): Promise<unknown[]> {
      const seen: Record<string, unknown[]> = {};
      for (const sharedReads of [false, true]) {
        const http = createHttpServer().listen(0, '127.0.0.1');
        await once(http, 'listening');
        const notes: unknown[] = [];
        await live(http, sharedReads, (what, value) => notes.push([what, value]));
        http.close();
        seen[String(sharedReads)] = notes;
      }
      expect(seen['true']).to.deep.equal(seen['false']);
      return seen['true']!;
    }

    /** A connection over an HTTP server: the client's socket, the server's, and the connection. */
    async function meet(http: HttpServer, sharedReads: boolean): Promise<[Socket, Socket, Connection]> {
      const upgrader = new Upgrader({ sharedReads });
      const connected = once(http, 'connection');
      const opened = new Promise<Connection>((resolve) => {
        http.once('upgrade', upgrader.handler(resolve));
      });
      const client = await open({ port: (http.address() as AddressInfo).port, host: '127.0.0.1' });
      const [socket] = (await connected) as [Socket];
      const connection = await opened;
      await settle();
      return [client, socket, connection];
    }

    const count = (http: HttpServer): Promise<number> =>
      new Promise((resolve) => http.getConnections((_error, connections) => resolve(connections)));

    it('the count of connections, and of close()', async () => {
      await compare(async (http, sharedReads, note) => {
        const [client, socket, connection] = await meet(http, sharedReads);
        note('connections', await count(http));
        let isClosed = false;
        const closed = new Promise<void>((resolve) => {
          http.close(() => {
            isClosed = true;
            resolve();
          });
        });
        http.closeIdleConnections();
        http.closeAllConnections();
        await settle();
        note('closed', isClosed);
        note('destroyed', socket.destroyed);
        client.write(frame('still there'));
        if (!socket.destroyed) note('message', await connection.receive());
        client.destroy();
        await closed;
        note('connections', await count(http).catch(() => 'gone'));
        await connection.closed;
      });
    });

    for (const [name, leave] of Object.entries({
      'in order': (client: Socket) => client.end(),
      'with a Close frame': (client: Socket) => client.end(Buffer.of(0x88, 0x80, 0, 0, 0, 0)),
      'by a reset': (client: Socket) => client.resetAndDestroy(),
      'in the middle of a frame': (client: Socket) => client.end(frame('cut').subarray(0, 7)),
    })) {
      it(`the events of the socket when the peer goes ${name}`, async () => {
        const notes = await compare(async (http, sharedReads, note) => {
          const [client, socket, connection] = await meet(http, sharedReads);
          for (const event of ['end', 'error', 'timeout', 'close'] as const) {
            socket.on(event, (it?: unknown) => note(event, it instanceof Error ? it.message : it));
          }
          const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
          note('from', socket.remoteAddress);
          client.write(frame('one'));
          note('message', await connection.receive());
          note('bytes', socket.bytesRead);
          leave(client);
          const { code, wasClean } = await connection.closed;
          await gone;
          note('closed', [code, wasClean]);
          note('bytes', socket.bytesRead);
          client.destroy();
        });
        expect(notes.length).to.be.above(6);
      });
    }

    it('timeouts that somebody sets', async () => {
      const notes = await compare(async (http, sharedReads, note) => {
        const [client, socket, connection] = await meet(http, sharedReads);
        socket.setTimeout(20);
        await once(socket, 'timeout');
        note('timeout');
        connection.terminate();
        await connection.closed;
        client.destroy();
      });
      expect(notes).to.have.lengthOf(1);
    });

    it('a connection that is half open, or paused', async () => {
      const notes = await compare(async (http, sharedReads, note) => {
        const [client, socket, connection] = await meet(http, sharedReads);
        client.allowHalfOpen = true;
        connection.pause();
        const messages = 200;
        const bytes = frame(Buffer.alloc(64 * 1024));
        for (let i = 0; i < messages; i++) client.write(bytes);
        client.end();
        await settle(50);
        const before = socket.bytesRead;
        await settle(50);
        note('reads while paused', socket.bytesRead - before);
        note('has read all', before >= messages * bytes.length);
        connection.resume();
        let count = 0;
        connection.on('message', () => {
          count++;
          if (count === messages) void connection.send('goodbye');
        });
        await connection.closed;
        note('messages', count);
        note('bytes', socket.bytesRead > messages * bytes.length);
        client.destroy();
      });
      expect(notes).to.deep.include(['reads while paused', 0]);
      expect(notes).to.deep.include(['has read all', false]);
      expect(notes).to.deep.include(['messages', 200]);
    });
  });
});
