import { expect } from 'chai';
import sinon from 'sinon';
import type { Connection } from '#src/connection/connection.js';
import type { ConnectionOptions } from '#src/connection/options.js';
import { CloseError } from '#src/errors.js';
import { Opcode } from '#src/protocol/opcode.js';
import { fakeClockInEachTest } from '../support/clock.js';
import { outcome, rawPair, record, roles, settle } from '../support/connections.js';

interface Reported {
  readonly error: unknown;
  readonly connection: Connection<unknown>;
}

/** Options that note what goes to `onError`. */
function reporting(): { options: ConnectionOptions; reported: Reported[] } {
  const reported: Reported[] = [];
  return { options: { onError: (error, connection) => void reported.push({ error, connection }) }, reported };
}

const failure = new Error('a bug of the user');

describe('connection: errors of user code', () => {
  fakeClockInEachTest();

  const misuses: Record<string, (connection: Connection) => void> = {
    'a listener of message throws': (connection) =>
      connection.on('message', () => {
        throw failure;
      }),
    'an async listener of message rejects': (connection) =>
      connection.on('message', async () => {
        throw failure;
      }),
    'a listener of message rejects later': (connection) =>
      connection.on('message', async () => {
        await settle(2);
        throw failure;
      }),
    'a listener of ping throws': (connection) =>
      connection.on('ping', () => {
        throw failure;
      }),
    'a listener of pong throws': (connection) =>
      connection.on('pong', () => {
        throw failure;
      }),
    'a listener of drain throws': (connection) => {
      connection.on('drain', () => {
        throw failure;
      });
      void connection.send('x'.repeat(100_000));
    },
    'a handler throws': (connection) =>
      connection.run(() => {
        throw failure;
      }),
    'an async handler rejects': (connection) =>
      connection.run(async () => {
        await settle(2);
        throw failure;
      }),
    'an async handler rejects, with listeners left behind': (connection) =>
      connection.run(async () => {
        connection.on('message', () => {});
        throw failure;
      }),
    'a loop of a handler throws': (connection) =>
      connection.run(async () => {
        for await (const _ of connection) throw failure;
      }),
    'work of consume throws': (connection) =>
      connection.run(() =>
        connection.consume(() => {
          throw failure;
        }),
      ),
    'a handler returns a thenable that cannot be looked at': (connection) =>
      connection.run(() => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested
        get then(): never {
          throw failure;
        },
      })),
    'a handler returns a thenable that rejects': (connection) =>
      connection.run(() => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested
        then(_resolve: unknown, reject: (error: unknown) => void): void {
          reject(failure);
        },
      })),
  };
  for (const role of roles) {
    for (const [name, misuse] of Object.entries(misuses)) {
      it(`${name}: 1011, and onError once (${role})`, async () => {
        const { options, reported } = reporting();
        const { connection, peer } = rawPair(role, options);
        misuse(connection);
        peer.raw(
          Buffer.concat([
            peer.encode(Opcode.Text, 'a'),
            peer.encode(Opcode.Ping, 'p'),
            peer.encode(Opcode.Pong, 'q'),
          ]),
        );
        await settle(20);
        expect(reported).to.deep.equal([{ error: failure, connection }]);
        expect(peer.closes).to.deep.equal(['1011']);
        peer.close(1011);
        peer.end();
        expect(await connection.closed).to.include({ code: 1011, wasClean: true });
        expect(reported).to.have.lengthOf(1);
      });
    }
  }

  it('a listener of close that throws is reported; all else is over', async () => {
    for (const listener of [
      () => {
        throw failure;
      },
      async () => {
        throw failure;
      },
    ]) {
      const { options, reported } = reporting();
      const { connection, peer } = rawPair('server', options);
      connection.on('close', listener);
      peer.reset();
      await connection.closed;
      await settle();
      expect(reported).to.deep.equal([{ error: failure, connection }]);
      expect(connection.state).to.equal('closed');
    }
  });

  it('listeners get no more messages after one has thrown, in the same chunk or later', async () => {
    for (const when of ['live', 'queued', 'closing'] as const) {
      const { options, reported } = reporting();
      const { connection, peer } = rawPair('server', options);
      if (when === 'queued') {
        peer.texts('a', 'b');
        await settle();
      }
      if (when === 'closing') void connection.close(4000);
      const { messages } = record(connection);
      connection.on('message', () => {
        throw failure;
      });
      if (when !== 'queued') peer.texts('a', 'b');
      await settle();
      peer.texts('c');
      await settle();
      expect(messages).to.deep.equal(['a']);
      expect(reported).to.have.lengthOf(1);
      expect(peer.closes).to.deep.equal([when === 'closing' ? '4000' : '1011']);
    }
  });

  it('what others pull is still theirs', async () => {
    const { options } = reporting();
    const { connection, peer } = rawPair('server', options);
    connection.on('ping', () => {
      throw failure;
    });
    peer.texts('a');
    peer.frame(Opcode.Ping);
    await settle();
    expect(await connection.receive()).to.equal('a');
    const last = outcome(connection.receive());
    peer.close(1011);
    peer.end();
    expect(await last)
      .to.be.instanceOf(CloseError)
      .with.property('closeCode', 1011);
  });

  it('the CloseError of the connection is none, wherever it comes out', async () => {
    const { options, reported } = reporting();
    const { connection, peer } = rawPair('server', options);
    connection.run(async () => {
      for (;;) await connection.receive();
    });
    connection.on('ping', async () => {
      await settle();
      await connection.send('late');
    });
    connection.on('close', ({ error }) => {
      throw error;
    });
    await settle();
    peer.frame(Opcode.Ping);
    await settle(1);
    peer.reset();
    await connection.closed;
    connection.run(() => connection.send('later'));
    connection.run(() => connection.ping());
    await settle(20);
    expect(reported).to.be.empty;

    const closing = rawPair('server', options);
    void closing.connection.close(4000);
    closing.connection.run(() => closing.connection.send('late'));
    await settle();
    expect(reported).to.be.empty;
  });

  it('the CloseError of another connection is one, and so is a look-alike', async () => {
    const other = rawPair('server').connection;
    other.terminate();
    const { error } = await other.closed;
    for (const thrown of [error, undefined, null]) {
      const { options, reported } = reporting();
      const { connection, peer } = rawPair('server', options);
      connection.run(async () => {
        throw thrown;
      });
      await settle();
      expect(reported.map((report) => report.error)).to.deep.equal([thrown]);
      expect(peer.closes).to.deep.equal(['1011']);
    }
  });

  for (const [how, tell] of [
    [
      'throws',
      (error: Error) => {
        throw error;
      },
    ],
    [
      'rejects',
      async (error: Error) => {
        throw error;
      },
    ],
  ] as const) {
    it(`do no harm when onError ${how} as well: both are printed`, async () => {
      const print = sinon.stub(console, 'error');
      try {
        const second = new Error('onError is broken');
        const { connection, peer } = rawPair('server', { onError: () => tell(second) });
        connection.on('message', () => {
          throw failure;
        });
        peer.texts('a');
        await settle();
        expect(print.args).to.deep.equal([[failure, second]]);
        expect(peer.closes).to.deep.equal(['1011']);
      } finally {
        print.restore();
      }
    });
  }

  it('are printed by default', async () => {
    const print = sinon.stub(console, 'error');
    try {
      const { connection } = rawPair('server');
      connection.run(() => {
        throw failure;
      });
      expect(print.args).to.have.lengthOf(1);
      expect(print.args[0]?.[0]).to.match(/^ants-ws: /);
      expect(print.args[0]?.[1]).to.equal(failure);
    } finally {
      print.restore();
    }
  });
});

