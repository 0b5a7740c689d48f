import { Agent } from 'node:http';
import { expect } from 'chai';
import sinon from 'sinon';
import { parseAddress } from '#src/client/address.js';
import { dial } from '#src/client/dial.js';
import { compileOptions, type DialOptions } from '#src/client/options.js';
import { type Destination, redirected } from '#src/client/redirect.js';
import { HandshakeError, TimeoutError } from '#src/errors.js';
import { RawServer } from './raw-server.js';

function from(url: string, options: DialOptions = {}): Destination {
  return { address: parseAddress(url), settings: compileOptions(options) };
}

/** The destination behind a 302 to `location`. */
function follow(origin: Destination, location: string, status = 302): Destination | undefined {
  return redirected({ status, rawHeaders: ['location', location] }, origin);
}

/** What `call` throws. */
function thrown(call: () => unknown): HandshakeError {
  try {
    call();
  } catch (error) {
    return error as HandshakeError;
  }
  throw new Error('it did not throw');
}

describe('client: redirect', () => {
  it('leads to absolute and relative places, by the five statuses', () => {
    const places: [location: string, host: string, target: string, isSecure?: boolean][] = [
      ['ws://b.example/c?d#e', 'b.example', '/c?d'],
      ['http://b.example:8080', 'b.example:8080', '/'],
      ['https://b.example/', 'b.example', '/', true],
      ['/c', 'a.example:81', '/c'],
      ['c', 'a.example:81', '/x/c'],
      ['?q', 'a.example:81', '/x/y?q'],
      ['//b.example/c', 'b.example', '/c'],
      ['', 'a.example:81', '/x/y?z'],
    ];
    for (const status of [301, 302, 303, 307, 308]) {
      for (const [location, host, target, isSecure = false] of places) {
        const next = follow(from('ws://a.example:81/x/y?z'), location, status)!;
        expect(next.address, location).to.include({ host, target, isSecure });
      }
    }
  });

  it('is one of these statuses, with a Location', () => {
    for (const status of [200, 300, 304, 305, 306, 401])
      expect(follow(from('ws://a/'), '/b', status)).to.equal(undefined);
    expect(redirected({ status: 302, rawHeaders: [] }, from('ws://a/'))).to.equal(undefined);
  });

  const headers = [
    'authorization',
    'Bearer x',
    'Cookie',
    'a=b',
    'host',
    'other',
    'proxy-authorization',
    'y',
    'X-A',
    '1',
  ];
  const pairs = Object.fromEntries(
    headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]!]] : [])),
  );
  const tls = {
    ca: 'ca',
    cert: 'cert',
    key: 'key',
    pfx: 'pfx',
    passphrase: 'p',
    servername: 'a',
    minVersion: 'TLSv1.3' as const,
  };

  it('keeps credentials within the origin', () => {
    const origin = from('ws://ann:secret@a.example/', { headers: pairs, tls });
    for (const location of [
      '/b',
      'ws://a.example/b',
      'http://A.example:80/b',
      'ws://eve:other@a.example/b',
    ]) {
      const next = follow(origin, location)!;
      expect(next.address.authorization).to.equal(origin.address.authorization);
      expect(next.settings).to.equal(origin.settings);
    }
  });

  it('leaves credentials and cookies behind when it leads elsewhere, also for good', () => {
    const origin = from('ws://ann:secret@a.example/', { headers: pairs, tls });
    for (const location of [
      'ws://b.example/',
      'ws://a.example:81/',
      'wss://a.example/',
      'ws://eve:other@b.example/',
    ]) {
      const next = follow(origin, location)!;
      expect(next.address.authorization, location).to.equal(undefined);
      expect(next.settings.headers).to.deep.equal(['X-A', '1']);
      expect(next.settings.tls).to.deep.equal({ ca: 'ca', minVersion: 'TLSv1.3' });
      const back = follow({ ...next, address: { ...next.address, isSecure: false } }, 'ws://a.example/')!;
      expect(back.settings.headers).to.deep.equal(['X-A', '1']);
      expect(back.address.authorization).to.equal(undefined);
    }
  });

  it('is refused when it leads away from TLS, to what is no WebSocket, or from a unix socket', () => {
    const secure = from('wss://a.example/');
    for (const location of [
      'ws://a.example/',
      'http://a.example:443/',
      'ftp://a/',
      'http://',
      'javascript:x',
      'ws://[/',
    ]) {
      const error = thrown(() => follow(secure, location));
      expect(error, location).to.be.instanceOf(HandshakeError).with.property('code', 'ANTS_REDIRECT_REFUSED');
      expect(error.message)
        .to.include(JSON.stringify(location))
        .and.match(/is not followed: it (leads from wss|is no URL)/);
      expect(error.status).to.equal(302);
      expect(error.headers.get('location')).to.equal(location);
    }
    const local = from('ws://a.example/', { socketPath: '/run/a.sock' });
    expect(follow(local, '/b')!.settings.socketPath).to.equal('/run/a.sock');
    expect(() => follow(local, 'ws://b.example/')).to.throw(HandshakeError, 'socketPath');
    const twice = ['Location', '/a', 'Location', '/b'];
    expect(() => redirected({ status: 302, rawHeaders: twice }, secure)).to.throw(
      HandshakeError,
      'more than one',
    );
  });

  describe('of a dial', () => {
    let first: RawServer;
    let second: RawServer;

    beforeEach(async () => {
      [first, second] = [await RawServer.start(), await RawServer.start()];
    });

    afterEach(async () => {
      sinon.restore();
      await first.stop();
      await second.stop();
    });

    const moved = (location: string, behind = 'Content-Length: 0\r\n\r\n') =>
      `HTTP/1.1 302 Found\r\nLocation: ${location}\r\n${behind}`;

    async function rejection(promise: Promise<unknown>): Promise<HandshakeError> {
      return promise.then(
        () => {
          throw new Error('it resolved');
        },
        (error) => error as HandshakeError,
      );
    }

    it('is followed with a new key, on a socket of its own, whatever its body', async () => {
      for (const agent of [undefined, new Agent()]) {
        const url = first.url.replace('ws://', 'ws://ann:secret@');
        const dialled = dial(url, { maxRedirects: 2, agent, headers: { Cookie: 'a=b', 'X-A': '1' } });
        const one = await first.answer(moved('/next', 'Content-Length: 1000\r\n\r\nand then nothing'));
        const two = await first.answer(moved(`http://127.0.0.1:${second.port}/there?`));
        const three = await second.accept();
        const connection = await dialled;
        expect(one.text).to.include('Authorization: Basic').and.include('Cookie: a=b');
        expect(two.text)
          .to.match(/^GET \/next /)
          .and.include('Authorization: Basic')
          .and.include('Cookie: a=b');
        expect(three.text)
          .to.match(/^GET \/there /)
          .and.not.match(/Authorization|Cookie/);
        expect(three.text).to.include(`Host: 127.0.0.1:${second.port}\r\n`).and.include('X-A: 1\r\n');
        const keys = [one, two, three].map(({ text }) => /Key: (.*)\r\n/.exec(text)![1]);
        expect(new Set(keys).size).to.equal(3);
        expect(connection.request.url).to.equal('/there');
        connection.terminate();
        await connection.closed;
      }
    });

    it('is a refusal like any other by default', async () => {
      const dialled = dial(first.url);
      await first.answer(moved('/next', 'Content-Length: 5\r\n\r\nthere'));
      expect(await rejection(dialled)).to.include({
        code: 'ANTS_HANDSHAKE_REFUSED',
        status: 302,
        body: 'there',
      });
    });

    it('is not followed more often than the option says', async () => {
      const dialled = dial(first.url, { maxRedirects: 2 });
      for (let i = 0; i < 3; i++) await first.answer(moved('/'));
      const error = await rejection(dialled);
      expect(error).to.include({ code: 'ANTS_TOO_MANY_REDIRECTS', status: 302 });
      expect(error.message).to.equal(
        'the server redirects more than 2 times, which is the option maxRedirects',
      );
      for (const maxRedirects of [-1, 1.5, '1' as never]) {
        expect(await rejection(dial(first.url, { maxRedirects }))).to.be.instanceOf(TypeError);
      }
    });

    it('that ends in a refusal gives that one', async () => {
      const dialled = dial(first.url, { maxRedirects: 2 });
      await first.answer(moved('/next'));
      await first.answer('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno');
      expect(await rejection(dialled)).to.include({
        code: 'ANTS_HANDSHAKE_REFUSED',
        status: 403,
        body: 'no',
      });
    });

    it('that an agent cannot follow says so', async () => {
      const dialled = dial(first.url, { maxRedirects: 2, agent: new Agent() });
      await first.answer(moved(`https://127.0.0.1:${second.port}/`));
      const error = await rejection(dialled);
      expect(error.code).to.equal('ANTS_REDIRECT_REFUSED');
      expect(error.message).to.include('the agent does not take it');
    });

    it('shares the deadline with those before it, and names where it was', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const dialled = dial(first.url, { maxRedirects: 2, handshakeTimeout: 500 });
      await first.request().then(({ socket }) => {
        clock.tick(400);
        socket.write(moved(second.url));
      });
      await second.request();
      clock.tick(100);
      const error = await rejection(dialled);
      expect(error).to.be.instanceOf(TimeoutError);
      expect(error.message).to.include(String(second.port));
      expect(clock.countTimers()).to.equal(0);
    });
  });
});
