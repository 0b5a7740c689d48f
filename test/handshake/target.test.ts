import { expect } from 'chai';
import { parseTarget } from '#src/handshake/target.js';

describe('handshake: target', () => {
  const path = (target: string) => parseTarget(target)?.path;

  it('takes the path as it is', () => {
    expect(path('/')).to.equal('/');
    expect(path('/a/../b%20c')).to.equal('/a/../b%20c');
    expect(path('/a?b?c/d')).to.equal('/a');
    expect(path('/?')).to.equal('/');
  });

  it('sees a path in two slashes, not a host', () => {
    expect(parseTarget('//evil.example/a')).to.deep.equal({ path: '//evil.example/a', authority: undefined });
  });

  it('takes absolute-form apart', () => {
    expect(parseTarget('http://a.example:81/b?c')).to.deep.equal({ path: '/b', authority: 'a.example:81' });
    expect(parseTarget('WS://a.example')).to.deep.equal({ path: '/', authority: 'a.example' });
    expect(parseTarget('https://[::1]?q')).to.deep.equal({ path: '/', authority: '[::1]' });
    expect(parseTarget('wss://a/b')).to.deep.equal({ path: '/b', authority: 'a' });
  });

  it('refuses everything else', () => {
    for (const target of [
      '',
      '*',
      'a',
      'a:80',
      'ftp://a/',
      'http:///a',
      'http://',
      'http://u@a/',
      'http:/a',
      '/a b',
      '/a\tb',
      '/a\x7f',
      '/a#b',
    ]) {
      expect(parseTarget(target), target).to.equal(undefined);
    }
  });
});
