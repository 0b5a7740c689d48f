import { dial, HandshakeError } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

describe('example: authentication', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('lets in those with a token, wherever they carry it, and knows who they are', async () => {
    const program = start('authentication', ['0']);
    const url = await program.url();
    const inQuery = await dial(`${url}?token=ada-token`);
    const inHeader = await dial(url, { headers: { Authorization: 'Bearer ada-token' } });
    const inCookie = await dial(url, { headers: { Cookie: 'theme=dark; token=bob-token' } });
    for (const conn of [inQuery, inHeader, inCookie]) conn.send('hello');
    expect(await inQuery.receive()).to.equal('Ada: hello');
    expect(await inHeader.receive()).to.equal('Ada: hello');
    expect(await inCookie.receive()).to.equal('Bob may only read');
    await program.line(/^Bob came in$/);
    for (const conn of [inQuery, inHeader, inCookie]) void conn.closed;
    expect(await program.interrupt()).to.deep.equal(inOrder);
    expect(program.output).to.match(/stopped$/);
  });

  it('refuses the others with 401 before there is a connection', async () => {
    const program = start('authentication', ['0']);
    const url = await program.url();
    for (const wrong of [url, `${url}?token=eve-token`]) {
      const error = await dial(wrong).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.an.instanceof(HandshakeError);
      const { status, body, headers } = error as HandshakeError;
      expect(status).to.equal(401);
      expect(body).to.equal('Who are you? Bring a token.\n');
      expect(headers.get('www-authenticate')).to.equal('Bearer');
    }
    expect(await program.interrupt()).to.deep.equal(inOrder);
    expect(program.output).not.to.include('came in');
  });
});
