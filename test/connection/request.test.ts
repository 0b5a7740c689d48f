import { expect } from 'chai';
import { HandshakeRequest } from '#src/connection/request.js';

describe('HandshakeRequest', () => {
  it('keeps the headers as they were sent, and makes them when asked', () => {
    const rawHeaders = ['Host', 'example.com', 'cookie', 'a=1', 'Cookie', 'b=2', 'X-Odd'];
    const request = new HandshakeRequest('/chat?room=1', rawHeaders);
    expect(request.url).to.equal('/chat?room=1');
    expect(request.rawHeaders).to.equal(rawHeaders);
    expect(request.headers).to.equal(request.headers);
    expect([...request.headers]).to.deep.equal([
      ['cookie', 'a=1; b=2'],
      ['host', 'example.com'],
    ]);
  });

  it('leaves out what Headers would not take', () => {
    const request = new HandshakeRequest('/', ['not a name', 'x', 'Host', 'example.com']);
    expect([...request.headers]).to.deep.equal([['host', 'example.com']]);
  });
});
