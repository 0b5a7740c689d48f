import { type Connection, dial, HandshakeError } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

async function next(conn: Connection): Promise<unknown> {
  return JSON.parse(String(await conn.receive()));
}

describe('example: JSON chat', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('brings together those who are in one room, and nobody else', async () => {
    const program = start('json-chat', ['0']);
    const url = await program.url();
    const ada = await dial(`${url}?room=garden&name=Ada`);
    expect(await next(ada)).to.deep.equal({ type: 'came', name: 'Ada' });
    const eve = await dial(`${url}?name=Eve`);
    expect(await next(eve)).to.deep.equal({ type: 'came', name: 'Eve' });
    const bob = await dial(`${url}?room=garden&name=Bob`);
    for (const guest of [ada, bob]) expect(await next(guest)).to.deep.equal({ type: 'came', name: 'Bob' });

    ada.send(JSON.stringify({ text: 'Hello, Bob!' }));
    for (const guest of [ada, bob]) {
      expect(await next(guest)).to.deep.equal({ type: 'said', name: 'Ada', text: 'Hello, Bob!' });
    }

    await bob.close();
    expect(await next(ada)).to.deep.equal({ type: 'left', name: 'Bob' });

    // Had the hall heard of the garden, it would come before this.
    eve.send(JSON.stringify({ text: 'Is anybody here?' }));
    expect(await next(eve)).to.deep.equal({ type: 'said', name: 'Eve', text: 'Is anybody here?' });

    // Whoever looks at `closed` is done reading: the end waits for nobody.
    const ended = Promise.all([ada.closed, eve.closed]);
    expect(await program.interrupt()).to.deep.equal(inOrder);
    for (const { code } of await ended) expect(code).to.equal(1001);
  });

  it('survives what is no JSON, or not what was agreed on', async () => {
    const program = start('json-chat', ['0']);
    const guest = await dial(`${await program.url()}?name=Ada`);
    expect(await next(guest)).to.deep.equal({ type: 'came', name: 'Ada' });
    for (const wrong of ['not JSON', 'null', '1', '{"text":1}', '[]', Buffer.from([0xff])]) {
      guest.send(wrong);
      expect(await next(guest)).to.deep.equal({ type: 'error', message: 'send { "text": "..." }' });
    }
    guest.send('{"text":"fine"}');
    expect(await next(guest)).to.deep.equal({ type: 'said', name: 'Ada', text: 'fine' });
    void guest.closed;
    expect(await program.interrupt()).to.deep.equal(inOrder);
  });

  it('sends away who does not read', async () => {
    const program = start('json-chat', ['0']);
    const url = `${await program.url()}?room=loud`;
    const deaf = await dial(`${url}&name=Deaf`);
    deaf.pause();
    const talker = await dial(`${url}&name=Talker`);
    const line = JSON.stringify({ text: 'x'.repeat(4000) });
    // The buffers of both systems fill up first, then that of the server.
    for await (const message of talker) {
      if (String(message) === '{"type":"left","name":"Deaf"}') break;
      await talker.send(line);
    }
    await talker.close();
    deaf.terminate();
    expect(await program.interrupt()).to.deep.equal(inOrder);
  });

  it('wants a name', async () => {
    const program = start('json-chat', ['0']);
    const url = await program.url();
    const error = await dial(url).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.an.instanceof(HandshakeError).with.property('status', 400);
    expect(await program.interrupt()).to.deep.equal(inOrder);
  });
});
