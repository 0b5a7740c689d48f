import { expect } from 'chai';
import { canonicalHost } from '#src/handshake/host.js';

describe('handshake: host', () => {
  it('is no longer than a DNS name and a port can be', () => {
    const longest = `${'a'.repeat(253)}:65535`;
    expect(canonicalHost('http', longest)).to.equal(longest);
    expect(canonicalHost('http', `a${longest}`)).to.equal(undefined);
  });
});
