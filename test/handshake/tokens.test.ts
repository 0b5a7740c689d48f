import { expect } from 'chai';
import fc from 'fast-check';
import {
  equalsIgnoringCase,
  isToken,
  listIncludes,
  parseTokenList,
  splitList,
  trimSpace,
} from '#src/handshake/tokens.js';

const separators = '()<>@,;:\\"/[]?={} \t';

describe('handshake: tokens', () => {
  it('knows the characters of a token', () => {
    for (let code = 0; code < 0x300; code++) {
      const character = String.fromCharCode(code);
      const expected = code > 0x20 && code < 0x7f && !separators.includes(character);
      expect(isToken(character), `U+${code.toString(16)}`).to.equal(expected);
    }
  });

  it('takes no empty token', () => {
    expect(isToken('')).to.equal(false);
  });

  it('trims space and tab, nothing else', () => {
    expect(trimSpace(' \t a b\t ')).to.equal('a b');
    expect(trimSpace('\u00a0a\u00a0')).to.equal('\u00a0a\u00a0');
    expect(trimSpace(' \t ')).to.equal('');
  });

  it('ignores the case of ASCII letters only', () => {
    expect(equalsIgnoringCase('WebSocket', 'wEBsOCKET')).to.equal(true);
    expect(equalsIgnoringCase('AZ', 'az')).to.equal(true);
    expect(equalsIgnoringCase('@[`{', '@[`{')).to.equal(true);
    expect(equalsIgnoringCase('@', '`')).to.equal(false);
    expect(equalsIgnoringCase('[', '{')).to.equal(false);
    expect(equalsIgnoringCase('\u212a', 'k')).to.equal(false);
    expect(equalsIgnoringCase('a', 'aa')).to.equal(false);
  });

  it('splits lists over repeated headers and drops empty elements', () => {
    expect(splitList(['a, b', '', ' , ,c\t'])).to.deep.equal(['a', 'b', 'c']);
    expect(splitList([])).to.deep.equal([]);
  });

  it('finds an element of a list', () => {
    expect(listIncludes(['keep-alive, Upgrade'], 'upgrade')).to.equal(true);
    expect(listIncludes(['keep-alive Upgrade'], 'upgrade')).to.equal(false);
  });

  it('parses lists of at least one token', () => {
    expect(parseTokenList(['a,b', 'c'])).to.deep.equal(['a', 'b', 'c']);
    expect(parseTokenList(['a b'])).to.equal(undefined);
    expect(parseTokenList(['a, b c'])).to.equal(undefined);
    expect(parseTokenList([' , '])).to.equal(undefined);
    expect(parseTokenList([])).to.equal(undefined);
  });

  it('finds the same elements however a list is spread over headers and filled with spaces', () => {
    const token = fc.string({ unit: fc.constantFrom(...'!#$%&az09-_~|'), minLength: 1, maxLength: 5 });
    const filling = fc.constantFrom('', ' ', '\t', ', ', ' ,\t,');
    fc.assert(
      fc.property(fc.array(fc.tuple(filling, token, filling, fc.boolean()), { minLength: 1 }), (parts) => {
        const values = [''];
        for (const [before, element, after, isNew] of parts) {
          if (isNew) values.push('');
          values[values.length - 1] += `${before}${element}${after},`;
        }
        expect(parseTokenList(values)).to.deep.equal(parts.map(([, element]) => element));
      }),
    );
  });
});
