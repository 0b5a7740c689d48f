import { expect } from 'chai';
import fc from 'fast-check';
import type { Extension } from '#src/handshake/extensions.js';
import { compileOrigins } from '#src/handshake/origin.js';
import { acceptHeaders, checkResponseHeaders, checkUpgrade } from '#src/handshake/server.js';
import { compileSubprotocols } from '#src/handshake/subprotocols.js';
import { type HeaderChanges, makeRequest, sampleAccept, sampleKey } from './vectors.js';

const extension: Extension = {
  name: 'x-test',
  offers: () => [[]],
  check: () => undefined,
  answer: (offers) => offers[0],
};

const rules = {
  checkOrigin: compileOrigins(undefined),
  chooseSubprotocol: compileSubprotocols(['chat']),
  extensions: [extension],
};

function refusal(vector: Parameters<typeof makeRequest>[0]) {
  const checked = checkUpgrade(makeRequest(vector), rules);
  if (checked.ok) throw new Error('accepted');
  return checked.refusal;
}

describe('handshake: server', () => {
  it('names the version and the protocol with a 426', () => {
    const upgrade = ['Upgrade', 'websocket', 'Connection', 'Upgrade'];
    expect(refusal({ headers: { Upgrade: undefined } }).headers).to.deep.equal(upgrade);
    expect(refusal({ headers: { 'Sec-WebSocket-Version': '8' } }).headers).to.deep.equal([
      ...upgrade,
      'Sec-WebSocket-Version',
      '13',
    ]);
  });

  it('asks for another protocol with no other refusal', () => {
    expect(refusal({ headers: { Origin: 'http://evil.example' } })).to.deep.include({
      status: 403,
      headers: [],
    });
    expect(refusal({ headers: { 'Sec-WebSocket-Protocol': '' } })).to.deep.include({
      status: 400,
      headers: [],
    });
  });

  it('chooses no subprotocol where none is offered', () => {
    const asked: (readonly string[])[] = [];
    const chooseSubprotocol = (offered: readonly string[]) => {
      asked.push(offered);
      return offered[0];
    };
    const choose = (headers: HeaderChanges = {}) => {
      const checked = checkUpgrade(makeRequest({ headers }), { ...rules, chooseSubprotocol });
      return checked.ok && checked.value.subprotocol;
    };
    expect(choose()).to.equal(undefined);
    expect(asked).to.deep.equal([]);
    expect(choose({ 'Sec-WebSocket-Protocol': 'a' })).to.equal('a');
    expect(asked).to.deep.equal([['a']]);
  });

  it('names the method with a 405', () => {
    expect(refusal({ method: 'POST' }).headers).to.deep.equal(['Allow', 'GET']);
  });

  it('takes a request without method or target for a bad one', () => {
    const request = makeRequest();
    const untargeted = checkUpgrade({ ...request, url: undefined }, rules);
    expect(untargeted).to.have.nested.property('refusal.status', 400);
    expect(untargeted)
      .to.have.nested.property('refusal.message')
      .that.matches(/target ""/);
    expect(checkUpgrade({ ...request, method: undefined }, rules)).to.have.nested.property(
      'refusal.status',
      405,
    );
  });

  it('answers with the least', () => {
    const accepted = { key: sampleKey, subprotocol: undefined, extensions: [] };
    expect(acceptHeaders(accepted, [])).to.deep.equal([
      'Upgrade',
      'websocket',
      'Connection',
      'Upgrade',
      'Sec-WebSocket-Accept',
      sampleAccept,
    ]);
  });

  it('answers with all that was agreed on', () => {
    const request = makeRequest({
      headers: { 'Sec-WebSocket-Protocol': 'chat', 'Sec-WebSocket-Extensions': 'x-test; a="1"; b' },
    });
    const checked = checkUpgrade(request, rules);
    if (!checked.ok) throw new Error(checked.refusal.message);
    expect(acceptHeaders(checked.value, ['X-Own', 'value']).slice(6)).to.deep.equal([
      'Sec-WebSocket-Protocol',
      'chat',
      'Sec-WebSocket-Extensions',
      'x-test; a=1; b',
      'X-Own',
      'value',
    ]);
  });

  it('keeps the headers of the handshake to itself', () => {
    const names = ['Upgrade', 'Connection', 'content-length', 'Transfer-Encoding'].concat(
      ['Accept', 'Version', 'Protocol', 'Extensions'].map((name) => `Sec-WebSocket-${name}`),
    );
    for (const name of names) {
      expect(() => checkResponseHeaders([name, 'x']), name).to.throw(TypeError, name);
    }
    expect(() => checkResponseHeaders(['Set-Cookie', 'a=b'])).not.to.throw();
  });

  it('throws at no request', () => {
    const names = ['Host', 'Upgrade', 'Connection', 'Origin', 'Content-Length'].concat(
      ['Key', 'Version', 'Protocol', 'Extensions'].map((name) => `Sec-WebSocket-${name}`),
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a, b', '', '13', 'http://a', '__proto__', 'websocket', 'a;b="'),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(value, { maxLength: 3 }),
        value,
        (name, values, url) => {
          for (const request of [
            makeRequest({ headers: { [name]: values } }),
            makeRequest({ url: `/${url}` }),
          ]) {
            const checked = checkUpgrade(request, rules);
            if (!checked.ok) expect(checked.refusal.status).to.be.oneOf([400, 403, 426]);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
