import { Connection, HandshakeRequest, type TransportHandler } from 'ants-ws';
import { memoryPair } from 'ants-ws/testing';
import { expect } from 'chai';
import { settle } from '../support/connections.js';

/** Notes what a transport tells its owner. */
function notes(): TransportHandler & { readonly events: string[] } {
  const events: string[] = [];
  return {
    events,
    onData: (chunk) => events.push(`data ${chunk}`),
    onEnd: () => events.push('end'),
    onClose: (error) => events.push(`close ${error?.message ?? 'in order'}`),
  };
}

describe('testing: memoryPair', () => {
  it('carries bytes, ends and closes in order', async () => {
    const [a, b] = memoryPair();
    const [atA, atB] = [notes(), notes()];
    a.start(atA);
    b.start(atB);
    a.write(Buffer.from('one'), () => atA.events.push('written'));
    a.end();
    a.end();
    await settle();
    expect(atA.events).to.deep.equal(['written']);
    expect(atB.events).to.deep.equal(['data one', 'end']);
    b.end();
    await settle();
    expect(atA.events).to.deep.equal(['written', 'end', 'close in order']);
    expect(atB.events).to.deep.equal(['data one', 'end', 'close in order']);
    expect([a.isDestroyed, a.hasEnded]).to.deep.equal([true, true]);
  });

  it('holds back what the other end does not read', async () => {
    const [a, b] = memoryPair();
    const atB = notes();
    b.start(atB);
    b.pause();
    a.write(Buffer.from('one'), () => {});
    await settle();
    expect(atB.events).to.deep.equal([]);
    expect([a.pendingBytes, b.isPaused]).to.deep.equal([3, true]);
    b.resume();
    await settle();
    expect(atB.events).to.deep.equal(['data one']);
    expect(b.counts).to.deep.equal({ writes: 0, pauses: 1, resumes: 1 });
    expect(a.counts).to.deep.equal({ writes: 1, pauses: 0, resumes: 0 });
  });

  it('is reset by destroy, and tells whoever starts later', async () => {
    const [a, b] = memoryPair();
    const atB = notes();
    b.start(atB);
    const errors: unknown[] = [];
    a.write(Buffer.from('one'), (error) => errors.push(error?.message));
    a.destroy();
    await settle();
    expect(atB.events).to.deep.equal(['close read ECONNRESET']);
    a.write(Buffer.from('two'), (error) => errors.push(error?.message));
    await settle();
    expect(errors).to.deep.equal(['destroyed', 'write after end']);
    const atA = notes();
    a.start(atA);
    expect(atA.events).to.deep.equal(['close in order']);
  });

  it('is a transport for a Connection, and raw bytes at the other end', async () => {
    const [ours, theirs] = memoryPair();
    const conn = new Connection({
      role: 'server',
      transport: ours,
      subprotocol: undefined,
      request: new HandshakeRequest('/', []),
      data: undefined,
      options: {},
    });
    const peer = notes();
    theirs.start(peer);
    void conn.send('hi');
    await settle();
    expect(peer.events).to.deep.equal(['data \u0081\u0002hi'.replace('\u0081', '\ufffd')]);
    conn.terminate();
    expect((await conn.closed).code).to.equal(1006);
  });
});
