import {
  type Connection,
  dial,
  HandshakeError,
  type ServeOptions,
  type Server,
  serve,
  Upgrader,
} from 'ants-ws';
import { expect } from 'chai';
import { Harness, rejection } from './harness.js';
import { RawClient } from './raw-client.js';

describe('server: limits for connections', () => {
  const servers: Server<undefined>[] = [];
  const connections: Connection[] = [];

  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.terminate();
    for (const server of servers.splice(0)) await server.close({ timeout: 0 });
  });

  async function start(options: ServeOptions<undefined>): Promise<Server<undefined>> {
    const server = await serve<undefined>({ host: '127.0.0.1', ...options }, (conn) =>
      conn.on('message', () => {}),
    );
    servers.push(server);
    return server;
  }

  async function connect(server: Server<undefined>, forwarded?: string): Promise<Connection> {
    const connection = await dial(server.url, { headers: { 'X-Forwarded-For': forwarded } });
    connections.push(connection);
    return connection;
  }

  async function refusal(server: Server<undefined>, forwarded?: string): Promise<HandshakeError> {
    const error = await rejection(connect(server, forwarded));
    expect(error).to.be.instanceOf(HandshakeError);
    return error as HandshakeError;
  }

  it('maxConnections: one more is refused with 503 and told when to come again', async () => {
    const server = await start({ maxConnections: 2, retryAfter: 1_500 });
    const first = await connect(server);
    await connect(server);
    const error = await refusal(server);
    expect(error.status).to.equal(503);
    expect(error.headers.get('retry-after')).to.equal('2');
    expect(error.body).to.equal('The server has no room for more.\n');
    expect(server.stats.refused).to.equal(1);

    const ended = new Promise((resolve) => [...server.connections][0]!.once('close', resolve));
    await first.close();
    await ended;
    await connect(server);
    expect((await refusal(server)).status).to.equal(503);
  });

  it('maxConnections counts those that wait for authorize', async () => {
    let accept!: () => void;
    const accepted = new Promise<undefined>((resolve) => {
      accept = () => resolve(undefined);
    });
    const server = await start({ maxConnections: 1, authorize: () => accepted });
    const first = connect(server);
    while ((await fetchStatus(server)) !== 503);
    accept();
    await first;
  });

  /** The status that one more client gets, or none when it has to wait. */
  async function fetchStatus(server: Server<undefined>): Promise<number | undefined> {
    try {
      await dial(server.url, { handshakeTimeout: 20 });
      return 101;
    } catch (error) {
      return (error as HandshakeError).status;
    }
  }

  it('gives the place of a refused request back', async () => {
    const decisions: (Response | undefined)[] = [new Response(null, { status: 401 }), undefined];
    const server = await start({
      maxConnections: 1,
      maxConnectionsPerAddress: 1,
      maxHandshakes: 1,
      authorize: () => decisions.shift(),
    });
    expect((await refusal(server)).status).to.equal(401);
    await connect(server);
  });

  it('maxConnectionsPerAddress: one more is refused with 429, and others are not', async () => {
    const server = await start({ maxConnectionsPerAddress: 1, trustProxy: { hops: 1 } });
    const first = await connect(server, '198.51.100.1');
    await connect(server, '198.51.100.2');
    await connect(server, '2001:db8::1');
    const error = await refusal(server, '198.51.100.1');
    expect(error.status).to.equal(429);
    expect(error.headers.get('retry-after')).to.equal('5');
    expect(error.body).to.match(/from your address/);
    // What a client says itself, to the left of the proxy's word, does not count.
    expect((await refusal(server, '203.0.113.1, 198.51.100.1')).status).to.equal(429);
    expect((await refusal(server, '2001:db8::2:ffff')).status).to.equal(429);

    const there = [...server.connections].find(({ request }) => request.clientAddress === '198.51.100.1')!;
    const ended = new Promise((resolve) => there.once('close', resolve));
    await first.close();
    await ended;
    await connect(server, '198.51.100.1');
  });

  it('does not look at the header when it was not told so', async () => {
    const server = await start({ maxConnectionsPerAddress: 1, retryAfter: Infinity });
    await connect(server, '198.51.100.1');
    const error = await refusal(server, '198.51.100.2');
    expect(error.status).to.equal(429);
    expect(error.headers.has('retry-after')).to.equal(false);
  });

  it('tells authorize and the connection whose address it is', async () => {
    const seen: unknown[] = [];
    const server = await start({
      trustProxy: { addresses: ['127.0.0.1'] },
      authorize: (_request, { clientAddress }) => {
        seen.push(clientAddress);
        return undefined;
      },
    });
    const client = await connect(server, '198.51.100.1');
    await connect(server);
    seen.push(...[...server.connections].map(({ request }) => request.clientAddress));
    expect(seen).to.deep.equal(['198.51.100.1', '127.0.0.1', '198.51.100.1', '127.0.0.1']);
    expect(client.request.clientAddress).to.equal(undefined);
  });

  it('are those of TCP as well, with those who have sent no request yet', async () => {
    const server = await start({ maxConnections: 1, maxHandshakes: 1 });
    const silent = await RawClient.connect({ port: server.port!, host: '127.0.0.1' });
    await connect(server);
    const dropped = await RawClient.connect({ port: server.port!, host: '127.0.0.1' });
    expect(await dropped.ended).to.equal('');
    silent.socket.destroy();
  });

  it('refuses what is no limit', () => {
    for (const name of ['maxConnections', 'maxConnectionsPerAddress', 'maxHandshakes', 'retryAfter']) {
      expect(() => new Upgrader({ [name]: -1 }), name).to.throw(TypeError, name);
    }
  });
});

