import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dial, HandshakeError } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from './program.js';

const fixtures = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url));
const cert = join(fixtures, 'cert.pem');
const key = join(fixtures, 'key.pem');

describe('example: TLS', function () {
  this.timeout(30_000);
  afterEach(killAll);

  it('serves wss: to those who trust the certificate', async () => {
    const program = start('tls', [cert, key, '0']);
    const url = await program.url();
    expect(url).to.match(/^wss:\/\/localhost:\d+\/$/);

    const conn = await dial(url, { tls: { ca: readFileSync(cert) } });
    conn.send('hello');
    expect(await conn.receive()).to.equal('hello');

    const error = await dial(url).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.an.instanceof(HandshakeError).with.property('code', 'ANTS_CONNECT_FAILED');

    const ended = conn.closed;
    expect(await program.interrupt()).to.deep.equal(inOrder);
    expect((await ended).code).to.equal(1001);
    expect(program.output).to.match(/stopped$/);
  });

  it('can be talked to by the client of the examples, which is told what to trust', async () => {
    const program = start('tls', [cert, key, '0']);
    const client = start('ants-client', [await program.url()], { NODE_EXTRA_CA_CERTS: cert });
    await client.line(/^received: hello 1$/);
    expect(await client.interrupt()).to.deep.equal(inOrder);
    expect(await program.interrupt()).to.deep.equal(inOrder);
  });

  it('says how to start it', async () => {
    const program = start('tls');
    expect((await program.exited).code).to.equal(1);
    expect(program.output).to.include('usage: node build/examples/tls.js cert.pem key.pem [port]');
  });
});
