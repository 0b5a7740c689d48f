import { inspect } from 'node:util';
import { expect } from 'chai';
import { ConnectionSet } from '#src/server/connection-set.js';

describe('server: connections', () => {
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];

  function make(...members: object[]): ConnectionSet<object> {
    const set = new ConnectionSet<object>();
    for (const member of members) set.add(member);
    return set;
  }

  it('can be read as a Set', () => {
    const set: ReadonlySet<object> = make(a, b);
    expect(set.size).to.equal(2);
    expect([set.has(a), set.has(c)]).to.deep.equal([true, false]);
    for (const list of [[...set], [...set.keys()], [...set.values()]]) expect(list).to.deep.equal([a, b]);
    expect([...set.entries()]).to.deep.equal([...new Set([a, b]).entries()]);
    const calls: unknown[] = [];
    const self = {};
    set.forEach(function (this: unknown, ...args) {
      calls.push([this, ...args]);
    }, self);
    expect(calls).to.deep.equal([
      [self, a, a, set],
      [self, b, b, set],
    ]);
  });

  it('looks like one, to consoles and assertions', () => {
    expect(inspect(make(a))).to.match(/^Set\(1\) { { name: 'a'/);
    expect(make()).to.be.empty;
    expect(make(a)).not.to.be.empty;
    expect(make(a)).to.have.property('size', 1);
  });

  it('has the methods of the sets of its engine', () => {
    type Methods = Record<string, ((other: ReadonlySet<unknown>) => unknown) | undefined>;
    const names = Object.getOwnPropertyNames(Set.prototype);
    const other = new Set([b, c]);
    const real = new Set([a, b]);
    for (const name of names) {
      if (['constructor', 'add', 'delete', 'clear', 'size'].includes(name)) continue;
      expect((make(a, b) as unknown as Methods)[name], name).to.be.a('function');
      if (!/^(union|inter|diff|symm|is)/.test(name)) continue;
      const asked = (set: object) => (set as Methods)[name]!(other);
      expect(asked(make(a, b)), name).to.deep.equal(asked(real));
    }
  });
});
