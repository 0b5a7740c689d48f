import { type Connection, dial, type Server, serve } from 'ants-ws';
import { expect } from 'chai';
import type { PeerConnection, RunningPeerServer } from './peer.js';
import { clients, servers } from './peers.js';

const MiB = 1024 * 1024;

/** Messages at the edges of the length encodings, and text beyond ASCII. */
const messages: readonly (string | Buffer)[] = [
  '',
  'hello',
  'ünï©ödé 🐜 \u0000 end',
  Buffer.alloc(0),
  Buffer.from([0, 1, 254, 255]),
  'x'.repeat(125),
  'x'.repeat(126),
  Buffer.alloc(127, 7),
  'é'.repeat(32_767),
  Buffer.alloc(65_535, 1),
  Buffer.alloc(65_536, 2),
  'y'.repeat(65_537),
  Buffer.alloc(MiB, 3),
];

for (const client of clients) {
  describe(`interop: ${client.name} as client, our server`, () => {
    let server: Server;
    let ours: Promise<Connection>;
    let peer: PeerConnection;

    beforeEach(async () => {
      let accept: (connection: Connection) => void;
      ours = new Promise((resolve) => {
        accept = resolve;
      });
      server = await serve({ port: 0, host: '127.0.0.1', subprotocols: ['chat'] }, (connection) => {
        accept(connection);
      });
      peer = await client.connect(server.url, ['chat']);
    });

    afterEach(async () => {
      await server.close();
    });

    it('echoes text and binary of every size', async () => {
      const connection = await ours;
      connection.on('message', (message) => void connection.send(message));
      for (const message of messages) {
        peer.send(message);
        expect(await peer.next()).to.deep.equal(message);
      }
    });

    it('agrees on a subprotocol', async () => {
      expect((await ours).subprotocol).to.equal('chat');
      expect(peer.subprotocol).to.equal('chat');
    });

    it('gets a pong', async () => {
      expect(await (await ours).ping('are you there')).to.be.at.least(0);
    });

    it('reads fragmented messages', async () => {
      const fragmented = await serve(
        { port: 0, host: '127.0.0.1', fragmentSize: 1000 },
        async (connection) => {
          for await (const message of connection) await connection.send(message);
        },
      );
      try {
        const other = await client.connect(fragmented.url, []);
        for (const message of ['ü'.repeat(5000), Buffer.alloc(12_345, 9)]) {
          other.send(message);
          expect(await other.next()).to.deep.equal(message);
        }
      } finally {
        await fragmented.close();
      }
    });

    it('closes: the peer first', async () => {
      peer.close(4001, 'that was all');
      const info = await (await ours).closed;
      expect(info).to.include({ code: 4001, reason: 'that was all', wasClean: true });
      expect((await peer.closed).code).to.equal(4001);
    });

    it('closes: we first', async () => {
      const info = await (await ours).close(4002, 'time to go');
      expect(info).to.include({ code: client.answersWith ?? 4002, wasClean: true });
      expect(await peer.closed).to.deep.equal({ code: 4002, reason: 'time to go' });
    });
  });
}

for (const peerServer of servers) {
  describe(`interop: our client, ${peerServer.name} as server`, () => {
    let server: RunningPeerServer;
    let peer: PeerConnection;
    let connection: Connection;

    beforeEach(async () => {
      server = await peerServer.listen();
      const accepted = server.accepted();
      connection = await dial(server.url, { subprotocols: ['chat'] });
      peer = await accepted;
    });

    afterEach(async () => {
      connection.terminate();
      await server.close();
    });

    it('gets its text and binary of every size back', async () => {
      for (const message of messages) {
        await connection.send(message);
        expect(await connection.receive()).to.deep.equal(message);
      }
    });

    it('sends fragmented messages', async () => {
      const fragmenting = await dial(server.url, { fragmentSize: 1000 });
      for (const message of ['ü'.repeat(5000), Buffer.alloc(12_345, 9)]) {
        await fragmenting.send(message);
        expect(await fragmenting.receive()).to.deep.equal(message);
      }
      fragmenting.terminate();
    });

    it('agrees on a subprotocol', () => {
      expect(connection.subprotocol).to.equal('chat');
      expect(peer.subprotocol).to.equal('chat');
    });

    it('gets a pong', async () => {
      expect(await connection.ping()).to.be.at.least(0);
    });

    it('closes: the peer first', async () => {
      peer.close(4001, 'that was all');
      expect(await connection.closed).to.include({ code: 4001, reason: 'that was all', wasClean: true });
    });

    it('closes: we first', async () => {
      const info = await connection.close(4002, 'time to go');
      expect(info).to.include({ code: peerServer.answersWith ?? 4002, wasClean: true });
      expect(await peer.closed).to.deep.equal({ code: 4002, reason: 'time to go' });
    });
  });
}
