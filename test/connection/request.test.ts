import { expect } from 'chai';
import { HandshakeRequest } from '#src/connection/request.js';

describe('HandshakeRequest', () => {
  it('keeps the headers as they were sent, and makes them when asked', () => {
    const rawHeaders = ['Host', 'example.com', 'cookie', 'a=1', 'Cookie', 'b=2', 'X-Odd'];
    const request = new HandshakeRequest('/chat?room=1', rawHeaders);
    expect(request.url).to.equal('/chat?room=1');
    expect(request.rawHeaders).to.deep.equal(rawHeaders);
    expect(request.rawHeaders).to.equal(request.rawHeaders);
    expect(request.headers).to.equal(request.headers);
    expect([...request.headers]).to.deep.equal([
      ['cookie', 'a=1; b=2'],
      ['host', 'example.com'],
    ]);
  });

  it('keeps empty values, and no headers at all', () => {
    expect(new HandshakeRequest('/', ['X-Empty', '', 'X-Last', '']).rawHeaders).to.deep.equal([
      'X-Empty',
      '',
      'X-Last',
      '',
    ]);
    expect(new HandshakeRequest('/', []).rawHeaders).to.deep.equal([]);
  });

  it('leaves out what Headers would not take', () => {
    const request = new HandshakeRequest('/', ['not a name', 'x', 'Host', 'example.com']);
    expect([...request.headers]).to.deep.equal([['host', 'example.com']]);
  });
});
