import { EventEmitter } from 'node:events';
import * as ants from 'ants-ws';
import * as testing from 'ants-ws/testing';
import { expect } from 'chai';
import { membersOf, readPublicNames } from './public-names.js';
import { listFiles, readText } from './root.js';

/** The words of `wanted` that stand nowhere in `text`. */
function findMissing(wanted: Iterable<string>, text: string): string[] {
  const words = new Set(text.match(/\w+/g));
  return [...new Set(wanted)].filter((word) => !words.has(word)).sort();
}

describe('docs/reference', () => {
  const reference = listFiles('docs/reference', '.md').map(readText).join('\n');
  const sources = listFiles('src', '.ts').map(readText).join('\n');

  it('tells of every public name', () => {
    for (const index of ['src/index.ts', 'src/testing/index.ts']) {
      const { values, types } = readPublicNames(index);
      expect(findMissing([...values, ...types], reference)).to.deep.equal([]);
    }
  });

  it('tells of every member of public classes and objects', () => {
    const members = [...Object.values(ants), ...Object.values(testing)].flatMap((value) => membersOf(value));
    // Left out: what every emitter has, and `[Symbol.asyncIterator]` and the like, which are told of by their use.
    const named = members
      .map((member) => member.replace(/^(static )?\./, ''))
      .filter((name) => !name.startsWith('[') && !(name in EventEmitter.prototype));
    expect(findMissing(named, reference)).to.deep.equal([]);
  });

  it('tells of every option', () => {
    const types = [...readPublicNames().types, ...readPublicNames('src/testing/index.ts').types];
    const options: string[] = [];
    for (const [, name, body] of sources.matchAll(/^export interface (\w*Options)\b.*\{\n([\s\S]*?)^\}/gm)) {
      if (!types.includes(name!)) continue;
      for (const [, option] of body!.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)) options.push(option!);
    }
    expect(options).to.include.members(['maxMessageSize', 'closeTimeout']);
    expect(findMissing(options, reference)).to.deep.equal([]);
  });

  it('tells of every error code', () => {
    const codes = [...sources.matchAll(/'(ANTS_\w+)'/g)].map(([, code]) => code!);
    expect(codes).to.include('ANTS_CLOSED');
    expect(findMissing(codes, reference)).to.deep.equal([]);
  });

  it('is searched for whole words', () => {
    expect(findMissing(['send', 'sender', 'send'], 'Call `send(data)`.')).to.deep.equal(['sender']);
  });
});
