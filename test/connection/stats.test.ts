import { dial, serve } from 'ants-ws';
import { expect } from 'chai';
import type { ConnectionStats } from '#src/connection/stats.js';
import { connectedPair } from '#src/testing/connected-pair.js';
import { outcome, rawPair, settle } from '../support/connections.js';

const nothing: ConnectionStats = {
  bytesReceived: 0,
  bytesSent: 0,
  framesReceived: 0,
  framesSent: 0,
  messagesReceived: 0,
  messagesSent: 0,
  pingsReceived: 0,
  pingsSent: 0,
  pongsReceived: 0,
  pongsSent: 0,
  droppedMessages: 0,
  queuedMessages: 0,
  queuedBytes: 0,
  bufferedAmount: 0,
  latency: undefined,
};

describe('connection: stats', () => {
  it('begin at nothing', () => {
    expect(rawPair('server').connection.stats).to.deep.equal(nothing);
  });

  it('count both ways', async () => {
    const { client, server } = connectedPair();
    void client.send('four');
    void client.send(Buffer.alloc(200));
    await Promise.all([client.ping(), settle()]);
    const { latency, ...stats } = client.stats;
    expect(latency).to.be.at.least(0);
    // Masked: 2 + 4 + 4, 4 + 4 + 200, and the ping 2 + 4 + 4, whose pong has no mask.
    expect(stats).to.deep.include({ bytesSent: 228, bytesReceived: 6, messagesSent: 2, messagesReceived: 0 });
    expect(stats).to.include({ pingsSent: 1, pongsReceived: 1, pingsReceived: 0, pongsSent: 0 });
    expect(server.stats).to.deep.equal({
      ...nothing,
      bytesReceived: 228,
      bytesSent: 6,
      framesReceived: 3,
      framesSent: 1,
      messagesReceived: 2,
      pingsReceived: 1,
      pongsSent: 1,
      queuedMessages: 2,
      queuedBytes: 4 + 200 + 2 * 64,
    });
    await server.receive();
    expect(server.stats).to.include({ queuedMessages: 1, queuedBytes: 200 + 64 });
    expect(JSON.parse(JSON.stringify(server.stats))).to.include({ messagesReceived: 2 });
  });

  it('count frames, and still have them when the connection has ended', async () => {
    const { client, server } = connectedPair({ server: { fragmentSize: 100 } });
    void server.send('x'.repeat(250));
    void server.send(Buffer.alloc(50));
    void server.sendStream(['a', 'b'], { fragmentSize: 1 });
    await settle();
    expect(server.stats).to.include({ framesSent: 7, framesReceived: 0, messagesSent: 3 });
    expect(client.stats).to.include({ framesSent: 0, framesReceived: 7, messagesReceived: 3 });
    client.terminate();
    await settle();
    expect(server.stats).to.include({ framesSent: 7 });
    expect(client.stats).to.include({ framesReceived: 7 });
  });

  it('tell what waits, and stay when the connection has ended', async () => {
    const { connection, peer } = rawPair('server');
    peer.texts('in');
    void connection.send('x'.repeat(100));
    await settle();
    peer.transport.pause();
    void connection.send('y'.repeat(100));
    await settle();
    expect(connection.stats).to.include({ bytesSent: 102, bufferedAmount: 102, messagesSent: 2 });
    connection.terminate();
    await connection.closed;
    expect(connection.stats).to.include({ bytesSent: 102, messagesSent: 2, messagesReceived: 1 });
  });

  it('do not count what was not taken', async () => {
    const { connection } = rawPair('server');
    void connection.close();
    await outcome(connection.send('late'));
    expect(connection.stats.messagesSent).to.equal(0);
  });
});

describe('server: stats', () => {
  it('add up the open connections and those that ended', async () => {
    const server = await serve({ host: '127.0.0.1', path: '/echo' }, async (conn) => {
      for await (const message of conn) await conn.send(message);
    });
    expect(server.stats).to.deep.equal({ ...nothing, connections: 0, opened: 0, refused: 0 });
    const [first, second] = [await dial(server.url), await dial(server.url)];
    for (const conn of [first, second]) {
      await conn.send('hello');
      await conn.receive();
    }
    await Promise.all([...server.connections].map((conn) => conn.ping()));
    const open = server.stats;
    expect(open).to.include({
      connections: 2,
      opened: 2,
      messagesReceived: 2,
      messagesSent: 2,
      pingsSent: 2,
    });
    expect(open.latency).to.be.above(0);
    await first.close();
    await outcome(dial(server.url, { origin: 'https://elsewhere.example' }));
    const { connections, opened, refused, messagesReceived, messagesSent, bytesReceived } = server.stats;
    expect({ connections, opened, refused, messagesReceived, messagesSent }).to.deep.equal({
      connections: 1,
      opened: 2,
      refused: 1,
      messagesReceived: 2,
      messagesSent: 2,
    });
    expect(bytesReceived).to.be.above(open.bytesReceived);
    await second.close();
    await server.close();
    expect(server.stats.messagesSent).to.equal(2);
  });
});
