import { type Connection, dial, prepare, serve } from 'ants-ws';
import { expect } from 'chai';
import sinon from 'sinon';
import type { ConnectionOptions } from '#src/connection/options.js';
import { PreparedMessage } from '#src/connection/prepared-message.js';
import { broadcast } from '#src/server/broadcast.js';
import { agreements } from '../deflate/agreements.js';
import { rawPair, settle, until } from '../support/connections.js';

const line = 'a line that everybody gets. '.repeat(50);

/** A server's connection that has agreed on compression, with a raw peer. */
function member(options: ConnectionOptions = {}, windowBits = 15) {
  return rawPair('server', options, undefined, agreements({}, { windowBits }).server);
}

describe('broadcast', () => {
  afterEach(() => sinon.restore());

  it('compresses once for each size of window, and sends the same bytes', async () => {
    const made = sinon.spy(PreparedMessage.prototype, 'deflated');
    const members = [member(), member({}, 10), member(), member({}, 10), member()];
    const plain = rawPair('server');
    const all = [...members, plain];
    expect(
      broadcast(
        all.map(({ connection }) => connection),
        line,
        {},
        {},
      ),
    ).to.equal(6);
    await until(() => all.every(({ peer }) => peer.frames.length === 1));
    expect(members.every(({ peer }) => peer.frames[0]!.rsv1)).to.equal(true);
    expect(plain.peer.messages).to.deep.equal([line]);
    const results = await Promise.all(made.returnValues);
    expect(results).to.have.lengthOf(5);
    expect(new Set(results).size).to.equal(2);
    for (const { connection } of all) connection.terminate();
  });

  it('leaves out who is not open, and whom the filter does not want; nothing is compressed for them', async () => {
    const made = sinon.spy(PreparedMessage.prototype, 'deflated');
    const members = [member(), member(), member()];
    void members[1]!.connection.close();
    const asked: Connection[] = [];
    const filter = (connection: Connection): boolean => {
      asked.push(connection);
      return connection !== members[2]!.connection;
    };
    const connections = members.map(({ connection }) => connection);
    expect(broadcast(connections, line, { filter }, {})).to.equal(1);
    expect(asked).to.deep.equal([connections[0], connections[2]]);
    expect(made.callCount).to.equal(1);
    await until(() => members[0]!.peer.frames.length === 1);
    expect(members[2]!.peer.frames).to.deep.equal([]);
    for (const connection of connections) connection.terminate();
  });

  it("drops for the slow with 'drop', before anything is compressed for them", async () => {
    const made = sinon.spy(PreparedMessage.prototype, 'deflated');
    const slow = Array.from({ length: 5 }, () => member({ highWaterMark: 1_000 }));
    for (const { connection, peer } of slow) {
      peer.transport.incoming.stall(0);
      void connection.send(Buffer.alloc(5_000), { compress: false });
    }
    await settle();
    const connections = slow.map(({ connection }) => connection);
    expect(broadcast(connections, line, { whenSlow: 'drop' }, {})).to.equal(5);
    expect(made.callCount).to.equal(0);
    for (const { connection } of slow) expect(connection.stats.droppedMessages).to.equal(1);
    const fast = member();
    broadcast([...connections, fast.connection], line, { whenSlow: 'drop' }, {});
    expect(made.callCount).to.equal(1);
    await until(() => fast.peer.frames.length === 1);
    for (const { connection, peer } of slow) {
      peer.transport.incoming.resume();
      await until(() => peer.frames.length === 1);
      connection.terminate();
    }
    fast.connection.terminate();
  });

  it('takes bytes, what was prepared, and whether to compress', async () => {
    const one = member();
    const send = (
      ...args: [Parameters<typeof broadcast>[1], { compress?: boolean }?, { threshold?: number }?]
    ) => broadcast([one.connection], args[0], args[1] ?? {}, args[2] ?? {});
    send('short');
    send('short', { compress: true });
    send('short', {}, { threshold: 5 });
    send(new Uint8Array([1, 2]));
    send(line, { compress: false });
    send(prepare('prepared'));
    send(prepare(line), { compress: false });
    await until(() => one.peer.frames.length === 7);
    expect(one.peer.frames.map(({ opcode, rsv1 }) => [opcode, rsv1 === true])).to.deep.equal([
      [1, false],
      [1, true],
      [1, true],
      [2, false],
      [1, false],
      [1, false],
      [1, false],
    ]);
    one.connection.terminate();
  });

  it('over sockets: with what the server and its clients agreed on, and from its threshold on', async () => {
    const server = await serve(
      { port: 0, host: '127.0.0.1', compression: { threshold: 20, level: 1 } },
      (conn) => {
        conn.on('message', () => {});
      },
    );
    const url = server.url;
    const clients = await Promise.all([
      dial(url, { compression: true }),
      dial(url, { compression: { peerWindowBits: 9, peerContextTakeover: false } }),
      dial(url),
    ]);
    expect(clients.map(({ extensions }) => extensions)).to.deep.equal([
      'permessage-deflate',
      'permessage-deflate; server_no_context_takeover; server_max_window_bits=9',
      '',
    ]);
    await until(() => server.connections.size === 3);
    const text = 'ha, '.repeat(20);
    for (const message of [text, Buffer.from(text), text, 'short']) {
      expect(server.broadcast(message)).to.equal(3);
      for (const client of clients) expect(await client.receive()).to.deep.equal(message);
    }
    for (const connection of server.connections) await connection.send(text);
    for (const client of clients) expect(await client.receive()).to.equal(text);
    const [first, , third] = clients;
    expect(first!.stats.bytesReceived).to.be.below(third!.stats.bytesReceived);
    await server.close();
  });
});
