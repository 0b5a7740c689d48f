import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Connection, Upgrader } from 'ants-ws';
import { expect } from 'chai';
import { Harness, untilClosed } from './harness.js';

/** The ways to say that one looks at the end of a connection. */
const waysToWait: Record<string, (connection: Connection<undefined>) => unknown> = {
  'a listener of close': (connection) => connection.on('close', () => {}),
  closed: (connection) => connection.closed,
  'for await': (connection) => connection[Symbol.asyncIterator]().next().catch(String),
  'receive()': (connection) => connection.receive(),
  'receiveStream()': (connection) => connection.receiveStream().catch(String),
  'consume()': (connection) => connection.consume(() => {}).catch(String),
  'an async handler': (connection) => connection.run(() => new Promise(() => {})),
};

describe("server: the peer's address", () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.stop());

  /** A connection whose peer has reset it, and the port of that peer. */
  async function reset(begin: (connection: Connection<undefined>) => unknown) {
    const { client, socket, upgraded } = await harness.upgrade(new Upgrader());
    const connection = await upgraded;
    begin(connection);
    const port = client.socket.localPort!;
    await client.until('\r\n\r\n');
    client.socket.resetAndDestroy();
    await untilClosed(socket);
    expect(connection.state).to.equal('closed');
    return { connection, port };
  }

  it('is asked of the system when it is looked at, and once', async () => {
    let asked = 0;
    harness.http.once('connection', (socket) => {
      const get = () => {
        asked++;
        return '::ffff:192.0.2.1';
      };
      Object.defineProperty(socket, 'remoteAddress', { get });
    });
    const { upgraded } = await harness.upgrade(new Upgrader());
    const connection = await upgraded;
    connection.on('message', () => {});
    expect(asked).to.equal(0);
    expect(connection.request.clientAddress).to.equal('192.0.2.1');
    expect(connection.remoteAddress?.address).to.equal('::ffff:192.0.2.1');
    expect(connection.request.clientAddress).to.equal('192.0.2.1');
    expect(asked).to.equal(1);
  });

  for (const [way, wait] of Object.entries(waysToWait)) {
    it(`is known after a reset to who waited for the end: ${way}`, async () => {
      const { connection, port } = await reset(wait);
      expect(connection.remoteAddress).to.deep.equal({ address: '127.0.0.1', port, family: 'IPv4' });
      expect(connection.request.clientAddress).to.equal('127.0.0.1');
    });
  }

  for (const name of ['ants:close', 'ants:error']) {
    it(`is known after a reset to who subscribed to ${name}`, async () => {
      const seen: unknown[] = [];
      const listener = (message: unknown) =>
        seen.push((message as { connection: Connection }).connection.remoteAddress?.port);
      subscribe(name, listener);
      try {
        const { port } = await reset(() => {});
        expect(seen).to.deep.equal([port]);
      } finally {
        unsubscribe(name, listener);
      }
    });
  }

  it('is not known after a reset to who never asked', async () => {
    const { connection } = await reset((connection) => connection.on('message', () => {}));
    expect([connection.remoteAddress, connection.request.clientAddress]).to.deep.equal([
      undefined,
      undefined,
    ]);
  });
});
