import { type Connection, HandshakeError } from 'ants-ws';
import { expect } from 'chai';
import { upgradeWith } from './upgrading.js';

const advisories: [number: string, what: string, origin: string][] = [
  ['CVE-2025-24010 (Vite)', 'any page could connect to the development server', 'https://evil.example'],
  ['CVE-2025-30360 (webpack-dev-server)', 'pages of an IP address were let in', 'http://192.0.2.1'],
  ['CVE-2025-24964 (vitest)', 'any page could connect and run code', 'http://server.example.com:8080'],
];

describe('advisories: cross-site WebSocket hijacking', () => {
  for (const [number, what, origin] of advisories) {
    it(`${number}: ${what}`, async () => {
      let asked = 0;
      const options = { authorize: () => void asked++ };
      expect(await upgradeWith({ Origin: origin }, options))
        .to.be.instanceOf(HandshakeError)
        .with.property('status', 403);
      expect(asked).to.equal(0);
      const own = await upgradeWith({ Origin: 'http://server.example.com' }, options);
      expect(own).to.have.property('state', 'open');
      expect(asked).to.equal(1);
      (own as Connection).terminate();
    });
  }

  // The default can't tell a name of another from one of its own.
  it('CVE-2025-24010 (Vite): a page connected under a name of its own (DNS rebinding), unless origins is a function', async () => {
    const origins = (origin: string) => origin === 'http://localhost:5173';
    const rebound = { Host: 'evil.example', Origin: 'http://evil.example' };
    expect(await upgradeWith(rebound, { origins }))
      .to.be.instanceOf(HandshakeError)
      .with.property('status', 403);
    const own = await upgradeWith({ Host: 'localhost:8080', Origin: 'http://localhost:5173' }, { origins });
    expect(own).to.have.property('state', 'open');
    (own as Connection).terminate();
  });
});
