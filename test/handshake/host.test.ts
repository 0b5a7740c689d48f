import { expect } from 'chai';
import { canonicalHost, isHost } from '#src/handshake/host.js';

describe('handshake: host', () => {
  it('is no longer than a DNS name and a port can be', () => {
    const longest = `${'a'.repeat(253)}:65535`;
    expect(canonicalHost('http', longest)).to.equal(longest);
    expect(canonicalHost('http', `a${longest}`)).to.equal(undefined);
  });

  it('is judged for itself, whoever came before', () => {
    expect(isHost('')).to.equal(false);
    expect(['a:80', 'a:80', 'a:80@', 'a:80', ''].map(isHost)).to.deep.equal([true, true, false, true, false]);
  });
});
