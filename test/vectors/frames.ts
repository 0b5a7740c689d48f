import { binary, close, type FrameVector, ping, pong, text, type VectorFailure } from './frame-vector.js';
import { frame } from './notation.js';
import { utf8Vectors } from './utf8.js';

/*
 * What an end of a connection must make of bytes. To add a vector, add a row; `frames.test.ts` replays all of them whole, in
 * two pieces cut at every place, byte by byte, with pauses, and (unless `role` is given) unmasked for a client and masked
 * for a server.
 *
 *   name        what is special
 *   bytes       hex; 'text' as UTF-8; x*n repeats. The reader must fail at the byte in front of `|`, not sooner and not
 *               later; without a `|`, at the last one. Frames are written unmasked, unless there is a `role`.
 *   events      everything that is delivered, in order; nothing if left out
 *   failure     how the reader fails behind these events; it must not if left out
 *   unfinished  true when the bytes end within a frame or a message
 *   role        the reader's role, for rules that differ: then the bytes are given to it as they are written
 *   options     maxMessageSize (1 MiB), maxFragments (1024), allowRsv1 (false)
 */

const reservedBits: VectorFailure = { code: 'ANTS_RESERVED_BITS', closeCode: 1002 };
const reservedOpcode: VectorFailure = { code: 'ANTS_RESERVED_OPCODE', closeCode: 1002 };
const fragmentedControl: VectorFailure = { code: 'ANTS_FRAGMENTED_CONTROL', closeCode: 1002 };
const controlTooLong: VectorFailure = { code: 'ANTS_CONTROL_TOO_LONG', closeCode: 1002 };
const unexpectedContinuation: VectorFailure = { code: 'ANTS_UNEXPECTED_CONTINUATION', closeCode: 1002 };
const expectedContinuation: VectorFailure = { code: 'ANTS_EXPECTED_CONTINUATION', closeCode: 1002 };
const maskRequired: VectorFailure = { code: 'ANTS_MASK_REQUIRED', closeCode: 1002 };
const maskForbidden: VectorFailure = { code: 'ANTS_MASK_FORBIDDEN', closeCode: 1002 };
const notMinimal: VectorFailure = { code: 'ANTS_LENGTH_NOT_MINIMAL', closeCode: 1002 };
const highBit: VectorFailure = { code: 'ANTS_LENGTH_HIGH_BIT', closeCode: 1002 };
const tooBig: VectorFailure = { code: 'ANTS_MESSAGE_TOO_BIG', closeCode: 1009 };
const tooManyFragments: VectorFailure = { code: 'ANTS_TOO_MANY_FRAGMENTS', closeCode: 1009 };
const invalidUtf8: VectorFailure = { code: 'ANTS_INVALID_UTF8', closeCode: 1007 };
const closePayload: VectorFailure = { code: 'ANTS_INVALID_CLOSE_PAYLOAD', closeCode: 1002 };
const closeCode: VectorFailure = { code: 'ANTS_INVALID_CLOSE_CODE', closeCode: 1002 };
const closeReason: VectorFailure = { code: 'ANTS_INVALID_CLOSE_REASON', closeCode: 1007 };

