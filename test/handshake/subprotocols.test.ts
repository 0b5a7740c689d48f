import { expect } from 'chai';
import { checkSubprotocols, compileSubprotocols } from '#src/handshake/subprotocols.js';

describe('handshake: subprotocols', () => {
  it('wants unique tokens', () => {
    expect(() => checkSubprotocols(['a', 'v1.b', 'A'])).not.to.throw();
    expect(() => checkSubprotocols(['a', 'b', 'a'])).to.throw(TypeError, '"a" occurs twice');
    for (const bad of ['', 'a b', 'a,b', 'a/b', 'ä', 5]) {
      expect(() => checkSubprotocols([bad as string]), String(bad)).to.throw(TypeError, 'is not a name');
    }
    expect(() => checkSubprotocols('chat' as unknown as string[])).to.throw(TypeError, 'list');
    for (const name of [7, null, ['a']]) {
      expect(() => checkSubprotocols([name] as unknown as string[])).to.throw(TypeError, 'is not a name');
    }
    expect(() => compileSubprotocols(['a b'])).to.throw(TypeError);
  });

  it("takes the client's order", () => {
    expect(compileSubprotocols(['a', 'b'])(['x', 'b', 'a'], {})).to.equal('b');
    expect(compileSubprotocols(['a', 'b'])(['x'], {})).to.equal(undefined);
    expect(compileSubprotocols(undefined)(['x'], {})).to.equal(undefined);
  });

  it('asks a function, which may choose only what is offered', () => {
    const request = {};
    const choose = compileSubprotocols((offered, asked) => {
      expect(asked).to.equal(request);
      return offered.includes('b') ? 'b' : offered.includes('none') ? undefined : 'constructor';
    });
    expect(choose(['a', 'b'], request)).to.equal('b');
    expect(choose(['none'], request)).to.equal(undefined);
    expect(() => choose(['a'], request)).to.throw(TypeError, '"constructor", which the client did not offer');
  });
});
