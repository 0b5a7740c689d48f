import { dial, serve } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

describe('example: the echo server and its client', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('ants-server echoes, tells how connections end, and stops', async () => {
    const program = start('ants-server', ['0']);
    const url = await program.url();
    expect(url).to.match(/^ws:\/\/localhost:\d+\/ants$/);

    const first = await dial(url);
    await program.line(/^ant 1 came from (127\.0\.0\.1|::1)$/);
    first.send('hello');
    first.send(Buffer.from([1, 2, 3]));
    expect(await first.receive()).to.equal('hello');
    expect(await first.receive()).to.deep.equal(Buffer.from([1, 2, 3]));
    await first.close(4000, 'enough');
    await program.line(/^ant 1 left with 4000 "enough"/);

    const second = await dial(url);
    second.terminate();
    await program.line(/^ant 2 left with 1006 "": ./);

    const third = await dial(url);
    await program.line(/^ant 3 came/);
    expect(await program.interrupt()).to.deep.equal(inOrder);
    expect((await third.closed).code).to.equal(1001);
    expect(program.output).to.include('ant 3 left with 1001');
  });

  it('ants-server takes its port from PORT', async () => {
    const program = start('ants-server', [], { PORT: '0' });
    expect(new URL(await program.url()).port).not.to.equal('8080');
    expect(await program.interrupt()).to.deep.equal(inOrder);
  });

  it('ants-client says hello, prints what comes back, and says goodbye', async () => {
    const server = start('ants-server', ['0']);
    const client = start('ants-client', [await server.url()]);
    await client.line(/^connected to ws:/);
    await client.line(/^received: hello 1$/);
    await client.line(/^received: hello 2$/);
    expect(await client.interrupt()).to.deep.equal(inOrder);
    expect(client.output).to.match(/closed with 1000, clean$/);
    await server.line(/^ant 1 left with 1000 "bye"$/);
    expect(await server.interrupt()).to.deep.equal(inOrder);
  });

  it('ants-client ends in order when the server stops', async () => {
    const server = start('ants-server', ['0']);
    const client = start('ants-client', [await server.url()]);
    await client.line(/^received: hello 1$/);
    expect(await server.interrupt()).to.deep.equal(inOrder);
    expect(await client.exited).to.deep.equal(inOrder);
    expect(client.output).to.match(/closed with 1001, clean$/);
  });

  it('ants-client says why it cannot connect, or why the connection broke', async () => {
    const server = await serve({ port: 0, host: '127.0.0.1' }, (conn) => {
      conn.on('message', () => conn.terminate());
    });
    const broken = start('ants-client', [server.url]);
    expect(await broken.exited).to.deep.equal({ code: 1, signal: null });
    expect(broken.output).to.match(/without a Close frame|ECONNRESET/);
    await server.close();

    const refused = start('ants-client', [server.url]);
    expect(await refused.exited).to.deep.equal({ code: 1, signal: null });
    expect(refused.output).to.match(/^cannot connect to .*ECONNREFUSED/);
  });
});
