import { expect } from 'chai';
import fc from 'fast-check';
import { HandshakeError } from '#src/errors.js';
import {
  checkRequestHeaders,
  checkResponse,
  type OpeningRequest,
  requestHeaders,
  requestText,
} from '#src/handshake/client.js';
import type { Extension } from '#src/handshake/extensions.js';
import { headerValues } from '#src/handshake/headers.js';
import { makeResponse, sampleKey } from './vectors.js';

function makeExtension(name: string, offers: ReturnType<Extension['offers']>): Extension {
  return { name, offers: () => offers, check: () => undefined, answer: () => undefined };
}

const plain: OpeningRequest = {
  host: 'server.example.com',
  nonce: Buffer.from(sampleKey, 'base64'),
  origin: undefined,
  headers: [],
  subprotocols: [],
  extensions: [],
};

describe('handshake: client', () => {
  it('asks with the least', () => {
    expect(requestHeaders(plain)).to.deep.equal([
      'Host',
      'server.example.com',
      'Upgrade',
      'websocket',
      'Connection',
      'Upgrade',
      'Sec-WebSocket-Key',
      sampleKey,
      'Sec-WebSocket-Version',
      '13',
    ]);
  });

  it('asks with everything', () => {
    const headers = requestHeaders({
      ...plain,
      origin: 'https://a.example',
      headers: ['X-A', '1', 'origin', 'https://b.example', 'X-A', '2'],
      subprotocols: ['a', 'b'],
      extensions: [makeExtension('x', [[['p', '1']], []]), makeExtension('silent', [])],
    });
    expect(headers.slice(10)).to.deep.equal([
      'Sec-WebSocket-Protocol',
      'a, b',
      'Sec-WebSocket-Extensions',
      'x; p=1, x',
      'Origin',
      'https://a.example',
      'X-A',
      '1',
      'X-A',
      '2',
    ]);
  });

  it("lets the user's Host and Origin stand", () => {
    const headers = requestHeaders({ ...plain, headers: ['host', 'other', 'Origin', 'https://b.example'] });
    expect(headerValues(headers, 'Host')).to.deep.equal(['other']);
    expect(headerValues(headers, 'Origin')).to.deep.equal(['https://b.example']);
  });

  it('writes the request as lines', () => {
    expect(requestText('/chat?a=b', ['Host', 'a.example', 'X-A', '\xe9'])).to.equal(
      'GET /chat?a=b HTTP/1.1\r\nHost: a.example\r\nX-A: \xe9\r\n\r\n',
    );
  });

  it('keeps the headers of the handshake to itself', () => {
    const names = ['upgrade', 'Connection', 'Content-Length', 'Transfer-Encoding', 'Expect'].concat(
      ['Key', 'Accept', 'Version', 'Protocol', 'Extensions'].map((name) => `Sec-WebSocket-${name}`),
    );
    for (const name of names) {
      expect(() => checkRequestHeaders([name, 'x']), name).to.throw(TypeError, name);
    }
    expect(() => checkRequestHeaders(['Host', 'a', 'Authorization', 'b'])).not.to.throw();
  });

  it('takes an answer for an extension only when it was offered', () => {
    const offered = makeExtension('x', [[]]);
    const silent = makeExtension('silent', []);
    const request = { ...plain, extensions: [offered, silent] };
    const answer = (value: string) => makeResponse({ headers: { 'Sec-WebSocket-Extensions': value } });
    expect(checkResponse(answer('x; y'), request).extensions).to.deep.equal([
      { extension: offered, params: [['y', true]] },
    ]);
    expect(() => checkResponse(answer('silent'), request)).to.throw(HandshakeError, 'not offered');
    expect(() => checkResponse(answer('x, x'), request)).to.throw(HandshakeError, 'twice');
  });

  it('hands the status and the headers over with the error, and no body', () => {
    const response = makeResponse({ status: 403, headers: { 'X-Why': 'because' } });
    expect(() => checkResponse(response, plain))
      .to.throw(HandshakeError)
      .satisfies((error: HandshakeError) => error.status === 403 && error.headers.get('x-why') === 'because')
      .with.property('body', '');
  });

  it('throws nothing but its own error', () => {
    const names = ['Upgrade', 'Connection', 'Accept', 'Protocol', 'Extensions'].map((name, i) =>
      i < 2 ? name : `Sec-WebSocket-${name}`,
    );
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a, b', '', '__proto__', 'a;b="'));
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(value, { maxLength: 3 }), (name, values) => {
        try {
          checkResponse(makeResponse({ headers: { [name]: values } }), plain);
        } catch (error) {
          expect(error).to.be.instanceOf(HandshakeError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
