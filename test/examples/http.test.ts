import { once } from 'node:events';
import { request } from 'node:http';
import { dial, HandshakeError } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

/** What `promise` rejects with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}

describe('example: on an HTTP server that is already there', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('http-server shares its port with routes and with the upgrades of others', async () => {
    const program = start('http-server', ['0']);
    const url = await program.url();

    const conn = await dial(new URL('ants', url));
    conn.send('hello');
    expect(await conn.receive()).to.equal('hello');

    const page = await fetch(url);
    expect(await page.text()).to.equal('Hello over HTTP. 1 WebSockets are open.\n');
    expect((await fetch(new URL('nothing', url))).status).to.equal(404);

    const asking = request(new URL('clock', url), { headers: { Connection: 'Upgrade', Upgrade: 'clock' } });
    asking.end();
    const [response, socket, head] = await once(asking, 'upgrade');
    expect(response.headers.upgrade).to.equal('clock');
    let time = String(head);
    socket.on('data', (chunk: Buffer) => {
      time += chunk;
    });
    await once(socket, 'end');
    socket.destroy();
    expect(time).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z\n$/);

    const error = await rejection(dial(new URL('elsewhere', url)));
    expect(error).to.be.an.instanceof(HandshakeError).with.property('status', 404);

    const ended = conn.closed;
    expect(await program.interrupt()).to.deep.equal(inOrder);
    expect((await ended).code).to.equal(1001);
    expect(program.output).to.match(/stopped$/);
  });

  it('express passes on what is posted', async () => {
    const program = start('express', ['0']);
    const url = await program.url();
    const readers = await Promise.all([dial(url), dial(url)]);
    readers[0]!.send('nobody reads this');

    const headers = { 'Content-Type': 'text/plain' };
    const posted = await fetch(url, { method: 'POST', body: 'It rains.', headers });
    expect(await posted.json()).to.deep.equal({ readers: 2 });
    for (const reader of readers) expect(await reader.receive()).to.equal('It rains.');

    const error = await rejection(dial(new URL('elsewhere', url)));
    expect(error).to.be.an.instanceof(HandshakeError).with.property('status', 404);

    const ended = Promise.all(readers.map((reader) => reader.closed));
    expect(await program.interrupt()).to.deep.equal(inOrder);
    for (const { code } of await ended) expect(code).to.equal(1001);
    expect(program.output).to.match(/stopped$/);
  });
});
