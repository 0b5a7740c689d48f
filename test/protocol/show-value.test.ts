import { expect } from 'chai';
import { showValue } from '#src/protocol/show-value.js';

describe('protocol: showValue', () => {
  it('tells strings from numbers, and shows nothing of objects', () => {
    const cases: [unknown, string][] = [
      ['8080', 'the string "8080"'],
      ['x'.repeat(101), `the string "${'x'.repeat(100)}…"`],
      [8080, '8080'],
      [Number.NaN, 'NaN'],
      [8080n, 'the bigint 8080'],
      [undefined, 'undefined'],
      [null, 'null'],
      [true, 'true'],
      [['secret'], 'an array'],
      [{ secret: 1 }, 'an object'],
      [Object.create(null), 'an object'],
      [() => 1, 'a function'],
      [Symbol('secret'), 'a symbol'],
    ];
    for (const [value, shown] of cases) expect(showValue(value)).to.equal(shown);
  });
});
