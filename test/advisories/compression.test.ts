import { constants, deflateRawSync } from 'node:zlib';
import { CloseError, Connection, dial, HandshakeError, LimitError } from 'ants-ws';
import { expect } from 'chai';
import { Opcode } from '#src/protocol/opcode.js';
import { RawServer } from '../client/raw-server.js';
import { agreements } from '../deflate/agreements.js';
import { countWork, takeWork } from '../fuzz/work.js';
import { outcome, type RawPeer, rawPair, roles, until } from '../support/connections.js';
import { upgradeWith } from './upgrading.js';

const MiB = 1024 * 1024;

/** The largest message by default. */
const defaultLimit = { server: MiB, client: 16 * MiB };

/** DEFLATE data of so many zeros; whole blocks, so that a message may have several of them. */
function zeros(size: number): Buffer {
  return deflateRawSync(Buffer.alloc(size), { finishFlush: constants.Z_SYNC_FLUSH });
}

/** The end of a compressed message: an empty block, without what a sender leaves out (RFC 7692 section 7.2.1). */
const end = Buffer.from([0]);

const piece = zeros(16 * MiB);

function deflated(role: 'server' | 'client') {
  return rawPair(role, {}, undefined, agreements()[role]);
}

async function expectTooBig(peer: RawPeer, receiving: Promise<unknown>): Promise<void> {
  await until(() => peer.closes.length > 0);
  expect(peer.closes).to.have.lengthOf(1);
  expect(peer.closes[0]).to.match(/^1009 /);
  peer.end();
  expect(await receiving)
    .to.be.instanceOf(CloseError)
    .with.property('cause')
    .that.is.instanceOf(LimitError)
    .with.property('code', 'ANTS_MESSAGE_TOO_BIG');
}

describe('advisories: compression', () => {
  for (const role of roles) {
    it(`CVE-2026-1526 (undici): a small frame inflated to all of the memory (${role})`, async () => {
      const { peer, connection } = deflated(role);
      const receiving = outcome(connection.receive());
      // 1 GiB, in 1 MB.
      const bomb = peer.encode(
        Opcode.Binary,
        Buffer.concat([...Array<Buffer>(64).fill(piece), end]),
        true,
        true,
      );
      const stop = countWork();
      takeWork();
      peer.raw(bomb);
      await expectTooBig(peer, receiving);
      stop();
      expect(takeWork().allocated).to.be.below(8 * defaultLimit[role] + 4 * bomb.length);
    });

    it(`CVE-2020-27813 (gorilla): the read limit counted what came over the wire alone (${role})`, async () => {
      const limit = defaultLimit[role];
      const { peer, connection } = deflated(role);
      peer.frame(Opcode.Binary, Buffer.concat([zeros(limit), end]), true, true);
      expect(await connection.receive()).to.have.lengthOf(limit);
      const receiving = outcome(connection.receive());
      // Each fragment is within the limit, and all of them are less than a hundredth of it on the wire.
      const payloads = [zeros(limit / 2), zeros(limit / 2), Buffer.concat([zeros(1), end])];
      expect(Buffer.concat(payloads).length).to.be.below(limit / 100);
      for (const [i, payload] of payloads.entries()) {
        peer.frame(i === 0 ? Opcode.Binary : Opcode.Continuation, payload, i === 2, i === 0);
      }
      await expectTooBig(peer, receiving);
    });
  }

  const wrongBits = [
    '0',
    '7',
    '16',
    '-1',
    '08',
    '15.0',
    '1e1',
    '0x0f',
    '99999999999999999999',
    '"7"',
    '""',
    'NaN',
  ];
  for (const direction of ['server', 'client']) {
    it(`CVE-2026-2229 (undici): ${direction}_max_window_bits outside of 8 to 15 threw where nobody could catch it`, async () => {
      const answer = (bits: string) =>
        `Sec-WebSocket-Extensions: permessage-deflate; ${direction}_max_window_bits=${bits}`;
      const server = await RawServer.start();
      for (const bits of wrongBits) {
        const dialling = outcome(dial(server.url, { compression: true }));
        // With a message that is to be inflated.
        await server.accept([answer(bits)], Buffer.from([0xc2, 2, 3, 0]));
        expect(await dialling, bits)
          .to.be.instanceOf(HandshakeError)
          .with.property('code', 'ANTS_HANDSHAKE_INVALID');
      }
      for (const bits of ['9', '15']) {
        const dialling = dial(server.url, { compression: true });
        await server.accept([answer(bits)], Buffer.from([0xc2, 2, 3, 0]));
        const connection = await dialling;
        expect(await connection.receive(), bits).to.deep.equal(Buffer.alloc(0));
        connection.terminate();
      }
      await server.stop();
    });

    it(`CVE-2026-2229 (undici): an offer with such a ${direction}_max_window_bits is declined`, async () => {
      for (const bits of wrongBits.filter((value) => value !== '""')) {
        const headers = {
          'Sec-WebSocket-Extensions': `permessage-deflate; ${direction}_max_window_bits=${bits}`,
        };
        const connection = await upgradeWith(headers, { compression: true });
        expect(connection, bits).to.be.instanceOf(Connection).with.property('extensions', '');
        (connection as Connection).terminate();
      }
    });
  }
});
