import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { formatHead, ignoreErrors, respond, stopIgnoringErrors, textResponse } from '#src/server/response.js';

describe('server: response', () => {
  it('frames the message itself, whatever headers it is given', () => {
    const socket = new PassThrough();
    respond(
      socket,
      textResponse(400, 'No.', [
        'Transfer-Encoding',
        'chunked',
        'date',
        'never',
        'X-A',
        '1',
        'connection',
        'x',
      ]),
    );
    const text = String(socket.read());
    expect(text).to.match(/^HTTP\/1\.1 400 Bad Request\r\nDate: .* GMT\r\nConnection: x, close\r\n/);
    expect(text).to.match(
      /\r\nX-A: 1\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nNo\.\n$/,
    );
    expect(text).not.to.match(/never|chunked/);
  });

  it('has no length when its status is 204', () => {
    const socket = new PassThrough();
    respond(socket, { status: 204, headers: [], body: Buffer.alloc(0) });
    expect(String(socket.read()))
      .to.match(/^HTTP\/1\.1 204 /)
      .and.not.include('Content-Length');
  });

  it('goes out with a status that has no name', () => {
    expect(String(formatHead(599, []))).to.equal('HTTP/1.1 599 \r\n\r\n');
  });

  it('is not tried on a socket that takes nothing more', () => {
    const socket = new PassThrough();
    socket.end();
    respond(socket, textResponse(400, 'No.'));
    expect(socket.destroyed).to.equal(true);
    respond(socket, textResponse(400, 'No.'));
    expect(socket.destroyed).to.equal(true);
  });

  it('ignores errors of the socket with one listener, until somebody else listens', () => {
    const socket = new PassThrough();
    ignoreErrors(socket);
    ignoreErrors(socket);
    expect(socket.listenerCount('error')).to.equal(1);
    expect(socket.emit('error', new Error('x'))).to.equal(true);
    stopIgnoringErrors(socket);
    expect(socket.listenerCount('error')).to.equal(0);
  });
});
