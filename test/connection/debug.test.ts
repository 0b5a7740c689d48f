import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { root } from '../house/root.js';

const program = `
  import { dial, serve } from 'ants-ws';
  const server = await serve({ host: '127.0.0.1', fragmentSize: 100_000 }, async (conn) => {
    for await (const message of conn) await conn.send(message);
  });
  const conn = await dial(server.url, { fragmentSize: 4 });
  await conn.send('hello');
  await conn.receive();
  await conn.send(Buffer.of());
  await conn.receive();
  await conn.send(Buffer.alloc(20_000, 1), {});
  await conn.receive();
  await conn.ping('hi');
  await conn.close(4000, 'bye');
  await server.close();
`;

/** The lines that the program prints to standard error. */
function run(debug: string): string[] {
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_DEBUG: debug },
  });
  expect(status).to.equal(0);
  return stderr.split('\n').filter((line) => line.startsWith('ANTS '));
}

describe('NODE_DEBUG=ants', () => {
  it('prints a line for each frame of both ends', () => {
    const lines = run('ants').map((line) => line.replace(/^ANTS \d+: /, ''));
    const client = lines.filter((line) => line.startsWith('client'));
    const label = client[0]!.split(' ')[0];
    expect(label).to.match(/^client#\d$/);
    expect(client.slice(0, 5)).to.deep.equal([
      `${label} -> text, more to come, 4 bytes: "hell"`,
      `${label} -> continuation, 1 byte: 6f`,
      `${label} <- text, 5 bytes: "hello"`,
      `${label} -> binary, 0 bytes`,
      `${label} <- binary, 0 bytes`,
    ]);
    expect(client.slice(-5)).to.deep.equal([
      `${label} <- binary, 20000 bytes: ${'01'.repeat(16)}…`,
      `${label} -> ping, 2 bytes: 6869`,
      `${label} <- pong, 2 bytes: 6869`,
      `${label} -> close, 5 bytes: 4000 "bye"`,
      `${label} <- close, 2 bytes: 4000`,
    ]);
    const server = lines.filter((line) => line.startsWith('server'));
    expect(server.map((line) => line.split(' ')[1]).join('')).to.include('<-<-->');
    expect(server.at(-1)).to.match(/^server#\d -> close, 2 bytes: 4000$/);
  });

  it('prints nothing without it', () => {
    expect(run('')).to.be.empty;
  });
});
