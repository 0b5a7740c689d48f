import { expect } from 'chai';
import fc from 'fast-check';
import { countContexts, giveContext, takeContext } from '#src/deflate/engines.js';
import { findDeflate } from '#src/deflate/extension.js';
import type { CompressionOptions } from '#src/deflate/options.js';
import { listParameters } from '#src/deflate/parameters.js';
import { answerExtensions, checkExtensions, parseExtensions } from '#src/handshake/extensions.js';
import { runs } from '../properties/settings.js';
import { agreements, extensionFor, negotiate } from './agreements.js';

const bits = fc.integer({ min: 8, max: 15 });
const way: fc.Arbitrary<CompressionOptions> = fc.record(
  {
    windowBits: bits,
    peerWindowBits: bits,
    contextTakeover: fc.boolean(),
    peerContextTakeover: fc.boolean(),
  },
  { requiredKeys: [] },
);
const ways = fc.array(way, { minLength: 1, maxLength: 4 });

/** What the server answers to an offer as it stands in a header; undefined when it declines. */
function answerTo(offer: string, server: CompressionOptions | CompressionOptions[] = {}): string | undefined {
  const params = extensionFor(server).answer(parseExtensions([offer])!.map((element) => element.params));
  return params?.map(([name, value]) => (value === true ? name : `${name}=${value}`)).join('; ');
}

/** What our client says about an answer: what is wrong with it, or undefined. */
function problemWith(
  answer: string,
  client: CompressionOptions | CompressionOptions[] = {},
): string | undefined {
  const result = checkExtensions(parseExtensions([answer])!, [extensionFor(client)]);
  return typeof result === 'string' ? result : undefined;
}

