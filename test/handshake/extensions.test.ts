import { expect } from 'chai';
import fc from 'fast-check';
import {
  answerExtensions,
  checkExtensions,
  type Extension,
  type ExtensionElement,
  offerExtensions,
  parseExtensions,
  serialiseExtensions,
} from '#src/handshake/extensions.js';

const huge = 100_000;

/** An extension that offers `level`, answers the first offer that has one, and wants an answer below 5. */
function makeExtension(name: string, levels: readonly string[] = ['1']): Extension {
  return {
    name,
    offers: () => levels.map((level) => [['level', level]]),
    check: (answer) => (Number(answer[0]?.[1]) < 5 ? undefined : 'level must be below 5'),
    answer: (offers) => offers.find(([first]) => first?.[0] === 'level'),
  };
}

describe('handshake: extensions', () => {
  it('wants a name in front of parameters', () => {
    expect(parseExtensions([';a'])).to.equal(undefined);
    expect(parseExtensions(['a, ;b=1'])).to.equal(undefined);
  });

  const parsed: [header: string | string[], elements: ExtensionElement[]][] = [
    ['a', [{ name: 'a', params: [] }]],
    [
      'a, b',
      [
        { name: 'a', params: [] },
        { name: 'b', params: [] },
      ],
    ],
    [
      ['a', 'b'],
      [
        { name: 'a', params: [] },
        { name: 'b', params: [] },
      ],
    ],
    [' ,,a\t,', [{ name: 'a', params: [] }]],
    ['a; b', [{ name: 'a', params: [['b', true]] }]],
    [
      'a;b=1;b=2',
      [
        {
          name: 'a',
          params: [
            ['b', '1'],
            ['b', '2'],
          ],
        },
      ],
    ],
    [
      'a ; b = 1 ; c',
      [
        {
          name: 'a',
          params: [
            ['b', '1'],
            ['c', true],
          ],
        },
      ],
    ],
    ['a; b="1"', [{ name: 'a', params: [['b', '1']] }]],
    [
      'a; b = "1" ; c, d',
      [
        {
          name: 'a',
          params: [
            ['b', '1'],
            ['c', true],
          ],
        },
        { name: 'd', params: [] },
      ],
    ],
    ['a; b="\\1\\x"', [{ name: 'a', params: [['b', '1x']] }]],
    ['__proto__; __proto__=1', [{ name: '__proto__', params: [['__proto__', '1']] }]],
  ];
  for (const [header, elements] of parsed) {
    it(`parses ${JSON.stringify(header)}`, () => {
      expect(parseExtensions([header].flat())).to.deep.equal(elements);
    });
  }

  const malformed = [
    '',
    ' ',
    ',',
    ';',
    '=',
    'a;',
    'a;;b',
    'a b',
    'a; b c',
    'a=1',
    'a; =1',
    'a; b=',
    'a; b=,',
    'a; b==1',
    'a; b=""',
    'a; b="',
    'a; b="1',
    'a; b="1\\',
    'a; b="1\\"',
    'a; b="1 2"',
    'a; b=" 1"',
    'a; b="1,2"',
    'a; b="\\"1"',
    'a; b="1"2',
    'a; b="1"c',
    'a; "b"',
    '"a"',
    'a\u00a0',
    'a; b=\u0100',
    'a/b',
    'a:b',
  ];
  for (const header of malformed) {
    it(`finds ${JSON.stringify(header)} malformed`, () => {
      expect(parseExtensions([header])).to.equal(undefined);
    });
  }

  it('finds one malformed header among good ones, and does not join a quote across headers', () => {
    expect(parseExtensions(['a', 'b;'])).to.equal(undefined);
    expect(parseExtensions(['a; b="1', '2"'])).to.equal(undefined);
    expect(parseExtensions([])).to.equal(undefined);
  });

  it('parses what is huge', () => {
    expect(parseExtensions([`a${';b="\\1"'.repeat(huge)}`])?.[0]?.params).to.have.lengthOf(huge);
    expect(parseExtensions([`a; b="${'\\1'.repeat(huge)}"`])?.[0]?.params[0]?.[1]).to.have.lengthOf(huge);
    expect(parseExtensions([`${' , '.repeat(huge)}a`])).to.have.lengthOf(1);
    expect(parseExtensions([`a; b="${'1'.repeat(huge)}`])).to.equal(undefined);
    expect(parseExtensions([`a${' '.repeat(huge)}b`])).to.equal(undefined);
  });

  const token = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~09AZaz"), minLength: 1, maxLength: 8 }),
    fc.constantFrom('__proto__', 'constructor', 'permessage-deflate'),
  );
  const param = fc.tuple(token, fc.oneof(token, fc.constant(true as const)));
  const element = fc.record({ name: token, params: fc.array(param, { maxLength: 5 }) });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 5 }), (elements) => {
        expect(parseExtensions([serialiseExtensions(elements)])).to.deep.equal(elements);
      }),
    );
  });

  it('writes what it reads in one form, throws at nothing', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab;,="\\ \t\u00a0\0') });
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (header) => {
        const elements = parseExtensions([header]);
        if (elements !== undefined) {
          expect(parseExtensions([serialiseExtensions(elements)])).to.deep.equal(elements);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('offers every alternative of every extension', () => {
    const elements = offerExtensions([
      makeExtension('x', ['1', '2']),
      makeExtension('none', []),
      makeExtension('y'),
    ]);
    expect(serialiseExtensions(elements)).to.equal('x; level=1, x; level=2, y; level=1');
  });

  it('answers the offers that it knows, in the own order, and declines', () => {
    const x = makeExtension('x');
    const y = makeExtension('y');
    const offers = parseExtensions(['unknown, y; other, x; level=1, y; level=2, y; level=3']);
    expect(answerExtensions(offers ?? [], [x, y, makeExtension('z')])).to.deep.equal([
      { extension: x, params: [['level', '1']] },
      { extension: y, params: [['level', '2']] },
    ]);
    expect(answerExtensions([{ name: 'x', params: [] }], [x])).to.deep.equal([]);
    const eager: Extension = { ...makeExtension('eager'), answer: () => [] };
    expect(answerExtensions([{ name: 'x', params: [] }], [eager])).to.deep.equal([]);
  });

  it('checks the answer of a server', () => {
    const x = makeExtension('x');
    const y = makeExtension('y');
    const check = (header: string) => checkExtensions(parseExtensions([header]) ?? [], [x, y]);
    expect(check('y; level=1')).to.deep.equal([{ extension: y, params: [['level', '1']] }]);
    expect(check('x; level=1, y; level=2')).to.have.lengthOf(2);
    expect(check('z')).to.equal('the extension "z", which was not offered');
    expect(check('constructor')).to.equal('the extension "constructor", which was not offered');
    expect(check('x; level=1, x; level=1')).to.equal('the extension "x" twice');
    expect(check('x; level=5')).to.equal('unusable parameters of "x": level must be below 5');
  });
});
