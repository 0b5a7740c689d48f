import { expect } from 'chai';
import type { ConnectionOptions } from '#src/connection/options.js';
import { TestClock } from '#src/testing/test-clock.js';
import { rawPair, settle } from '../support/connections.js';

describe('connection: what is given back while it is idle', () => {
  const options: Record<string, ConnectionOptions> = {
    'a heartbeat': {},
    'no heartbeat, but another deadline': { heartbeatInterval: Infinity, idleTimeout: 10_000_000 },
  };
  for (const [name, option] of Object.entries(options)) {
    it(`leaves no listener without the messages that came before: ${name}`, async () => {
      const clock = new TestClock();
      const { connection, peer } = rawPair('server', { ...option, writeTimeout: 1_000 }, clock);
      await settle();
      peer.texts('before');
      await settle();
      // What bytes that leave late set rings at other times, too.
      for (let i = 0; i < 3; i++) {
        clock.advance(31_000);
        await settle();
        connection.ping();
        await settle();
      }
      const messages: unknown[] = [];
      connection.on('message', (message) => void messages.push(message));
      await settle();
      expect(messages).to.deep.equal(['before']);
      connection.terminate();
    });
  }

  it('leaves the rest of the queue to a later once()', async () => {
    const clock = new TestClock();
    const { connection, peer } = rawPair('server', {}, clock);
    const messages: unknown[] = [];
    const take = (): void => void connection.once('message', (message) => messages.push(message));
    take();
    await settle();
    peer.texts('one', 'two');
    await settle();
    clock.advance(31_000);
    await settle();
    take();
    await settle();
    expect(messages).to.deep.equal(['one', 'two']);
    connection.terminate();
  });
});