describe('negotiation of permessage-deflate', () => {
  it('between our two ends: what one offers and the other answers fits both', () => {
    const property = fc.property(ways, ways, (client, server) => {
      const { agreed } = negotiate(client, server);
      if (agreed === undefined) {
        // The server can always be limited by a client of ours, so there is no reason to decline.
        throw new Error('declined');
      }
      for (const [from, to] of [
        ['client', 'server'],
        ['server', 'client'],
      ] as const) {
        const sent = agreed[from].outgoing;
        const read = agreed[to].incoming;
        expect(sent.windowBits).to.be.at.most(read.windowBits);
        if (sent.contextTakeover) expect(read.contextTakeover).to.equal(true);
      }
      const limit = (list: CompressionOptions[], key: 'windowBits' | 'peerWindowBits') =>
        Math.max(...list.map((one) => one[key] ?? 15));
      expect(agreed.client.outgoing.windowBits).to.be.at.most(limit(client, 'windowBits'));
      expect(agreed.client.incoming.windowBits).to.be.at.most(limit(client, 'peerWindowBits'));
      expect(agreed.server.outgoing.windowBits).to.be.at.most(limit(server, 'windowBits'));
      expect(agreed.server.incoming.windowBits).to.be.at.most(limit(server, 'peerWindowBits'));
    });
    fc.assert(property, runs(500));
  });

  it('keeps to what either end wants, for every combination', () => {
    for (let i = 0; i < 256; i++) {
      const flag = (bit: number): boolean => (i & (1 << bit)) !== 0;
      const size = (bit: number): number => (flag(bit) ? 15 : 10);
      const client = {
        contextTakeover: flag(0),
        peerContextTakeover: flag(1),
        windowBits: size(2),
        peerWindowBits: size(3),
      };
      const server = {
        contextTakeover: flag(4),
        peerContextTakeover: flag(5),
        windowBits: size(6),
        peerWindowBits: size(7),
      };
      const agreed = agreements(client, server);
      const up = {
        contextTakeover: client.contextTakeover && server.peerContextTakeover,
        windowBits: Math.min(client.windowBits, server.peerWindowBits),
      };
      const down = {
        contextTakeover: server.contextTakeover && client.peerContextTakeover,
        windowBits: Math.min(server.windowBits, client.peerWindowBits),
      };
      expect(agreed.client.outgoing).to.deep.equal(up);
      expect(agreed.server.incoming).to.deep.equal(up);
      expect(agreed.server.outgoing).to.deep.equal(down);
      expect(agreed.client.incoming).to.deep.equal(down);
    }
  });

  it('offers what was wanted', () => {
    const offer = (client: CompressionOptions | CompressionOptions[]) => negotiate(client, {}).offer;
    expect(offer({})).to.equal('permessage-deflate; client_max_window_bits');
    expect(offer({ windowBits: 9 })).to.equal('permessage-deflate; client_max_window_bits=9');
    expect(offer([{ peerWindowBits: 8, peerContextTakeover: false }, { contextTakeover: false }])).to.equal(
      'permessage-deflate; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits, ' +
        'permessage-deflate; client_no_context_takeover; client_max_window_bits',
    );
  });

  describe('the server', () => {
    const answers: readonly (readonly [
      offer: string,
      answer: string | undefined,
      server?: CompressionOptions | CompressionOptions[],
    ])[] = [
      ['x', ''],
      ['x; client_max_window_bits', ''],
      ['x; client_max_window_bits=15', ''],
      ['x; client_max_window_bits=9', 'client_max_window_bits=9'],
      ['x; client_max_window_bits=9', 'client_max_window_bits=8', { peerWindowBits: 8 }],
      ['x; client_max_window_bits', 'client_max_window_bits=10', { peerWindowBits: 10 }],
      ['x', undefined, { peerWindowBits: 10 }],
      ['x', '', [{ peerWindowBits: 10 }, {}]],
      ['x, x; client_max_window_bits', 'client_max_window_bits=10', { peerWindowBits: 10 }],
      ['x; server_max_window_bits=15', 'server_max_window_bits=15'],
      ['x; server_max_window_bits=8', 'server_max_window_bits=8'],
      ['x; server_max_window_bits=12', 'server_max_window_bits=9', { windowBits: 9 }],
      ['x; server_max_window_bits=9', 'server_max_window_bits=9', { windowBits: 12 }],
      ['x', 'server_max_window_bits=9', { windowBits: 9 }],
      ['x; server_no_context_takeover', 'server_no_context_takeover'],
      ['x; client_no_context_takeover', 'client_no_context_takeover'],
      ['x', 'server_no_context_takeover', { contextTakeover: false }],
      ['x', 'client_no_context_takeover', { peerContextTakeover: false }],
      // The first that is understood; what is not is declined (RFC 7692 section 7.1).
      [
        'x; unknown, x; server_max_window_bits, x; client_max_window_bits=16, x; server_no_context_takeover',
        'server_no_context_takeover',
      ],
      ['x; constructor, x; __proto__', undefined],
      ['x; server_no_context_takeover; server_no_context_takeover', undefined],
    ];
    for (const [offer, answer, server] of answers) {
      it(`answers "${offer}" with "${answer}"${server === undefined ? '' : `, set to ${JSON.stringify(server)}`}`, () => {
        expect(answerTo(offer, server)).to.equal(answer);
      });
    }

    it('declines when nothing fits, and the connection goes without', () => {
      const agreed = answerExtensions(
        parseExtensions(['permessage-deflate, permessage-deflate; constructor'])!,
        [extensionFor({ peerWindowBits: 9 })],
      );
      expect(agreed).to.deep.equal([]);
      expect(findDeflate('server', agreed)).to.equal(undefined);
    });

    it('takes what an extension is called from its own list', () => {
      for (const name of [
        'constructor',
        '__proto__',
        'toString',
        'permessage-deflat',
        'Permessage-Deflate',
      ]) {
        expect(answerExtensions(parseExtensions([name])!, [extensionFor({})]), name).to.deep.equal([]);
      }
    });

    it('uses the rest of the way that the answer is from', () => {
      const server = [
        { peerWindowBits: 10, level: 1, threshold: 5 },
        { level: 9, threshold: 7 },
      ];
      const extension = extensionFor(server);
      const agree = (offer: string) =>
        extension.agree('server', extension.answer([parseExtensions([offer])![0]!.params])!);
      expect(agree('x; client_max_window_bits')).to.deep.include({ threshold: 5 });
      expect(agree('x; client_max_window_bits').options.level).to.equal(1);
      expect(agree('x')).to.deep.include({ threshold: 7 });
      expect(agree('x').options.level).to.equal(9);
    });

    it('agrees on no context takeover when there are too many contexts', () => {
      const server = { maxContexts: countContexts() + 1 };
      expect(answerTo('x', server)).to.equal('');
      takeContext();
      try {
        expect(answerTo('x', server)).to.equal('server_no_context_takeover; client_no_context_takeover');
        expect(answerTo('x', [server, {}])).to.equal(
          'server_no_context_takeover; client_no_context_takeover',
        );
        expect(answerTo('x', { ...server, peerWindowBits: 9 })).to.equal(undefined);
      } finally {
        giveContext();
      }
      expect(answerTo('x', server)).to.equal('');
      expect(answerTo('x', { maxContexts: 0 })).to.equal(
        'server_no_context_takeover; client_no_context_takeover',
      );
    });
  });

  describe('the client', () => {
    const name = 'permessage-deflate';
    const sound: readonly (readonly [answer: string, client?: CompressionOptions | CompressionOptions[]])[] =
      [
        [name],
        // A server may limit itself without being asked (RFC 7692 section 7.1.1.1, 7.1.2.1), and the client, who always allows it.
        [
          `${name}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=8`,
        ],
        [`${name}; server_max_window_bits=15; client_max_window_bits=15`],
        [`${name}; server_max_window_bits=9`, { peerWindowBits: 9 }],
        [`${name}; server_max_window_bits=8`, { peerWindowBits: 9 }],
        [`${name}; server_no_context_takeover`, { peerContextTakeover: false }],
        [`${name}; client_max_window_bits=9`, { windowBits: 9 }],
        [name, { windowBits: 9 }],
        [name, [{ peerWindowBits: 9 }, {}]],
      ];
    for (const [answer, client] of sound) {
      it(`takes "${answer}"${client === undefined ? '' : ` after ${JSON.stringify(client)}`}`, () => {
        expect(problemWith(answer, client)).to.equal(undefined);
      });
    }

    const unsound: readonly (readonly [
      answer: string,
      problem: RegExp,
      client?: CompressionOptions | CompressionOptions[],
    ])[] = [
      [`${name}; unknown`, /unknown parameter "unknown"/],
      [`${name}; __proto__=1`, /unknown parameter "__proto__"/],
      [`${name}; constructor`, /unknown parameter "constructor"/],
      [`${name}; server_no_context_takeover; server_no_context_takeover`, /twice/],
      [`${name}; server_no_context_takeover=1`, /with a value/],
      [`${name}; client_max_window_bits`, /"client_max_window_bits" without a value/],
      [`${name}; server_max_window_bits`, /"server_max_window_bits" without a value/],
      [`${name}; server_max_window_bits=16`, /not 8 to 15/],
      [`${name}; server_max_window_bits=7`, /not 8 to 15/],
      [`${name}; client_max_window_bits=08`, /not 8 to 15/],
      [`${name}, ${name}`, /the extension "permessage-deflate" twice/],
      [`${name}, x`, /"x", which was not offered/],
      ['constructor', /"constructor", which was not offered/],
      [
        `${name}; server_max_window_bits=10`,
        /"server_max_window_bits" of 10, more than the 9 asked for/,
        { peerWindowBits: 9 },
      ],
      [name, /"server_max_window_bits" of 15, more than the 9 asked for/, { peerWindowBits: 9 }],
      [name, /no "server_no_context_takeover", which was asked for/, { peerContextTakeover: false }],
      [
        `${name}; client_max_window_bits=10`,
        /"client_max_window_bits" of 10, more than the 9 offered/,
        { windowBits: 9 },
      ],
      [name, /of 15, more than the 9 asked for/, [{ peerWindowBits: 9 }, { peerContextTakeover: false }]],
    ];
    for (const [answer, problem, client] of unsound) {
      it(`refuses "${answer}"${client === undefined ? '' : ` after ${JSON.stringify(client)}`}`, () => {
        expect(problemWith(answer, client)).to.be.a('string').that.matches(problem);
      });
    }

    const agree = (client: CompressionOptions | CompressionOptions[], answer: string) => {
      const result = checkExtensions(parseExtensions([answer])!, [extensionFor(client)]);
      if (typeof result === 'string') throw new Error(result);
      return findDeflate('client', result)!;
    };

    it('keeps to what it offered of itself, without an echo in the answer', () => {
      expect(agree({ windowBits: 9, contextTakeover: false }, name)).to.deep.include({
        outgoing: { windowBits: 9, contextTakeover: false },
        incoming: { windowBits: 15, contextTakeover: true },
        threshold: 1_024,
      });
    });

    it('keeps to all of its offers that the answer may be for', () => {
      const client = [
        { level: 1 },
        { contextTakeover: false },
        { windowBits: 10 },
        { windowBits: 8, peerWindowBits: 8 },
      ];
      expect(agree(client, name).outgoing).to.deep.equal({ windowBits: 10, contextTakeover: false });
      expect(agree(client, name).options.level).to.equal(1);
      expect(agree(client, `${name}; server_max_window_bits=8`).outgoing.windowBits).to.equal(8);
      const other = [{ peerWindowBits: 10, contextTakeover: false }, { level: 3 }];
      expect(agree(other, name).outgoing.contextTakeover).to.equal(true);
      expect(agree(other, name).options.level).to.equal(3);
    });

    it('limits itself as the answer wants', () => {
      expect(
        agree({}, `${name}; client_max_window_bits=9; client_no_context_takeover`).outgoing,
      ).to.deep.equal({
        windowBits: 9,
        contextTakeover: false,
      });
      expect(agree({ threshold: 7 }, name).threshold).to.equal(7);
      expect(agree({}, name).threshold).to.equal(64);
    });

    it('takes exactly the answers that one of its offers allows', () => {
      const answer = fc.record({
        serverNoContextTakeover: fc.boolean(),
        clientNoContextTakeover: fc.boolean(),
        serverMaxWindowBits: fc.option(bits, { nil: undefined }),
        clientMaxWindowBits: fc.option(bits, { nil: undefined }),
      });
      const property = fc.property(ways, answer, (client, params) => {
        const isAllowed = client.some(
          (one) =>
            (one.peerContextTakeover !== false || params.serverNoContextTakeover) &&
            (params.serverMaxWindowBits ?? 15) <= (one.peerWindowBits ?? 15) &&
            (params.clientMaxWindowBits === undefined ||
              params.clientMaxWindowBits <= (one.windowBits ?? 15)),
        );
        expect(extensionFor(client).check(listParameters(params)) === undefined).to.equal(isAllowed);
      });
      fc.assert(property, runs(500));
    });
  });
});
