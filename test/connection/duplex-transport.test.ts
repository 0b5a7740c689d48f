import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { expect } from 'chai';
import { Connection } from '#src/connection/connection.js';
import { DuplexTransport } from '#src/connection/duplex-transport.js';
import type { Role } from '#src/connection/options.js';
import { HandshakeRequest } from '#src/connection/request.js';
import type { TransportHandler } from '#src/connection/transport.js';
import { isLent } from '#src/protocol/lent-memory.js';
import { AcceptedTransport } from '#src/server/accepted-transport.js';
import { outcome, settle } from '../support/connections.js';
import { socketPair } from '../support/sockets.js';

/** Notes what a transport tells. */
class Log implements TransportHandler {
  readonly chunks: Buffer[] = [];
  readonly calls: string[] = [];
  error: Error | undefined;
  readonly ended: Promise<void>;
  readonly closed: Promise<void>;
  #end!: () => void;
  #close!: () => void;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  onData(chunk: Buffer): void {
    this.chunks.push(isLent(chunk) ? Buffer.from(chunk) : chunk);
    this.calls.push('data');
  }

  onEnd(): void {
    this.calls.push('end');
    this.#end();
  }

  onClose(error: Error | undefined): void {
    this.calls.push('close');
    this.error = error;
    this.#close();
  }
}

/** Two streams, of which each reads what the other writes, by reference. */
function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, callback) {
        other().push(chunk);
        callback();
      },
      final(callback) {
        other().push(null);
        callback();
      },
    });
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}

/** Waits for `close`, whatever else comes. */
function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

function connection(role: Role, transport: DuplexTransport): Connection {
  return new Connection({
    role,
    transport,
    subprotocol: undefined,
    request: new HandshakeRequest('/', []),
    data: undefined,
    options: {},
  });
}

