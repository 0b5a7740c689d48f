import { expect } from 'chai';
import fc from 'fast-check';
import { compileTrust, groupOf, type TrustProxy } from '#src/server/client-address.js';

/** The address that is found with these lines of X-Forwarded-For. */
function find(trust: TrustProxy | undefined, remote: string | undefined, ...lines: string[]) {
  const header = trust?.header ?? 'x-forwarded-for';
  return compileTrust(trust)(
    remote,
    lines.flatMap((line) => [header, line]),
  );
}

describe('server: the address of a client', () => {
  it('is that of the socket, whatever a header says, when no proxy is trusted', () => {
    expect(find(undefined, '192.0.2.1', '198.51.100.7')).to.equal('192.0.2.1');
    expect(find(undefined, undefined, '198.51.100.7')).to.equal(undefined);
    expect(find(undefined, '::ffff:192.0.2.1')).to.equal('192.0.2.1');
    expect(find(undefined, 'fe80::1%eth0')).to.equal('fe80::1');
  });

  it('is told by as many proxies as there are hops, from the right', () => {
    const lines = ['203.0.113.9, 198.51.100.7', '10.0.0.2'];
    expect(find({ hops: 1 }, '10.0.0.1', ...lines)).to.equal('10.0.0.2');
    expect(find({ hops: 2 }, '10.0.0.1', ...lines)).to.equal('198.51.100.7');
    expect(find({ hops: 3 }, '10.0.0.1', ...lines)).to.equal('203.0.113.9');
    expect(find({ hops: 9 }, '10.0.0.1', ...lines)).to.equal('203.0.113.9');
    expect(find({ hops: 1 }, '10.0.0.1')).to.equal('10.0.0.1');
    // A proxy in front of a unix socket.
    expect(find({ hops: 1 }, undefined, '198.51.100.7')).to.equal('198.51.100.7');
  });

  it('is the first that is no proxy, from the right, when their addresses are known', () => {
    const trust = { addresses: ['10.0.0.0/8', '2001:db8::5'] };
    expect(find(trust, '10.9.8.7', '1.1.1.1, 198.51.100.7, 10.0.0.2')).to.equal('198.51.100.7');
    expect(find(trust, '::ffff:10.9.8.7', '198.51.100.7, 2001:db8::5')).to.equal('198.51.100.7');
    expect(find(trust, '192.0.2.1', '198.51.100.7')).to.equal('192.0.2.1');
    expect(find(trust, '10.0.0.1', '10.0.0.2')).to.equal('10.0.0.2');
    expect(find(trust, undefined, '10.0.0.2')).to.equal(undefined);
  });

  it('stops being believed where something is no address', () => {
    for (const junk of ['unknown', '_hidden', '', 'localhost', '1.2.3', '[1.2.3.4', '"', '::1]:80']) {
      expect(find({ hops: 2 }, '10.0.0.1', `198.51.100.7, ${junk}`), junk).to.equal('10.0.0.1');
      expect(find({ hops: 2 }, '10.0.0.1', `${junk}, 198.51.100.7`), junk).to.equal('198.51.100.7');
    }
  });

  it('may have a port, and brackets', () => {
    for (const [told, address] of [
      ['192.0.2.1:80', '192.0.2.1'],
      ['[2001:db8::1]:80', '2001:db8::1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['2001:db8::1', '2001:db8::1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
    ] as const) {
      expect(find({ hops: 1 }, '10.0.0.1', told)).to.equal(address);
    }
  });

  it('is read from Forwarded (RFC 7239) when that is what the proxy writes', () => {
    const trust = { hops: 1, header: 'forwarded' } as const;
    expect(find(trust, '10.0.0.1', 'for=198.51.100.7;proto=http;by=203.0.113.43')).to.equal('198.51.100.7');
    expect(find(trust, '10.0.0.1', 'proto=http; For = "[2001:db8:cafe::17]:4711"')).to.equal(
      '2001:db8:cafe::17',
    );
    expect(find(trust, '10.0.0.1', 'for=1.1.1.1, for=198.51.100.7')).to.equal('198.51.100.7');
    // A quotation mark that a client leaves open swallows nothing of what the proxy adds.
    expect(find(trust, '10.0.0.1', 'for="1.1.1.1', 'for=198.51.100.7')).to.equal('198.51.100.7');
    expect(find(trust, '10.0.0.1', 'for=unknown')).to.equal('10.0.0.1');
    expect(find(trust, '10.0.0.1', 'proto=http')).to.equal('10.0.0.1');
    // The other header is the client's own then.
    expect(compileTrust(trust)('10.0.0.1', ['X-Forwarded-For', '1.1.1.1'])).to.equal('10.0.0.1');
  });

  it('never throws, and is never longer than an address, whatever a client sends', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('forwarded', 'x-forwarded-for'), (line, header) => {
        const address = compileTrust({ hops: 3, header })('10.0.0.1', [header, line]);
        expect(address!.length).to.be.at.most(45);
      }),
    );
  });

  it('has options that are checked', () => {
    for (const [trust, message] of [
      [{}, /either hops or addresses/],
      [{ hops: 1, addresses: [] }, /either hops or addresses/],
      [{ hops: 0 }, /at least 1/],
      [{ hops: 1.5 }, /at least 1/],
      [{ hop: 1 }, /did you mean "hops"/],
      [true, /must be an object/],
      [{ hops: 1, header: 'x-real-ip' }, /x-real-ip/],
      [{ addresses: '10.0.0.1' }, /must be a list/],
      [{ addresses: ['10.0.0.0/33'] }, /10\.0\.0\.0\/33/],
      [{ addresses: ['proxy'] }, /proxy/],
      [{ addresses: ['10.0.0.1/'] }, /no network/],
    ] as const) {
      expect(() => compileTrust(trust as TrustProxy), JSON.stringify(trust)).to.throw(TypeError, message);
    }
  });
});

describe('server: who counts as one client', () => {
  it('is an IPv4 address, or an IPv6 network of 64 bits', () => {
    for (const [address, group] of [
      ['192.0.2.1', '192.0.2.1'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:0DB8:1:2::7', '2001:db8:1:2::/64'],
      ['2001:db8::7', '2001:db8:0:0::/64'],
      ['::1', '0:0:0:0::/64'],
      ['::', '0:0:0:0::/64'],
      ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
    ] as const) {
      expect(groupOf(address)).to.equal(group);
    }
  });
});