describe('server: a client that waits for authorize', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(() => harness.stop());

  it('maxHandshakes: one more is refused with 503', async () => {
    const waiting = new Upgrader<undefined>({ maxHandshakes: 1, authorize: () => new Promise(() => {}) });
    const first = await harness.upgrade(waiting);
    const second = await harness.upgrade(waiting);
    expect(await rejection(second.upgraded)).to.have.property('status', 503);
    expect(await second.client.ended).to.match(/^HTTP\/1\.1 503 [\s\S]*\r\nRetry-After: 5\r\n/);
    // Its place is free again when it has left.
    first.client.socket.destroy();
    await rejection(first.upgraded);
    const third = await harness.upgrade(waiting);
    await waiting.close();
    expect(await rejection(third.upgraded))
      .to.have.property('message')
      .that.includes('closed');
  });

  it('and leaves, is noticed, also behind early data', async () => {
    for (const early of ['', 'x', 'x'.repeat(1000)]) {
      const reasons: unknown[] = [];
      const { client, upgraded } = await harness.upgrade<undefined>({
        handshakeTimeout: Infinity,
        authorize: (_request, { signal }) =>
          new Promise(() => {
            signal.addEventListener('abort', () => reasons.push(signal.reason.code));
          }),
      });
      client.socket.end(early);
      expect(await rejection(upgraded)).to.have.property('code', 'ANTS_CONNECT_FAILED');
      expect(reasons).to.deep.equal(['ANTS_CONNECT_FAILED']);
    }
  });

  it('may send early, and nothing of it is lost', async () => {
    const frame = (n: number) =>
      Buffer.concat([Buffer.from('82fe03e800000000', 'hex'), Buffer.alloc(1000, n)]);
    for (const count of [1, 3, 200]) {
      let accept!: () => void;
      const accepted = new Promise<undefined>((resolve) => {
        accept = () => resolve(undefined);
      });
      const { client, socket, upgraded } = await harness.upgrade<undefined>({ authorize: () => accepted });
      for (let n = 0; n < count; n++) client.write(frame(n));
      while (socket.bytesRead < Math.min(count * 1008, 65_536)) await new Promise(setImmediate);
      expect(socket.isPaused()).to.equal(count === 200);
      accept();
      const connection = await upgraded;
      for (let n = 0; n < count; n++) expect(await connection.receive()).to.deep.equal(Buffer.alloc(1000, n));
      connection.terminate();
    }
  });
});
