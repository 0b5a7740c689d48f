import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalHost } from '#src/handshake/host.js';
import { compileOrigins, isSameOrigin, type Origins, originMessage } from '#src/handshake/origin.js';

describe('handshake: origin', () => {
  const same: [origin: string, host: string][] = [
    ['http://a.example', 'a.example'],
    ['http://a.example', 'a.example:80'],
    ['http://a.example:80', 'a.example'],
    ['https://a.example', 'a.example'],
    ['https://a.example', 'a.example:443'],
    ['http://a.example:8080', 'a.example:8080'],
    ['HTTP://A.EXAMPLE', 'a.Example'],
    ['http://[::1]:8080', '[0:0::1]:8080'],
    ['http://a.example:', 'a.example'],
    ['http://my_host', 'my_host'],
  ];
  for (const [origin, host] of same) {
    it(`${origin} is the same as ${host}`, () => expect(isSameOrigin(origin, host)).to.equal(true));
  }

  const different: [origin: string, host: string][] = [
    ['http://a.example', 'b.example'],
    ['http://a.example', 'a.example:443'],
    ['https://a.example', 'a.example:80'],
    ['http://a.example:8080', 'a.example'],
    ['http://a.example.evil.example', 'a.example'],
    ['http://a.example@evil.example', 'a.example'],
    ['http://evil.example@a.example', 'a.example'],
    ['http://a.example/', 'a.example'],
    ['http://a.example/../', 'a.example'],
    ['http://a.example#', 'a.example'],
    ['http://a.example\\', 'a.example'],
    ['http:// a.example', 'a.example'],
    ['http://a.example http://a.example', 'a.example'],
    ['app://localhost', 'localhost'],
    ['a.example', 'a.example'],
    ['null', 'null'],
    ['', ''],
    ['http://', ''],
    ['http://a:99999', 'a:99999'],
    ['file://', 'a.example'],
  ];
  for (const [origin, host] of different) {
    it(`"${origin}" is not the same as "${host}"`, () => expect(isSameOrigin(origin, host)).to.equal(false));
  }

  it('adds a list to the same origin', () => {
    const check = compileOrigins(['https://B.example:443', 'app://my-page', 'null']);
    expect(check('https://b.example', 'a.example', {})).to.equal(true);
    expect(check('http://b.example', 'a.example', {})).to.equal(false);
    expect(check('http://a.example', 'a.example', {})).to.equal(true);
    expect(check('app://my-page', 'a.example', {})).to.equal(true);
    expect(check('null', 'a.example', {})).to.equal(true);
    expect(check('constructor', 'a.example', {})).to.equal(false);
    expect(check('https://b.example/', 'a.example', {})).to.equal(false);
    expect(compileOrigins([])('null', 'a.example', {})).to.equal(false);
  });

  it('takes what is not an origin for a mistake', () => {
    const others = ['example.com', '1app://x', 'app://x/', 'http://', '', '*'];
    const webs = ['https://example.com/', 'https://example.com/a', 'http://a:99999', 'https://a:99999'];
    for (const bad of [...others, ...webs]) {
      expect(() => compileOrigins([bad]), bad).to.throw(TypeError, 'is not an origin');
    }
    expect(() => compileOrigins('https://example.com' as '*')).to.throw(TypeError, 'must be a list');
  });

  it('leaves everything to a function, which must say true', () => {
    const seen: unknown[] = [];
    const request = { id: 1 };
    const origins: Origins<typeof request> = (origin, asked) => {
      seen.push(origin, asked);
      return origin === 'null';
    };
    const check = compileOrigins(origins);
    expect(check('null', 'a.example', request)).to.equal(true);
    expect(check('http://a.example', 'a.example', request)).to.equal(false);
    expect(seen).to.deep.equal(['null', request, 'http://a.example', request]);
    const asynchronous = (async () => false) as unknown as () => boolean;
    expect(compileOrigins(asynchronous)('http://a.example', 'a.example', {})).to.equal(false);
  });

  it('names both values and the option when it refuses', () => {
    const message = originMessage('http://evil.example', 'a.example:81');
    expect(message)
      .to.include('"http://evil.example"')
      .and.include('"a.example:81"')
      .and.include('"origins"')
      // What to do comes first, where a line that is cut off still shows it.
      .and.match(
        /^If pages from "http:\/\/evil\.example" may connect, add that to the server's option "origins"\./,
      );
    expect(originMessage(`http://${'x'.repeat(10_000)}\n`, 'a').length).to.be.below(500);
  });

  it('throws at no strings', () => {
    const check = compileOrigins(['https://a.example']);
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'htps:/.@[]%xn-a1') }),
    );
    fc.assert(
      fc.property(text, text, (origin, host) => {
        expect(check(origin, host, {})).to.be.a('boolean');
        expect(check(`http://${origin}`, host, {})).to.be.a('boolean');
      }),
    );
  });
});

describe('handshake: host', () => {
  it('bounds the length of a host', () => {
    const label = 'a'.repeat(49);
    const longest = `${Array(5).fill(label).join('.')}.abc:65535`;
    expect(longest).to.have.lengthOf(259);
    expect(canonicalHost('http', longest)).to.equal(longest);
    expect(canonicalHost('http', `a${longest}`)).to.equal(undefined);
  });
});
