import { expect } from 'chai';
import fc from 'fast-check';
import { Roster } from '#src/protocol/roster.js';
import { collectGarbage, collectYoungGarbage, oldBytes } from '../support/garbage.js';

interface Ant {
  readonly name: number;
}

const makeAnts = (count: number): Ant[] => Array.from({ length: count }, (_, name) => ({ name }));

function rosterOf(members: readonly Ant[]): Roster<Ant> {
  const roster = new Roster<Ant>();
  for (const member of members) roster.add(member);
  return roster;
}

describe('protocol: Roster', () => {
  it('is a set, whoever comes and goes', () => {
    const ants = makeAnts(60);
    const change = fc.record({ ant: fc.constantFrom(...ants), comes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
        const roster = new Roster<Ant>();
        const set = new Set<Ant>();
        for (const { ant, comes } of changes) {
          if (comes) {
            roster.add(ant);
            set.add(ant);
          } else {
            expect(roster.delete(ant)).to.equal(set.delete(ant));
          }
          expect(roster.has(ant)).to.equal(set.has(ant));
        }
        expect(roster.size).to.equal(set.size);
        expect([...roster]).to.deep.equal([...set]);
      }),
    );
  });

  it('tells each once who is there by then, whoever goes meanwhile', () => {
    const ants = makeAnts(60);
    const leaves = fc.array(fc.array(fc.nat(59), { maxLength: 20 }), { maxLength: 60 });
    fc.assert(
      fc.property(leaves, (leaving) => {
        const roster = rosterOf(ants);
        const gone = new Set<Ant>();
        const seen: Ant[] = [];
        const expected = new Set<Ant>();
        for (const ant of roster) {
          expect(gone.has(ant)).to.equal(false);
          for (const index of leaving[seen.length] ?? []) {
            roster.delete(ants[index]!);
            gone.add(ants[index]!);
          }
          seen.push(ant);
        }
        for (const ant of ants) if (!gone.has(ant) || seen.includes(ant)) expected.add(ant);
        expect(seen).to.deep.equal([...expected]);
        for (const ant of roster) roster.delete(ant);
        expect(roster.size).to.equal(0);
      }),
    );
  });

  it('leaves out who comes while it is told, and whoever leaves and comes back', () => {
    const ants = makeAnts(60);
    const roster = rosterOf(ants.slice(0, 50));
    const seen: Ant[] = [];
    for (const ant of roster) {
      seen.push(ant);
      roster.delete(ant);
      roster.add(ant);
      if (seen.length <= 10) roster.add(ants[49 + seen.length]!);
    }
    expect(seen).to.deep.equal(ants.slice(0, 50));
    expect(roster.size).to.equal(60);
  });

  it('knows nothing of nobody', () => {
    const roster = rosterOf(makeAnts(1));
    for (const nobody of [undefined, null, 1, 'ant'] as unknown as Ant[]) {
      expect(roster.has(nobody)).to.equal(false);
      expect(roster.delete(nobody)).to.equal(false);
    }
  });

  it('knows nothing of those in others', () => {
    const [first, second] = makeAnts(2) as [Ant, Ant];
    const one = rosterOf([first]);
    const other = rosterOf([second]);
    expect(one.has(second)).to.equal(false);
    expect(one.delete(second)).to.equal(false);
    expect([one.size, other.size]).to.deep.equal([1, 1]);
  });

  it('keeps nothing of those who have gone, where a Set keeps it all until the old generation is collected', () => {
    const kept = (set: { add(ant: Ant): unknown; delete(ant: Ant): boolean }): number => {
      const there: Ant[] = [];
      const comeAndGo = (count: number): void => {
        for (let name = 0; name < count; name++) {
          const ant = { name, load: new Array(100).fill(name) };
          set.add(ant);
          there.push(ant);
          if (there.length > 20) set.delete(there.shift()!);
          if (name % 500 === 0) collectYoungGarbage();
        }
      };
      comeAndGo(2_000);
      collectGarbage();
      const before = oldBytes();
      comeAndGo(10_000);
      return oldBytes() - before;
    };
    expect(kept(new Set())).to.be.above(3_000_000);
    expect(kept(new Roster())).to.be.below(500_000);
  });
});
