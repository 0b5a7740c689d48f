import { expect } from 'chai';
import { dial } from '#src/client/dial.js';
import { serve } from '#src/server/serve.js';
import { Upgrader, type upgrade } from '#src/server/upgrader.js';
import { type Equal, expectType } from '../types/expect-type.js';

describe('server: the type of data', () => {
  it('is what authorize returns beside a Response', async () => {
    const server = await serve(
      {
        host: '127.0.0.1',
        authorize: async (request) =>
          request.url === '/no' ? new Response('no', { status: 403 }) : { user: 'ann' },
      },
      (connection) => {
        expectType<Equal<typeof connection.data, { user: string }>>();
        connection.close(1000, connection.data.user);
      },
    );
    const connection = await dial(server.url);
    expect(await connection.closed).to.include({ reason: 'ann' });
    await server.close();
  });
});

// What follows is checked by the compiler alone.
new Upgrader().handler((connection) => expectType<Equal<typeof connection.data, undefined>>());
new Upgrader({ authorize: () => 5 }).handler('/a', (connection) =>
  expectType<Equal<typeof connection.data, number>>(),
);
type Upgraded = Awaited<ReturnType<typeof upgrade<string>>>['data'];
expectType<Equal<Upgraded, string>>();
type Dialled = Awaited<ReturnType<typeof dial<string>>>['data'];
expectType<Equal<Dialled, string>>();
