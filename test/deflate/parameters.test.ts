import { expect } from 'chai';
import { listParameters, parseParameters } from '#src/deflate/parameters.js';
import { parseExtensions } from '#src/handshake/extensions.js';

const none = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: undefined,
  clientMaxWindowBits: undefined,
};

/** Parses the parameters of one element, as they stand in a header. */
function parse(params: string) {
  const elements = parseExtensions([params === '' ? 'x' : `x; ${params}`]);
  expect(elements, params).to.have.lengthOf(1);
  return parseParameters(elements![0]!.params);
}

describe('parameters of permessage-deflate', () => {
  it('are all understood, in every combination', () => {
    const bits = [undefined, ...Array.from({ length: 8 }, (_, i) => i + 8)];
    for (const serverNoContextTakeover of [false, true])
      for (const clientNoContextTakeover of [false, true])
        for (const serverMaxWindowBits of bits)
          for (const clientMaxWindowBits of [true as const, ...bits]) {
            const params = {
              serverNoContextTakeover,
              clientNoContextTakeover,
              serverMaxWindowBits,
              clientMaxWindowBits,
            };
            const list = listParameters(params);
            expect(parseParameters(list)).to.deep.equal(params);
            expect(parseParameters([...list].reverse())).to.deep.equal(params);
          }
  });

  it('are written in the order of the RFC, and only those that there are', () => {
    expect(listParameters(none)).to.deep.equal([]);
    expect(
      listParameters({
        clientMaxWindowBits: true,
        serverMaxWindowBits: 9,
        clientNoContextTakeover: true,
        serverNoContextTakeover: true,
      }),
    ).to.deep.equal([
      ['server_no_context_takeover', true],
      ['client_no_context_takeover', true],
      ['server_max_window_bits', '9'],
      ['client_max_window_bits', true],
    ]);
  });

  const legal: readonly (readonly [string, object])[] = [
    ['', {}],
    ['server_no_context_takeover', { serverNoContextTakeover: true }],
    ['client_no_context_takeover', { clientNoContextTakeover: true }],
    ['client_max_window_bits', { clientMaxWindowBits: true }],
    ['client_max_window_bits="8"', { clientMaxWindowBits: 8 }],
    ['server_max_window_bits="1\\5"', { serverMaxWindowBits: 15 }],
    [
      'server_max_window_bits = 10 ;client_max_window_bits=8',
      { serverMaxWindowBits: 10, clientMaxWindowBits: 8 },
    ],
  ];
  for (const [params, expected] of legal) {
    it(`understands "${params}"`, () => {
      expect(parse(params)).to.deep.equal({ ...none, ...expected });
    });
  }

  const illegal: readonly (readonly [string, RegExp])[] = [
    ...[
      '08',
      '+8',
      '16',
      '7',
      '0',
      '-8',
      '1e1',
      '8.0',
      '10x',
      '0x9',
      '015',
      '150',
      '99999999999999999999',
      '١٠',
    ].flatMap((value) =>
      ['server_max_window_bits', 'client_max_window_bits']
        // What is no token has no place in a header.
        .filter(() => value !== '١٠')
        .map((name) => [`${name}=${value}`, /with the value ".*", which is not 8 to 15/] as const),
    ),
    ['server_max_window_bits', /"server_max_window_bits" without a value/],
    ['server_no_context_takeover=true', /"server_no_context_takeover" with a value/],
    ['client_no_context_takeover=1', /"client_no_context_takeover" with a value/],
    ['server_no_context_takeover="x"', /with a value/],
    ['server_no_context_takeover; server_no_context_takeover', /"server_no_context_takeover" twice/],
    ['client_max_window_bits; client_max_window_bits=9', /"client_max_window_bits" twice/],
    ['server_max_window_bits=9; server_max_window_bits=9', /"server_max_window_bits" twice/],
    ['client_no_context_takeover; x; client_no_context_takeover', /the unknown parameter "x"/],
    ['constructor', /the unknown parameter "constructor"/],
    ['__proto__', /the unknown parameter "__proto__"/],
    ['__proto__=9', /the unknown parameter "__proto__"/],
    ['toString=9', /the unknown parameter "toString"/],
    ['hasOwnProperty', /unknown/],
    ['Server_max_window_bits=9', /unknown/],
    ['serverMaxWindowBits=9', /unknown/],
  ];
  for (const [params, problem] of illegal) {
    it(`says what is wrong with "${params}"`, () => {
      expect(parse(params)).to.be.a('string').that.matches(problem);
    });
  }

  it('have only the digits of ASCII', () => {
    expect(parseParameters([['server_max_window_bits', '١٠']])).to.be.a('string');
    expect(parseParameters([['server_max_window_bits', '10\n']])).to.be.a('string');
    expect(parseParameters([['server_max_window_bits', '']])).to.be.a('string');
  });

  it('cost one look each, up to the first that is wrong', () => {
    let looks = 0;
    const counted = new Proxy(
      Array<readonly [string, true]>(100_000).fill(['client_no_context_takeover', true]),
      {
        get(target, key, receiver) {
          if (/^\d+$/.test(String(key))) looks++;
          return Reflect.get(target, key, receiver);
        },
      },
    );
    expect(parseParameters(counted)).to.equal('"client_no_context_takeover" twice');
    expect(looks).to.equal(2);
  });
});