describe('DuplexTransport', () => {
  const ways: Record<string, (socket: Socket) => DuplexTransport> = {
    'over sockets': (socket) => new DuplexTransport(socket),
    'over sockets, read into a shared block': (socket) => new AcceptedTransport(socket),
  };
  for (const [name, make] of Object.entries(ways))
    describe(name, () => {
      let listener: Server;
      let client: Socket;
      let server: Socket;

      beforeEach(async () => {
        ({ client, accepted: server, listener } = await socketPair());
      });

      afterEach(() => {
        client.destroy();
        server.destroy();
        listener.close();
      });

      it('moves bytes, and says that they have left', async () => {
        const transport = make(server);
        const log = new Log();
        transport.start(log);
        const data = once(client, 'data');
        const written = (): void => expect.fail('the system had taken all at once');
        expect(transport.writeMany([Buffer.from('one '), Buffer.from('two')], written)).to.equal(true);
        expect(transport.pendingBytes).to.equal(0);
        expect(String((await data)[0])).to.equal('one two');
        client.end('back');
        await log.ended;
        expect(log.text).to.equal('back');
        expect(log.calls).to.deep.equal(['data', 'end']);
      });

      it('tells later of bytes that the system does not take at once, in order', async () => {
        const transport = make(server);
        transport.start(new Log());
        client.pause();
        const told: number[] = [];
        const piece = Buffer.alloc(256 * 1024);
        let count = 0;
        const all = new Promise<void>((resolve) => {
          // Until the system's buffers are full, and some more.
          for (let waiting = 0; waiting < 3; count++) {
            const number = count;
            const written = (): void => {
              told.push(number);
              waiting--;
              if (waiting === 0) resolve();
            };
            const pieces = [piece.subarray(0, 10), piece.subarray(10)];
            const hasLeft =
              count % 2 === 0 ? transport.write(piece, written) : transport.writeMany(pieces, written);
            if (!hasLeft) waiting++;
            expect(told).to.be.empty;
          }
        });
        expect(transport.pendingBytes).to.be.above(0);
        let received = 0;
        client.on('data', (bytes: Buffer) => {
          received += bytes.length;
        });
        client.resume();
        await all;
        expect(told).to.deep.equal([count - 3, count - 2, count - 1]);
        expect(transport.pendingBytes).to.equal(0);
        server.end();
        await once(client, 'end');
        expect(received).to.equal(count * piece.length);
      });

      it('does not say that bytes have left when the socket is gone', async () => {
        const transport = make(server);
        server.destroy();
        const error = await new Promise((resolve) => {
          expect(transport.write(Buffer.from('x'), resolve)).to.equal(false);
        });
        expect(error).to.be.an('error');
      });

      it('has one listener of each event that it needs', async () => {
        const before = server.eventNames().map((name) => [name, server.listenerCount(name)]);
        const transport = make(server);
        transport.start(new Log());
        const counts = Object.fromEntries(
          server.eventNames().map((name) => [name, server.listenerCount(name)]),
        );
        for (const [name, count] of before) counts[String(name)] -= Number(count);
        expect(counts).to.deep.equal({ error: 1, close: 1, end: 1, data: 1 });
      });

      it('stays half open for an answer to the end, as a client too', async () => {
        for (const [near, far] of [
          [client, server],
          [server, client],
        ] as const) {
          if (near.destroyed) continue;
          const transport = make(near);
          const log = new Log();
          transport.start(log);
          expect(near.allowHalfOpen).to.equal(true);
          far.allowHalfOpen = true;
          far.end();
          await log.ended;
          await settle();
          const data = once(far, 'data');
          const written = (): void => expect.fail('the system had taken it at once');
          expect(transport.write(Buffer.from('late'), written)).to.equal(true);
          expect(String((await data)[0])).to.equal('late');
          const end = once(far, 'end');
          transport.end();
          await Promise.all([end, log.closed]);
          expect(log.calls).to.deep.equal(['end', 'close']);
          expect(log.error).to.equal(undefined);
        }
      });

      it('tells of a reset as the cause', async () => {
        const log = new Log();
        make(server).start(log);
        client.resetAndDestroy();
        await log.closed;
        expect(log.error).to.have.property('code', 'ECONNRESET');
        expect(log.calls).to.deep.equal(['close']);
      });

      it('keeps an error from before the start for onClose', async () => {
        const transport = make(server);
        client.resetAndDestroy();
        await closed(server.resume());
        const log = new Log();
        transport.start(log);
        expect(log.calls).to.be.empty;
        await log.closed;
        expect(log.error).to.have.property('code', 'ECONNRESET');
      });

      it('tells of a stream that was closed before it was made', async () => {
        server.destroy();
        await once(server, 'close');
        const transport = make(server);
        expect([transport.remoteAddress, transport.localAddress]).to.deep.equal([undefined, undefined]);
        const log = new Log();
        transport.start(log);
        await log.closed;
        expect(log.calls).to.deep.equal(['close']);
        expect(log.error).to.equal(undefined);
      });

      it('tells of a stream that was destroyed and has not said so', async () => {
        const transport = make(server);
        server.destroy(new Error('mine'));
        const log = new Log();
        transport.start(log);
        await log.closed;
        expect(log.error).to.have.property('message', 'mine');
        expect(log.calls).to.deep.equal(['close']);
      });

      it('pauses and goes on, also before the start', async () => {
        const transport = make(server);
        transport.pause();
        const log = new Log();
        transport.start(log);
        await new Promise((resolve) => client.write('hello', resolve));
        await settle(20);
        expect(log.calls).to.be.empty;
        transport.resume();
        client.end();
        await log.ended;
        expect(log.text).to.equal('hello');
      });

      it('takes a stream over that somebody had paused', async () => {
        server.pause();
        const log = new Log();
        make(server).start(log);
        client.end('hello');
        await log.ended;
        expect(log.text).to.equal('hello');
      });

      it('tells of an end that came before the start', async () => {
        // Half open, as the sockets of an HTTP server are, and read by whoever had it before.
        server.allowHalfOpen = true;
        server.read(0);
        client.end();
        await once(server, 'end');
        const log = new Log();
        make(server).start(log);
        await log.ended;
        expect(log.calls).to.deep.equal(['end']);
      });

      it('knows the addresses, also after the end when they were looked at before', async () => {
        const transport = make(client);
        const { port } = listener.address() as { port: number };
        const log = new Log();
        transport.start(log);
        const local = { address: '127.0.0.1', port: client.localPort, family: 'IPv4' };
        const remote = { address: '127.0.0.1', port, family: 'IPv4' };
        expect([transport.localAddress, transport.remoteAddress]).to.deep.equal([local, remote]);
        transport.destroy();
        await log.closed;
        expect([transport.localAddress, transport.remoteAddress]).to.deep.equal([local, remote]);
      });

      describe('the memory of a chunk', () => {
        // Not in Node 20.
        const canFree = 'transfer' in ArrayBuffer.prototype;

        /** Sends so many bytes, and looks at the chunks when they have been handed over. */
        async function lengthsAfter(size: number, handler: { isDoneWithChunk?: boolean }): Promise<number[]> {
          const log = Object.assign(new Log(), handler);
          new DuplexTransport(server).start(log);
          client.end(Buffer.alloc(size));
          await log.ended;
          return log.chunks.map(({ length }) => length);
        }

        const sum = (lengths: number[]) => lengths.reduce((a, b) => a + b, 0);

        it('is freed when its reader is done with it', async () => {
          const lengths = await lengthsAfter(16 * 1024, { isDoneWithChunk: true });
          expect(Math.max(...lengths)).to.equal(canFree ? 0 : 16 * 1024);
        });

        it('is left to the collector when it is small', async () => {
          expect(await lengthsAfter(511, { isDoneWithChunk: true })).to.deep.equal([511]);
        });

        it('is freed from 512 bytes on', async () => {
          expect(await lengthsAfter(512, { isDoneWithChunk: true })).to.deep.equal([canFree ? 0 : 512]);
        });

        it('is left alone when its reader keeps something of it', async () => {
          expect(sum(await lengthsAfter(16 * 1024, { isDoneWithChunk: false }))).to.equal(16 * 1024);
        });

        it('is left alone when its reader does not say', async () => {
          expect(sum(await lengthsAfter(16 * 1024, {}))).to.equal(16 * 1024);
        });

        it('is left alone when somebody else listens, who may keep it', async () => {
          const seen: Buffer[] = [];
          server.on('data', (chunk: Buffer) => seen.push(chunk));
          await lengthsAfter(16 * 1024, { isDoneWithChunk: true });
          expect(sum(seen.map(({ length }) => length))).to.equal(16 * 1024);
        });
      });

      it('does not know its own address after the end when nobody asked before', async () => {
        const transport = make(client);
        const log = new Log();
        transport.start(log);
        transport.destroy();
        await log.closed;
        expect(transport.localAddress).to.equal(undefined);
      });

      it('fails writes after the end of the socket', async () => {
        const transport = make(server);
        const log = new Log();
        transport.start(log);
        transport.destroy();
        const error = await new Promise((resolve) => transport.write(Buffer.from('x'), resolve));
        expect(error).to.be.instanceOf(Error);
        await log.closed;
      });

      it('switches off the idle timeout and the delay of small writes', () => {
        const calls: unknown[] = [];
        server.setTimeout(1000);
        server.setNoDelay = (on) => {
          calls.push(on);
          return server;
        };
        make(server);
        expect(calls).to.deep.equal([true]);
        expect(server.timeout).to.equal(0);
      });

      it('carries connections: large data both ways, then the closing handshake', async () => {
        const a = connection('client', make(client));
        const b = connection('server', make(server));
        b.on('message', (message) => b.send(message));
        expect(a.remoteAddress?.port).to.equal(b.localAddress?.port);
        expect(a.localAddress).to.deep.equal(b.remoteAddress);
        const messages = ['x'.repeat(500_000), Buffer.alloc(900_000, 7), '', 'y'.repeat(200_000)];
        for (const message of messages) void a.send(message);
        for (const message of messages) expect(await a.receive()).to.deep.equal(message);
        const infos = await Promise.all([a.close(4000, 'done'), b.closed]);
        expect(infos.map(({ code, wasClean }) => [code, wasClean])).to.deep.equal([
          [4000, true],
          [4000, true],
        ]);
        expect([client.destroyed, server.destroyed]).to.deep.equal([true, true]);
      });

      it('carries a connection whose peer closes and ends at once, behind a queue that nobody read yet', async () => {
        const a = connection('client', make(client));
        const seen: Buffer[] = [];
        server.allowHalfOpen = true;
        server.on('data', (chunk) => seen.push(chunk));
        // Text "a", Close 1000, and FIN.
        server.end(Buffer.of(0x81, 1, 0x61, 0x88, 2, 3, 232));
        await once(client, 'end');
        expect(await a.receive()).to.equal('a');
        const error = await outcome(a.receive());
        expect(error).to.include({ closeCode: 1000, wasClean: true });
        // Our masked Close came back.
        if (!server.readableEnded) await once(server, 'end');
        expect(Buffer.concat(seen)).to.have.lengthOf(8);
      });

      it('tells a connection of a reset in the middle of a message', async () => {
        const a = connection('client', make(client));
        const got = once(client, 'data');
        server.write(Buffer.of(0x81, 5, 0x61));
        await got;
        server.resetAndDestroy();
        const { code, error } = await a.closed;
        expect(code).to.equal(1006);
        expect(error?.cause).to.have.property('code', 'ECONNRESET');
      });
    });

  describe('over other streams', () => {
    /** A stream that never tells that it is closed. */
    function quiet(): Duplex {
      return new Duplex({
        emitClose: false,
        read() {},
        write(_chunk, _encoding, callback) {
          callback();
        },
        final(callback) {
          callback();
        },
      });
    }

    for (const [name, end] of [
      ['destroyed by us', (_stream, transport) => transport.destroy()],
      ['that fails', (stream) => stream.destroy(new Error('lost'))],
      [
        'that ends on both sides',
        (stream, transport) => {
          stream.push(null);
          transport.end();
        },
      ],
    ] as const satisfies readonly [string, (stream: Duplex, transport: DuplexTransport) => void][]) {
      it(`tells once that a stream ${name} is closed, which does not say so itself`, async () => {
        const stream = quiet();
        const transport = new DuplexTransport(stream);
        const log = new Log();
        transport.start(log);
        (end as (stream: Duplex, transport: DuplexTransport) => void)(stream, transport);
        await log.closed;
        await settle();
        expect(log.calls.filter((call) => call === 'close')).to.deep.equal(['close']);
        expect(log.error?.message).to.equal(name === 'that fails' ? 'lost' : undefined);
      });
    }

    it('waits for a stream that takes its time to close', async () => {
      let close!: () => void;
      const stream = new Duplex({
        emitClose: false,
        read() {},
        write() {},
        destroy(error, callback) {
          close = () => callback(error);
        },
      });
      const transport = new DuplexTransport(stream);
      const log = new Log();
      transport.start(log);
      transport.destroy();
      await settle();
      expect(log.calls).to.be.empty;
      close();
      // The timer that looks keeps nothing alive.
      const alive = setInterval(() => {}, 1000);
      await log.closed;
      clearInterval(alive);
      expect(log.calls).to.deep.equal(['close']);
    });

    it('copies what it writes and what it reads, as such streams pass memory on', async () => {
      const [near, far] = duplexPair();
      const transport = new DuplexTransport(near);
      const log = new Log();
      transport.start(log);
      const data = Buffer.from('out');
      const arrived = once(far, 'data');
      await new Promise((resolve) => transport.write(data, resolve));
      data.fill('x');
      expect(String((await arrived)[0])).to.equal('out');

      const theirs = Buffer.from('in');
      far.write(theirs);
      await settle();
      expect(log.text).to.equal('in');
      log.chunks[0]!.fill('x');
      expect(String(theirs)).to.equal('in');
    });

    it('has no addresses', () => {
      const transport = new DuplexTransport(new PassThrough());
      expect([transport.remoteAddress, transport.localAddress]).to.deep.equal([undefined, undefined]);
    });

    it('ends in order and closes', async () => {
      const [near, far] = duplexPair();
      const log = new Log();
      const transport = new DuplexTransport(near);
      transport.start(log);
      far.resume();
      transport.end();
      far.end('last words');
      await log.closed;
      expect(log.text).to.equal('last words');
      expect(log.calls).to.deep.equal(['data', 'end', 'close']);
    });

    it('listens to errors from the first moment on', async () => {
      const [near] = duplexPair();
      const transport = new DuplexTransport(near);
      near.destroy(new Error('early'));
      near.emit('error', new Error('again'));
      await closed(near);
      const log = new Log();
      transport.start(log);
      await log.closed;
      expect(log.error?.message).to.be.oneOf(['early', 'again']);
    });

    it('carries connections', async () => {
      const [near, far] = duplexPair();
      const a = connection('client', new DuplexTransport(near));
      const b = connection('server', new DuplexTransport(far));
      b.on('message', (message) => b.send(message));
      const data = Buffer.alloc(200_000, 1);
      void a.send(data);
      expect(await a.receive()).to.deep.equal(data);
      void a.send('hello');
      expect(await a.receive()).to.equal('hello');
      const infos = await Promise.all([b.close(), a.closed]);
      expect(infos.map(({ code, wasClean }) => [code, wasClean])).to.deep.equal([
        [1000, true],
        [1000, true],
      ]);
    });

    it('that throw when written to harm no other connection', async () => {
      const broken = new PassThrough();
      broken.write = () => {
        throw new Error('broken stream');
      };
      const [near, far] = duplexPair();
      const a = connection('server', new DuplexTransport(broken));
      const b = connection('server', new DuplexTransport(near));
      const data = once(far, 'data');
      const failures: unknown[] = [];
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.on('uncaughtException', (error) => failures.push(error.message));
      void a.send('x');
      void b.send('y');
      await data;
      await settle();
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
      expect(failures).to.deep.equal(['broken stream']);
      a.terminate();
      b.terminate();
      await Promise.all([a.closed, b.closed]);
    });
  });
});
