import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import fc from 'fast-check';
import { describeEvent, type Role } from '../vectors/frame-vector.js';
import { type Manner, type Outcome, replay } from '../vectors/replay.js';
import { runs } from './settings.js';
import { encode, masking, traffic } from './traffic.js';

const role: fc.Arbitrary<Role> = fc.constantFrom('client', 'server');

/** Pieces of all sizes, and whether every callback pauses. */
const manner: fc.Arbitrary<Manner> = fc.record({
  pieces: fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 })), {
    maxLength: 60,
  }),
  pausing: fc.boolean(),
});

/** Tight limits, so that wild bytes meet them. */
const limits = { maxMessageSize: 5000, maxFragments: 4 };

/** A frame as a careless or hostile peer writes it: every field is likely right, and may be anything. */
function wildFrame(masked: boolean): fc.Arbitrary<Buffer> {
  return fc
    .record({
      first: fc.oneof(
        {
          weight: 19,
          arbitrary: fc.constantFrom(0x81, 0x82, 0x01, 0x02, 0, 0, 0, 0, 0x80, 0x89, 0x8a, 0x88),
        },
        { weight: 1, arbitrary: fc.nat(255) },
      ),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 130 }),
        fc.string({ unit: 'binary', maxLength: 60 }).map((text) => Buffer.from(text)),
        fc.tuple(fc.integer({ min: 990, max: 5010 }), fc.string()).map(([code, reason]) => {
          return Buffer.concat([Buffer.of(code >> 8, code), Buffer.from(reason)]);
        }),
      ),
      wrongLength: fc.option(
        fc.constantFrom(0, 125, 126, 300, 5000, 5001, 65535, 2 ** 32, 2 ** 53, 2 ** 63),
        {
          freq: 9,
        },
      ),
      wrongForm: fc.option(fc.constantFrom(126, 127), { freq: 19 }),
    })
    .map(({ first, payload, wrongLength, wrongForm }) => {
      const length = wrongLength ?? payload.length;
      const form = wrongForm ?? (length < 126 ? length : length < 65536 ? 126 : 127);
      // The key stays 0, so that the payload means the same with and without a mask.
      const header = Buffer.alloc(14);
      header[0] = first;
      header[1] = form | (masked ? 0x80 : 0);
      let size = 2;
      if (form === 126) size = header.writeUInt16BE(length & 0xffff, 2);
      if (form === 127) size = header.writeBigUInt64BE(BigInt(length), 2);
      return Buffer.concat([header.subarray(0, masked ? size + 4 : size), payload]);
    });
}

const wildBytes: fc.Arbitrary<{ bytes: Buffer; role: Role }> = role.chain((reader) =>
  fc.record({
    role: fc.constant(reader),
    bytes: fc.oneof(
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
      {
        weight: 6,
        arbitrary: fc
          .array(wildFrame(reader === 'server'), { maxLength: 14 })
          .map((frames) => Buffer.concat(frames)),
      },
    ),
  }),
);

/** Valid traffic with some bytes changed, taken out or put in. */
const mutatedTraffic = fc
  .tuple(
    traffic,
    masking,
    fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255), remove: fc.nat(2), insert: fc.nat(2) }), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([{ frames }, keys, mutations]) => {
    let bytes = encode(frames, keys);
    for (const { at, byte, remove, insert } of mutations) {
      const start = at % (bytes.length + 1);
      const added = Buffer.alloc(insert, byte);
      bytes = Buffer.concat([bytes.subarray(0, start), added, bytes.subarray(start + remove)]);
    }
    return { bytes, role: keys === undefined ? ('client' as const) : ('server' as const) };
  });

describe('frames, for all inputs', () => {
  it('what is encoded is read back, in any pieces, with any pauses', () => {
    fc.assert(
      fc.property(traffic, masking, manner, ({ frames, events }, keys, how) => {
        const outcome = replay(encode(frames, keys), keys === undefined ? 'client' : 'server', {}, how);
        expect(outcome.failure).to.equal(undefined);
        expect(outcome.midMessage).to.equal(false);
        expect(outcome.events).to.deep.equal(events.map(describeEvent));
      }),
      runs(1000),
    );
  });

  it('wild bytes make nothing but errors of the protocol, the same in any pieces, and keep little', () => {
    fc.assert(
      fc.property(wildBytes, manner, ({ bytes, role: reader }, how) => {
        expectSameHoweverCut(bytes, reader, how);
      }),
      runs(4000),
    );
  });

  it('mutated traffic likewise', () => {
    fc.assert(
      fc.property(mutatedTraffic, manner, ({ bytes, role: reader }, how) => {
        expectSameHoweverCut(bytes, reader, how);
      }),
      runs(2000),
    );
  });
});

/** `replay` throws on whatever is neither a ProtocolError nor a LimitError. */
function expectSameHoweverCut(bytes: Buffer, reader: Role, how: Manner): void {
  const whole = replay(bytes, reader, limits);
  const cut = replay(bytes, reader, limits, how);
  expect(essence(cut)).to.deep.equal(essence(whole));
  expect(cut.mostRetained).to.be.at.most(limits.maxMessageSize);
  expect(whole.mostRetained).to.be.at.most(limits.maxMessageSize);
}

function essence({ events, failure, midMessage }: Outcome): object {
  return { events, failure, midMessage: failure === undefined && midMessage };
}