/** The table, by the section of RFC 6455 that a vector is about. */
const table: { readonly [section: string]: readonly FrameVector[] } = {
  '5.7 examples': [
    { name: 'a text frame', bytes: '81 05 48656c6c6f', events: [text('Hello')] },
    {
      name: 'a masked text frame',
      role: 'server',
      bytes: '81 85 37fa213d 7f9f4d5158',
      events: [text('Hello')],
    },
    { name: 'a fragmented text message', bytes: "01 03 'Hel' 80 02 'lo'", events: [text('Hello')] },
    { name: 'a ping', bytes: '89 05 48656c6c6f', events: [ping("'Hello'")] },
    {
      name: 'a masked pong',
      role: 'server',
      bytes: '8a 85 37fa213d 7f9f4d5158',
      events: [pong("'Hello'")],
    },
    { name: '256 bytes of binary', bytes: '82 7e 0100 00*256', events: [binary('00*256')] },
    { name: '64 KiB of binary', bytes: '82 7f 0000000000010000 00*65536', events: [binary('00*65536')] },
  ],

  '5.2 reserved bits': [
    ...[0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70].flatMap((bits) => [
      { name: `${hex(bits)} on a text frame`, bytes: `${hex(0x81 | bits)}| 00`, failure: reservedBits },
      { name: `${hex(bits)} on a binary frame`, bytes: `${hex(0x82 | bits)}| 00`, failure: reservedBits },
      { name: `${hex(bits)} on a first fragment`, bytes: `${hex(0x01 | bits)}| 00`, failure: reservedBits },
      { name: `${hex(bits)} on a ping`, bytes: `${hex(0x89 | bits)}| 00`, failure: reservedBits },
      { name: `${hex(bits)} on a pong`, bytes: `${hex(0x8a | bits)}| 00`, failure: reservedBits },
      { name: `${hex(bits)} on a close`, bytes: `${hex(0x88 | bits)}| 00`, failure: reservedBits },
      {
        name: `${hex(bits)} on a continuation`,
        bytes: `01 00 ${hex(0x80 | bits)}| 00`,
        failure: reservedBits,
      },
    ]),
    ...[0x10, 0x20, 0x30, 0x50, 0x60, 0x70].map((bits) => ({
      name: `${hex(bits)} although RSV1 was agreed`,
      options: { allowRsv1: true },
      bytes: `${hex(0x81 | bits)}| 00`,
      failure: reservedBits,
    })),
    {
      name: 'RSV1 where agreed: text',
      options: { allowRsv1: true },
      bytes: "c1 01 'a'",
      events: [text('a')],
    },
    {
      name: 'RSV1 where agreed: binary, first fragment only',
      options: { allowRsv1: true },
      bytes: "42 01 'a' 80 01 'b'",
      events: [binary("'ab'")],
    },
    {
      name: 'RSV1 where agreed: not needed',
      options: { allowRsv1: true },
      bytes: "81 01 'a'",
      events: [text('a')],
    },
    {
      name: 'RSV1 where agreed: not on a continuation (RFC 7692 section 6)',
      options: { allowRsv1: true },
      bytes: "41 01 'a' c0| 01 'b'",
      failure: reservedBits,
    },
    ...[0xc8, 0xc9, 0xca].map((first) => ({
      name: `RSV1 where agreed: not on the control frame ${hex(first)}`,
      options: { allowRsv1: true },
      bytes: `${hex(first)}| 00`,
      failure: reservedBits,
    })),
  ],

  '5.2 reserved opcodes': [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf].flatMap((opcode) => [
    { name: hex(opcode), bytes: `${hex(0x80 | opcode)}| 00`, failure: reservedOpcode },
    { name: `${hex(opcode)} without FIN`, bytes: `${hex(opcode)}| 00`, failure: reservedOpcode },
    {
      name: `${hex(opcode)} within a message`,
      bytes: `01 01 'a' ${hex(0x80 | opcode)}| 00`,
      failure: reservedOpcode,
    },
  ]),

  '5.2 lengths': [
    { name: '0, text', bytes: '81 00', events: [text('')] },
    { name: '0, binary', bytes: '82 00', events: [binary('')] },
    { name: '1, text', bytes: "81 01 'a'", events: [text('a')] },
    { name: '1, binary', bytes: '82 01 ff', events: [binary('ff')] },
    { name: '63', bytes: '82 3f c3*63', events: [binary('c3*63')] },
    { name: '64', bytes: '82 40 c3*64', events: [binary('c3*64')] },
    { name: '65', bytes: '82 41 c3*65', events: [binary('c3*65')] },
    { name: '124', bytes: '82 7c c3*124', events: [binary('c3*124')] },
    { name: '125', bytes: '82 7d c3*125', events: [binary('c3*125')] },
    { name: '126', bytes: '82 7e 007e c3*126', events: [binary('c3*126')] },
    { name: '127', bytes: '82 7e 007f c3*127', events: [binary('c3*127')] },
    { name: '127, text', bytes: "81 7e 007f 'a'*127", events: [text('a'.repeat(127))] },
    { name: '65,535', bytes: '82 7e ffff c3*65535', events: [binary('c3*65535')] },
    { name: '65,536', bytes: '82 7f 0000000000010000 c3*65536', events: [binary('c3*65536')] },
    {
      name: '65,536, text',
      bytes: "81 7f 0000000000010000 'b'*65536",
      events: [text('b'.repeat(65536))],
    },
    { name: '0 in 16 bits', bytes: '81 7e 0000|', failure: notMinimal },
    { name: '125 in 16 bits', bytes: '81 7e 007d| 00*125', failure: notMinimal },
    { name: '0 in 64 bits', bytes: '81 7f 0000000000000000|', failure: notMinimal },
    { name: '125 in 64 bits', bytes: '81 7f 000000000000007d|', failure: notMinimal },
    { name: '126 in 64 bits', bytes: '82 7f 000000000000007e|', failure: notMinimal },
    { name: '65,535 in 64 bits', bytes: '82 7f 000000000000ffff| 00*9', failure: notMinimal },
    {
      name: '65,535 in 64 bits, of a continuation',
      bytes: '02 00 80 7f 000000000000ffff|',
      failure: notMinimal,
    },
    { name: '2^63, high bit set', bytes: '82 7f 8000000000000000|', failure: highBit },
    { name: '2^63 + 1, high bit set', bytes: "82 7f 8000000000000001| 'a'", failure: highBit },
    { name: '2^64 - 1, high bit set', bytes: '82 7f ffffffffffffffff|', failure: highBit },
    { name: '2^63 - 1', bytes: '82 7f 7fffffffffffffff|', failure: tooBig },
    { name: '2^53 + 1', bytes: '82 7f 0020000000000001|', failure: tooBig },
    { name: '2^53', bytes: '82 7f 0020000000000000|', failure: tooBig },
    {
      name: '2^53, whatever the options say',
      options: { maxMessageSize: Infinity },
      bytes: '82 7f 0020000000000000|',
      failure: tooBig,
    },
    { name: '2^53 - 1', bytes: '82 7f 001fffffffffffff|', failure: tooBig },
    {
      name: '2^53 - 1, allowed, never comes',
      options: { maxMessageSize: Infinity },
      bytes: "82 7f 001fffffffffffff 'abc'",
      unfinished: true,
    },
    {
      name: '2^52, allowed, never comes',
      options: { maxMessageSize: 2 ** 52 },
      bytes: "81 7f 0010000000000000 'abc'",
      unfinished: true,
    },
    { name: '2^32', bytes: '82 7f 0000000100000000|', failure: tooBig },
    { name: '2^32 - 1', bytes: '82 7f 00000000ffffffff|', failure: tooBig },
  ],

  '5.1 masks': [
    { name: 'none, to a server', role: 'server', bytes: "81 01| 'a'", failure: maskRequired },
    { name: 'none, to a server, empty text', role: 'server', bytes: '81 00|', failure: maskRequired },
    { name: 'none, to a server, ping', role: 'server', bytes: '89 00|', failure: maskRequired },
    { name: 'none, to a server, close', role: 'server', bytes: '88 02| 03e8', failure: maskRequired },
    { name: 'none, to a server, 16-bit length', role: 'server', bytes: '82 7e| 0100', failure: maskRequired },
    {
      name: 'none, to a server, on the second fragment',
      role: 'server',
      bytes: "01 81 00000000 'a' 80 01| 'b'",
      failure: maskRequired,
    },
    { name: 'one, to a client', role: 'client', bytes: "81 81| 00000000 'a'", failure: maskForbidden },
    {
      name: 'one, to a client, empty text',
      role: 'client',
      bytes: '81 80| 00000000',
      failure: maskForbidden,
    },
    { name: 'one, to a client, ping', role: 'client', bytes: '89 80| 00000000', failure: maskForbidden },
    {
      name: 'one, to a client, close',
      role: 'client',
      bytes: '88 82| 00000000 03e8',
      failure: maskForbidden,
    },
    { name: 'one, to a client, 64-bit length', role: 'client', bytes: '82 ff|', failure: maskForbidden },
    {
      name: 'one, to a client, on the second fragment',
      role: 'client',
      bytes: "01 01 'a' 80 81| 00000000 'b'",
      failure: maskForbidden,
    },
    { name: 'of zeros', role: 'server', bytes: "81 85 00000000 'Hello'", events: [text('Hello')] },
    { name: 'of ones', role: 'server', bytes: '82 85 ffffffff 0001fe7f80', events: [binary('fffe01807f')] },
    {
      name: 'an empty frame has one too',
      role: 'server',
      bytes: "81 80 37fa213d 81 81 00000000 'a'",
      events: [text(''), text('a')],
    },
    {
      name: 'each frame its own',
      role: 'server',
      bytes: '01 82 01020304 6066 80 83 10203040 735d76 89 81 55000000 33',
      events: [text('adc}F'), ping("'f'")],
    },
  ],

  '5.4 fragmentation': [
    { name: 'text in three', bytes: "01 01 'a' 00 02 'bc' 80 01 'd'", events: [text('abcd')] },
    { name: 'binary in two', bytes: '02 01 00 80 01 ff', events: [binary('00ff')] },
    {
      name: 'binary in long parts',
      bytes: '02 7e 0200 01*512 00 7e 0400 02*1024 80 7e 0100 03*256',
      events: [binary('01*512 02*1024 03*256')],
    },
    {
      name: 'message by message',
      bytes: "01 01 'a' 80 01 'b' 82 01 'c' 02 01 'd' 80 01 'e' 81 01 'f'",
      events: [text('ab'), binary("'c'"), binary("'de'"), text('f')],
    },
    {
      name: 'bytes that are not UTF-8 are fine in binary fragments',
      bytes: '02 02 ffc0 80 01 80',
      events: [binary('ffc080')],
    },
    {
      name: 'a binary message between texts is not checked',
      bytes: "01 01 'a' 80 01 'b' 02 01 c0 80 01 ff 01 01 'c' 80 01 'd'",
      events: [text('ab'), binary('c0ff'), text('cd')],
    },
    { name: 'text, both parts empty', bytes: '01 00 80 00', events: [text('')] },
    { name: 'binary, all parts empty', bytes: '02 00 00 00 00 00 80 00', events: [binary('')] },
    { name: 'empty first part', bytes: "01 00 80 01 'a'", events: [text('a')] },
    { name: 'empty middle part', bytes: "02 01 'a' 00 00 80 01 'b'", events: [binary("'ab'")] },
    { name: 'empty last part', bytes: "01 01 'a' 80 00", events: [text('a')] },
    {
      name: 'an empty message next to others',
      bytes: "81 00 81 01 'a' 82 00",
      events: [text(''), text('a'), binary('')],
    },
    {
      name: 'a ping between parts',
      bytes: "01 01 'a' 89 02 'hi' 80 01 'b'",
      events: [ping("'hi'"), text('ab')],
    },
    {
      name: 'an empty pong between parts',
      bytes: "02 01 'a' 8a 00 80 01 'b'",
      events: [pong(''), binary("'ab'")],
    },
    {
      name: 'many control frames between empty parts',
      bytes: '01 00 89 00 8a 00 00 00 89 7d 00*125 8a 01 ff 80 00',
      events: [ping(''), pong(''), ping('00*125'), pong('ff'), text('')],
    },
    {
      name: 'a ping within a character',
      bytes: '01 02 e282 89 01 ac 80 01 ac',
      events: [ping('ac'), text('€')],
    },
    {
      name: 'a close between parts',
      bytes: "01 01 'a' 88 02 03e8",
      events: [close(1000, '')],
      unfinished: true,
    },
    { name: 'a continuation of nothing', bytes: "80| 01 'a'", failure: unexpectedContinuation },
    { name: 'a continuation of nothing, without FIN', bytes: '00| 00', failure: unexpectedContinuation },
    {
      name: 'a continuation of a complete message',
      bytes: "81 01 'a' 80| 01 'b'",
      events: [text('a')],
      failure: unexpectedContinuation,
    },
    {
      name: 'a continuation of a complete fragmented message',
      bytes: "02 01 'a' 80 01 'b' 00| 01 'c'",
      events: [binary("'ab'")],
      failure: unexpectedContinuation,
    },
    {
      name: 'a continuation of a ping',
      bytes: '89 00 80| 00',
      events: [ping('')],
      failure: unexpectedContinuation,
    },
    { name: 'text within text', bytes: "01 01 'a' 81| 01 'b'", failure: expectedContinuation },
    { name: 'text within binary', bytes: "02 01 'a' 01| 01 'b'", failure: expectedContinuation },
    { name: 'binary within text', bytes: "01 01 'a' 00 01 'b' 82| 00", failure: expectedContinuation },
    { name: 'binary within an empty binary', bytes: '02 00 02| 00', failure: expectedContinuation },
    {
      name: 'text within text, behind a ping',
      bytes: "01 01 'a' 89 00 81| 01 'b'",
      events: [ping('')],
      failure: expectedContinuation,
    },
  ],

  '5.4 maxMessageSize': [
    {
      name: 'reached by a frame',
      options: { maxMessageSize: 3 },
      bytes: "81 03 'abc'",
      events: [text('abc')],
    },
    { name: 'passed by a frame', options: { maxMessageSize: 3 }, bytes: "81 04| 'abcd'", failure: tooBig },
    {
      name: 'reached by fragments',
      options: { maxMessageSize: 3 },
      bytes: "01 02 'ab' 00 01 'c' 80 00",
      events: [text('abc')],
    },
    {
      name: 'passed by fragments',
      options: { maxMessageSize: 3 },
      bytes: "01 02 'ab' 00 01 'c' 80 01| 'd'",
      failure: tooBig,
    },
    {
      name: 'passed by what a fragment announces',
      options: { maxMessageSize: 1000 },
      bytes: "02 01 'a' 00 7e 03e8| 'b'",
      failure: tooBig,
    },
    {
      name: 'counted anew for each message',
      options: { maxMessageSize: 2 },
      bytes: "81 02 'ab' 02 01 'c' 80 01 'd' 01 02 'ef' 80 00 82 02 'gh'",
      events: [text('ab'), binary("'cd'"), text('ef'), binary("'gh'")],
    },
    {
      name: 'control frames are not counted',
      options: { maxMessageSize: 2 },
      bytes: "01 01 'a' 89 03 'abc' 80 01 'b' 8a 03 'abc' 88 05 03e8 'bye'",
      events: [ping("'abc'"), text('ab'), pong("'abc'"), close(1000, 'bye')],
    },
    {
      name: '0 allows empty messages',
      options: { maxMessageSize: 0 },
      bytes: '81 00 02 00 80 00',
      events: [text(''), binary('')],
    },
    { name: '0 allows no byte', options: { maxMessageSize: 0 }, bytes: '82 01| 00', failure: tooBig },
    {
      name: '16 MiB in a frame',
      options: { maxMessageSize: 16 * 1024 * 1024 },
      bytes: '82 7f 0000000001000000 a5*16777216',
      events: [binary('a5*16777216')],
    },
    {
      name: '16 MiB of text in 256 fragments',
      options: { maxMessageSize: 16 * 1024 * 1024 },
      bytes: fragments(256, "'0123456789abcdef'*4096"),
      events: [text('0123456789abcdef'.repeat(1024 * 1024))],
    },
    {
      name: '16 MiB and 1 byte',
      options: { maxMessageSize: 16 * 1024 * 1024 },
      bytes: "82 7f 0000000001000001| 'a'",
      failure: tooBig,
    },
  ],

  '5.4 maxFragments': [
    {
      name: 'reached',
      options: { maxFragments: 3 },
      bytes: "01 01 'a' 00 01 'b' 80 01 'c'",
      events: [text('abc')],
    },
    {
      name: 'passed',
      options: { maxFragments: 3 },
      bytes: "01 01 'a' 00 01 'b' 00 01 'c' 80 01| 'd'",
      failure: tooManyFragments,
    },
    {
      name: 'passed by empty fragments',
      options: { maxFragments: 3 },
      bytes: '01 00 00 00 00 00 00 00|',
      failure: tooManyFragments,
    },
    {
      name: 'counted anew for each message',
      options: { maxFragments: 2 },
      bytes: "01 01 'a' 80 01 'b' 81 00 81 00 02 00 80 01 'c' 01 00 80 00",
      events: [text('ab'), text(''), text(''), binary("'c'"), text('')],
    },
    {
      name: 'control frames are not counted',
      options: { maxFragments: 2 },
      bytes: "01 01 'a' 89 00 8a 00 89 00 80 01 'b'",
      events: [ping(''), pong(''), ping(''), text('ab')],
    },
    {
      name: '65,536 fragments',
      options: { maxFragments: 65536 },
      bytes: fragments(65536, "'a'"),
      events: [text('a'.repeat(65536))],
    },
    {
      name: '65,537 fragments',
      options: { maxFragments: 65536 },
      bytes: `02 00 ${'00 00 '.repeat(65535)} 80 00|`,
      failure: tooManyFragments,
    },
  ],

  '5.5 control frames': [
    { name: 'a close without FIN', bytes: '08| 00', failure: fragmentedControl },
    { name: 'a ping without FIN', bytes: "09| 01 'a'", failure: fragmentedControl },
    { name: 'a pong without FIN', bytes: '0a| 00', failure: fragmentedControl },
    { name: 'a ping without FIN, within a message', bytes: "01 01 'a' 09| 00", failure: fragmentedControl },
    ...[0x88, 0x89, 0x8a].flatMap((first) => [
      { name: `126 bytes, ${hex(first)}`, bytes: `${hex(first)} 7e| 007e 00*126`, failure: controlTooLong },
      {
        name: `65,536 bytes, ${hex(first)}`,
        bytes: `${hex(first)} 7f| 0000000000010000`,
        failure: controlTooLong,
      },
    ]),
    {
      name: '126 bytes, within a message',
      bytes: "01 01 'a' 89 7e| 007e",
      failure: controlTooLong,
    },
  ],

  '5.5.2 pings and 5.5.3 pongs': [
    { name: 'a ping, empty', bytes: '89 00', events: [ping('')] },
    { name: 'a ping, 1 byte', bytes: '89 01 ff', events: [ping('ff')] },
    { name: 'a ping, not UTF-8', bytes: '89 04 00c0ff80', events: [ping('00c0ff80')] },
    { name: 'a ping, 64 bytes', bytes: '89 40 a7*64', events: [ping('a7*64')] },
    { name: 'a ping, 65 bytes', bytes: '89 41 a7*65', events: [ping('a7*65')] },
    { name: 'a ping, 125 bytes', bytes: '89 7d a7*125', events: [ping('a7*125')] },
    { name: 'a pong, empty', bytes: '8a 00', events: [pong('')] },
    { name: 'a pong, 125 bytes', bytes: '8a 7d a7*125', events: [pong('a7*125')] },
    {
      name: 'one after the other, longer and shorter',
      bytes: "89 03 'abc' 89 01 'd' 89 00 8a 02 'ef' 89 04 'ghij'",
      events: [ping("'abc'"), ping("'d'"), ping(''), pong("'ef'"), ping("'ghij'")],
    },
    {
      name: '1,000 in a row',
      bytes: '89 02 abcd'.repeat(1000),
      events: new Array(1000).fill(ping('abcd')),
    },
  ],

  '5.5.1 and 7.4 closes': [
    { name: 'empty', bytes: '88 00', events: [close(1005, '')] },
    { name: 'a code', bytes: '88 02 03e8', events: [close(1000, '')] },
    { name: 'a code and a reason', bytes: "88 05 03e9 'bye'", events: [close(1001, 'bye')] },
    { name: 'a reason of many bytes a character', bytes: "88 09 0fa0 '€😀'", events: [close(4000, '€😀')] },
    {
      name: 'a reason with a byte order mark',
      bytes: "88 06 03e8 efbbbf 'a'",
      events: [close(1000, '\ufeffa')],
    },
    { name: 'a reason of 123 bytes', bytes: "88 7d 03e8 'x'*123", events: [close(1000, 'x'.repeat(123))] },
    { name: 'a reason of 124 bytes', bytes: "88 7e| 007e 03e8 'x'*124", failure: controlTooLong },
    { name: '1 byte', bytes: '88 01 03', failure: closePayload },
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map(
      (code) => ({
        name: `code ${code}`,
        bytes: `88 02 ${hex(code, 4)}`,
        events: [close(code, '')],
      }),
    ),
    ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 65535].map((code) => ({
      name: `code ${code}, not allowed`,
      bytes: `88 03 ${hex(code, 4)} 'a'`,
      failure: closeCode,
    })),
    { name: 'a bad code before a bad reason', bytes: '88 03 03ed ff', failure: closeCode },
    { name: 'a reason that is not UTF-8', bytes: '88 03 03e8 ff', failure: closeReason },
    { name: 'a reason with an overlong form', bytes: '88 04 03e8 c0af', failure: closeReason },
    { name: 'a reason with a surrogate', bytes: '88 05 03e8 eda080', failure: closeReason },
    { name: 'a reason with a cut character', bytes: "88 05 03e8 'a' e282", failure: closeReason },
    {
      name: 'a reason with a cut character, 123 bytes',
      bytes: "88 7d 03e8 'x'*120 f09f98",
      failure: closeReason,
    },
    {
      name: 'a reason with good text around a bad byte',
      bytes: "88 05 03e8 'a' fe 'b'",
      failure: closeReason,
    },
    { name: 'behind a message', bytes: "81 01 'a' 88 02 03e8", events: [text('a'), close(1000, '')] },
    { name: 'behind a ping', bytes: '89 00 88 00', events: [ping(''), close(1005, '')] },
  ],

  '7.1.7 failures behind messages': [
    {
      name: 'messages that were complete are delivered, the one that was not is not',
      bytes: "81 01 'a' 82 01 'b' 89 01 'c' 01 01 'd' 70| 00 80 01 'e'",
      events: [text('a'), binary("'b'"), ping("'c'")],
      failure: reservedBits,
    },
    {
      name: 'nothing behind a failure is read',
      bytes: "81 01 'a' 83| 00 81 01 'b' 89 00 88 00",
      events: [text('a')],
      failure: reservedOpcode,
    },
    {
      name: 'bad UTF-8 in the second message',
      bytes: "81 01 'a' 81 03 'b' ff| 'c' 81 01 'd'",
      events: [text('a')],
      failure: invalidUtf8,
    },
    {
      name: 'bad UTF-8 in the second fragmented message',
      bytes: "01 01 'a' 80 01 'b' 01 01 c3 80 01 'c'| 81 01 'd'",
      events: [text('ab')],
      failure: invalidUtf8,
    },
    {
      name: 'a limit behind messages',
      options: { maxMessageSize: 2 },
      bytes: "81 02 'ab' 81 03| 'abc'",
      events: [text('ab')],
      failure: tooBig,
    },
    {
      name: 'a bad close behind a message',
      bytes: "82 01 'a' 88 01 03",
      events: [binary("'a'")],
      failure: closePayload,
    },
  ],

  '5.2 bytes that end too soon': [
    { name: 'nothing at all', bytes: '' },
    { name: 'one byte', bytes: '81', unfinished: true },
    { name: 'before the 16-bit length', bytes: '82 7e', unfinished: true },
    { name: 'within the 16-bit length', bytes: '82 7e 01', unfinished: true },
    { name: 'before the 64-bit length', bytes: '82 7f', unfinished: true },
    { name: 'within the 64-bit length', bytes: '82 7f 00000000000100', unfinished: true },
    { name: 'behind the length', bytes: '82 7f 0000000000010000', unfinished: true },
    { name: 'within a payload', bytes: "81 05 'Hell'", unfinished: true },
    { name: 'within a ping', bytes: "89 05 'Hell'", unfinished: true },
    { name: 'within a close', bytes: '88 02 03', unfinished: true },
    { name: 'before a ping has its payload', bytes: '89 01', unfinished: true },
    { name: 'between fragments', bytes: "01 01 'a'", unfinished: true },
    { name: 'behind an empty fragment', bytes: '02 00', unfinished: true },
    { name: 'within a ping between fragments', bytes: "01 01 'a' 89 02 'h'", unfinished: true },
    {
      name: 'behind a ping between fragments',
      bytes: "01 01 'a' 89 00",
      events: [ping('')],
      unfinished: true,
    },
    {
      name: 'within the second message',
      bytes: "81 01 'a' 81 02 'b'",
      events: [text('a')],
      unfinished: true,
    },
    { name: 'within the second header', bytes: "81 01 'a' 81", events: [text('a')], unfinished: true },
  ],

  '8.1 UTF-8': utf8Vectors,
};

/** All vectors, each with the section of RFC 6455 that it is about. */
export const frameVectors: readonly (FrameVector & { readonly section: string })[] = Object.entries(
  table,
).flatMap(([section, vectors]) => vectors.map((vector) => ({ ...vector, section })));

function hex(value: number, digits = 2): string {
  return value.toString(16).padStart(digits, '0');
}

/** A text message of `count` fragments with the same payload. */
function fragments(count: number, payload: string): string {
  return frame(0x01, payload) + frame(0x00, payload).repeat(count - 2) + frame(0x80, payload);
}
