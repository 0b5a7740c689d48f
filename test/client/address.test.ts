import { expect } from 'chai';
import { formatAuthority, parseAddress } from '#src/client/address.js';

describe('client: address', () => {
  it('takes the four schemes, as a string or a URL', () => {
    const expected = { hostname: 'a.example', host: 'a.example', target: '/b?c=d', authorization: undefined };
    for (const scheme of ['ws', 'http']) {
      expect(parseAddress(`${scheme}://A.example/b?c=d`)).to.deep.equal({
        ...expected,
        isSecure: false,
        port: 80,
      });
    }
    for (const scheme of ['wss', 'https']) {
      expect(parseAddress(new URL(`${scheme}://a.example:443/b?c=d`))).to.deep.equal({
        ...expected,
        isSecure: true,
        port: 443,
      });
    }
  });

  it('keeps a port in the Host header unless it is the default', () => {
    expect(parseAddress('ws://a:443')).to.include({ host: 'a:443', port: 443, target: '/' });
    expect(parseAddress('wss://a:80')).to.include({ host: 'a:80', port: 80 });
    expect(parseAddress('ws://a:0')).to.include({ port: 0 });
  });

  it('takes IPv6 out of its brackets, but for the Host header', () => {
    const address = parseAddress('ws://[0:0::1]:8080/');
    expect(address).to.include({ hostname: '::1', host: '[::1]:8080', port: 8080 });
    expect(formatAuthority(address)).to.equal('[::1]:8080');
  });

  it('makes basic authorization of user and password, decoded and in UTF-8', () => {
    const decode = (url: string) => {
      const [scheme, value = ''] = parseAddress(url).authorization?.split(' ') ?? [];
      return `${scheme} ${Buffer.from(value, 'base64').toString()}`;
    };
    expect(decode('ws://ann:secret@a')).to.equal('Basic ann:secret');
    expect(decode('ws://ann@a')).to.equal('Basic ann:');
    expect(decode('ws://:secret@a')).to.equal('Basic :secret');
    expect(decode('ws://J%C3%B6rg:p%40ss:word%25@a')).to.equal('Basic J\u00f6rg:p@ss:word%');
    expect(() => parseAddress('ws://%ff:x@a')).to.throw(TypeError, 'percent-encoded');
  });

  it('refuses what is no URL of a WebSocket', () => {
    for (const url of ['', 'a', '/a', '//a/b', 'ws:', 'ws://', 'ws://a:65536', 'ws://a b']) {
      expect(() => parseAddress(url), url).to.throw(
        TypeError,
        /is not a URL such as ws:\/\/localhost:8080\/path$/,
      );
    }
    for (const [value, shown] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [5, '5'],
      [{}, 'an object'],
      [[], 'an array'],
    ]) {
      expect(() => parseAddress(value as never)).to.throw(
        TypeError,
        `a URL such as ws://localhost:8080/path is needed; what was given is ${shown}`,
      );
    }
    for (const url of ['ftp://a', 'file:///a', 'ws+unix:/a', 'localhost:8080']) {
      expect(() => parseAddress(url), url).to.throw(TypeError, 'ws:, wss:, http: or https:');
    }
    for (const url of ['ws://a/#b', 'ws://a/#', 'ws://a?b#c']) {
      expect(() => parseAddress(url), url).to.throw(TypeError, 'fragment');
    }
    expect(parseAddress('ws://a/%23b').target).to.equal('/%23b');
  });

  it('knows what is meant by a host and a port', () => {
    for (const [given, meant] of [
      ['localhost:8080', 'ws://localhost:8080'],
      ['a-b.example:8080/chat?token=secret', 'ws://a-b.example:8080'],
      ['127.0.0.1:8080', 'ws://127.0.0.1:8080'],
      ['[::1]:8080', 'ws://[::1]:8080'],
    ]) {
      expect(() => parseAddress(given!), given).to.throw(TypeError, `; did you mean ${meant}?`);
    }
    for (const given of ['localhost', 'mailto:8080@a', 'a:b', 'ann:8080:x@a']) {
      expect(() => parseAddress(given), given)
        .to.throw(TypeError)
        .with.property('message')
        .that.does.not.include('did you mean');
    }
  });

  it('shows no password in an error', () => {
    for (const url of [
      'ws://ann:secret@a:99999',
      'ws://ann:sec@secret@a b',
      'ftp://ann:secret@a',
      'ws://a:secret@a#',
      'localhost:8080/secret',
      'localhost:8080/?secret',
    ]) {
      expect(() => parseAddress(url), url)
        .to.throw(TypeError)
        .satisfies((error: Error) => !error.message.includes('secret') && !error.message.includes('sec@'));
    }
  });
});