describe('connection: run', () => {
  fakeClockInEachTest();

  const stays: Record<string, (connection: Connection) => unknown> = {
    'returned at once': () => undefined,
    'returned a value': () => 'value',
    'returned null': () => null,
    'is async and left a listener': async (connection) => {
      await settle(2);
      connection.on('message', () => {});
    },
    'is async and has not settled': () => new Promise(() => {}),
  };
  for (const [name, handler] of Object.entries(stays)) {
    it(`leaves the connection open when the handler ${name}`, async () => {
      const { connection, peer } = rawPair('server');
      let seen: unknown;
      connection.run((given) => {
        seen = given;
        return handler(given);
      });
      await settle(10);
      expect(seen).to.equal(connection);
      expect(connection.state).to.equal('open');
      expect(peer.frames).to.be.empty;
    });
  }

  for (const role of roles) {
    it(`closes with 1000 when an async handler has settled (${role})`, async () => {
      const { connection, peer } = rawPair(role);
      connection.run(async () => {
        await settle(2);
        void connection.send('bye');
      });
      await settle(10);
      expect(peer.messages).to.deep.equal(['bye']);
      expect(peer.closes).to.deep.equal(['1000']);
    });
  }

  it('changes nothing when the connection has ended before the handler', async () => {
    const { connection, peer } = rawPair('server');
    connection.run(async () => {
      for await (const message of connection) expect(message).to.equal('a');
    });
    peer.texts('a');
    peer.close(1000);
    peer.end();
    expect(await connection.closed).to.include({ code: 1000, wasClean: true });
    await settle();
    expect(peer.closes).to.deep.equal(['1000']);
  });
});
