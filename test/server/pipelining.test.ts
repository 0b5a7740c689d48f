import type { ServerResponse } from 'node:http';
import { Upgrader } from 'ants-ws';
import { expect } from 'chai';
import { Harness, rejection } from './harness.js';
import { formatRequest } from './raw-client.js';

const plainRequest = 'GET /page HTTP/1.1\r\nHost: a\r\n\r\n';

describe('server: an upgrade behind an earlier request', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(() => harness.stop());

  it('that has no answer yet is refused, and the connection cut: the answer would stand between frames', async () => {
    const upgrader = new Upgrader();
    const responses: ServerResponse[] = [];
    harness.http.on('request', (_request, response) => responses.push(response));
    const { client, request, socket, head } = await harness.request(plainRequest + formatRequest());
    expect(responses).to.have.lengthOf(1);
    const error = await rejection(upgrader.upgrade(request, socket, head));
    expect(error).to.include({ code: 'ANTS_HANDSHAKE_REFUSED', status: undefined });
    expect(error).to.have.property('message').that.includes('pipelined');
    responses[0]!.end('late');
    expect(await client.ended).to.equal('');
    expect(upgrader.stats.refused).to.equal(1);
  });

  it('also when only the second of two was answered', async () => {
    const upgrader = new Upgrader();
    const responses: ServerResponse[] = [];
    harness.http.on('request', (_request, response) => responses.push(response));
    const { request, socket, head } = await harness.request(plainRequest + plainRequest + formatRequest());
    responses[1]!.end('early');
    expect(await rejection(upgrader.upgrade(request, socket, head))).to.have.property(
      'code',
      'ANTS_HANDSHAKE_REFUSED',
    );
  });

  it('for a path that nobody serves is cut as well', async () => {
    harness.http.on('request', () => {});
    harness.http.on(
      'upgrade',
      new Upgrader().handler('/chat', () => {}),
    );
    const client = await harness.connect();
    client.write(plainRequest + formatRequest({ url: '/other' }));
    expect(await client.ended).to.equal('');
  });

  it('that was answered is accepted, in the same packet or later', async () => {
    harness.http.on('request', (_request, response) => response.end('page'));
    const upgrader = new Upgrader();
    const { client, request, socket, head } = await harness.request(plainRequest + formatRequest());
    const connection = await harness.own(upgrader.upgrade(request, socket, head));
    const text = await client.until('101 Switching Protocols');
    expect(text.indexOf('page')).to.be.within(0, text.indexOf('HTTP/1.1 101'));
    await connection.send('hello');
    expect((await client.until('hello')).endsWith('\x81\x05hello')).to.equal(true);

    const patient = await harness.connect();
    patient.write(plainRequest);
    await patient.until('page');
    let upgraded: Promise<unknown> | undefined;
    harness.http.once('upgrade', (again, itsSocket, itsHead) => {
      upgraded = harness.own(upgrader.upgrade(again, itsSocket, itsHead));
    });
    patient.write(formatRequest());
    await patient.until('101 Switching Protocols');
    await upgraded;
  });
});
