import { once } from 'node:events';
import { type AddressInfo, createServer as createPlainServer, type Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { expect } from 'chai';
import sinon from 'sinon';
import { dial } from '#src/client/dial.js';
import type { DialOptions } from '#src/client/options.js';
import type { HandshakeError } from '#src/errors.js';
import { signed, tls } from '../fixtures/tls.js';
import { switching } from './raw-server.js';

const { key } = tls;
const { ca } = signed;

/** A TLS server that opens every WebSocket; what it saw of its clients. */
async function start(options: TlsOptions) {
  const seen: { servername: string | false; alpn: string | false | null; peer: string | undefined }[] = [];
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ key, cert: signed.good, ...options }, (socket: TLSSocket) => {
    const { servername, alpnProtocol } = socket;
    seen.push({
      servername: servername as string | false,
      alpn: alpnProtocol,
      peer: socket.getPeerCertificate().subject?.CN as string | undefined,
    });
    socket
      .on('error', () => {})
      .once('data', (request) => {
        requests.push(request.toString('latin1'));
        socket.write(switching(request.toString('latin1')));
      });
  });
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    requests,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

type Started = Awaited<ReturnType<typeof start>>;

describe('client: TLS', () => {
  let server: Started;

  afterEach(async () => {
    sinon.restore();
    await server.stop();
  });

  /** Dials the server by `host`; the connection is cut at once. */
  async function open(host: string, options: DialOptions = {}): Promise<void> {
    const connection = await dial(`wss://${host}:${server.port}/`, { tls: { ca, ...options.tls } });
    connection.terminate();
    await connection.closed;
  }

  async function failure(host: string, options: DialOptions = {}): Promise<HandshakeError> {
    try {
      await open(host, options);
    } catch (error) {
      return error as HandshakeError;
    }
    throw new Error('it opened');
  }

  it('names the host, but no address, and speaks HTTP/1.1 alone', async () => {
    server = await start({ ALPNProtocols: ['h2', 'http/1.1'] });
    await open('localhost');
    await open('127.0.0.1');
    await open('127.0.0.1', { tls: { servername: 'localhost', ALPNProtocols: ['h2'] } });
    expect(server.seen).to.deep.equal([
      { servername: 'localhost', alpn: 'http/1.1', peer: undefined },
      { servername: false, alpn: 'http/1.1', peer: undefined },
      { servername: 'localhost', alpn: 'http/1.1', peer: undefined },
    ]);
  });

  const bad: [name: string, cert: string, code: string, says: RegExp][] = [
    [
      'has expired',
      signed.expired,
      'CERT_HAS_EXPIRED',
      /expired; the server needs a new certificate, unless/,
    ],
    [
      'is not valid yet',
      signed.early,
      'CERT_NOT_YET_VALID',
      /not yet valid; the server needs a new certificate, unless/,
    ],
    [
      'is for another host',
      signed.otherHost,
      'ERR_TLS_CERT_ALTNAME_INVALID',
      /other\.example.*; dial a name that the certificate has/,
    ],
    [
      'is signed by itself',
      tls.cert,
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      /self.signed.*; trust it with the option tls: \{ ca \}$/,
    ],
  ];
  for (const [name, cert, code, says] of bad) {
    it(`refuses a certificate that ${name}, before the request is sent`, async () => {
      server = await start({ cert });
      const error = await failure('localhost');
      expect(error).to.have.property('code', 'ANTS_CONNECT_FAILED');
      expect(error).nested.property('cause.code').to.equal(code);
      expect(error.message)
        .to.match(/^cannot connect to localhost:\d+: /)
        .and.match(says);
      await open('localhost', { tls: { rejectUnauthorized: false } });
      expect(server.requests).to.have.lengthOf(1);
    });
  }

  it('refuses a certificate whose authority it does not know', async () => {
    server = await start({});
    const error = await failure('localhost', { tls: { ca: tls.cert } });
    expect(error.message).to.match(/; trust it with the option tls: \{ ca \}$/);
    expect(server.requests).to.deep.equal([]);
  });

  it('checks the host by servername, and by checkServerIdentity', async () => {
    server = await start({ cert: signed.otherHost });
    await open('127.0.0.1', { tls: { servername: 'other.example' } });
    const checkServerIdentity = sinon.fake();
    await open('localhost', { tls: { checkServerIdentity } });
    expect(checkServerIdentity.firstCall.args[0]).to.equal('localhost');
  });

  it('brings a client certificate, and says so when one is wanted', async () => {
    server = await start({ requestCert: true, rejectUnauthorized: true, ca });
    await open('localhost', { tls: { key, cert: signed.client } });
    expect(server.seen.map(({ peer }) => peer)).to.deep.equal(['ada']);
    const error = await failure('localhost');
    expect(error.code).to.equal('ANTS_CONNECT_FAILED');
    expect(error.message).to.match(
      /wants a certificate of the client; see the option tls: \{ cert, key \}$|closed before/,
    );
  });

  it('gives up in the middle of the TLS handshake, by the deadline and by the signal', async () => {
    server = await start({});
    const accepted: Socket[] = [];
    const silent = createPlainServer((socket) => accepted.push(socket.on('error', () => {}))).listen(
      0,
      '127.0.0.1',
    );
    await once(silent, 'listening');
    const url = `wss://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const controller = new AbortController();
    for (const end of [() => clock.tick(500), () => controller.abort(new Error('given up'))]) {
      const { signal } = controller;
      const dialled = dial(url, { handshakeTimeout: 500, signal });
      const error = dialled.then(
        () => 'opened',
        (reason: Error) => (reason as HandshakeError).code ?? reason.message,
      );
      const [socket] = (await once(silent, 'connection')) as [Socket];
      // The client has sent its part.
      await once(socket, 'data');
      end();
      expect(await error).to.be.oneOf(['ANTS_HANDSHAKE_TIMEOUT', 'given up']);
      if (!socket.closed) await once(socket, 'close');
      expect(clock.countTimers()).to.equal(0);
    }
    silent.close();
  });
});
