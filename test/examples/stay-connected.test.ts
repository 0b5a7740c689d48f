import { serve } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

describe('example: stay-connected', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('comes back when the server does, and brings a fresh token', async () => {
    const tokens: (string | null)[] = [];
    const echo = (port: number) =>
      serve({ host: '127.0.0.1', port }, async (conn) => {
        tokens.push(conn.request.headers.get('authorization'));
        for await (const message of conn) await conn.send(message);
      });
    let server = await echo(0);
    const url = server.url;
    const port = server.port!;
    const program = start('stay-connected', [url]);
    await program.line(/^connected, attempt 1$/);
    await program.line(/^received hello$/);
    await server.close();
    await program.line(/^lost it: 1001$/);
    await program.line(/^attempt 1: cannot connect to .*ECONNREFUSED.*; again in \d+ ms$/);
    server = await echo(port);
    await program.line(/^connected, attempt [2-9]/);
    expect(tokens[0]).to.equal('Bearer token-1');
    expect(tokens[1]).to.match(/^Bearer token-[2-9]/);
    expect(await program.interrupt()).to.deep.equal(inOrder);
    expect(program.output).to.match(/stopped$/);
    await server.close();
  });
});
