import { expect } from 'chai';
import { failed } from '#src/client/failure.js';

describe('client: failure', () => {
  const refusal = (address: string) =>
    Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' });

  it('tells of every address that was tried', () => {
    const cause = new AggregateError([refusal('::1:5'), refusal('127.0.0.1:5')], '');
    const error = failed('localhost:5', cause, false);
    expect(error).to.include({ code: 'ANTS_CONNECT_FAILED', cause });
    expect(error.message).to.equal(
      'cannot connect to localhost:5: connect ECONNREFUSED ::1:5; connect ECONNREFUSED 127.0.0.1:5',
    );
  });

  it('has something to say in any case', () => {
    const say = (cause: Error) => failed('a:1', cause, true).message.replace('cannot connect to a:1: ', '');
    expect(say(new Error(''))).to.equal('Error');
    expect(say(Object.assign(new Error(''), { code: 'EPIPE' }))).to.equal('EPIPE');
    expect(say(new AggregateError([], ''))).to.equal('AggregateError');
    expect(say(new AggregateError([new Error('')], 'x'))).to.equal('Error');
    expect(say(Object.assign(new Error(''), { code: 'ECONNRESET' }))).to.include('(ECONNRESET)');
  });

  it('says what to do about certificates that are not trusted', () => {
    for (const code of [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ]) {
      const cause = Object.assign(new Error('bad certificate'), { code });
      expect(failed('a:1', cause, true).message).to.equal(
        'cannot connect to a:1: bad certificate; trust it with the option tls: { ca }',
      );
    }
  });

  it('shows the reason of OpenSSL, and not its line', () => {
    const line = (reason: string) =>
      Object.assign(
        new Error(`write EPROTO 80BC:error:0A00010B:SSL routines:ssl3_get_record:${reason}:a.c:3:\n`),
        {
          code: 'EPROTO',
        },
      );
    for (const reason of ['wrong version number', 'packet length too long', 'http request']) {
      const cause = line(reason);
      const error = failed('a:1', cause, true);
      expect(error.message).to.equal('cannot connect to a:1: the server does not speak TLS; is it ws:?');
      expect(error.cause).to.equal(cause);
    }
    expect(failed('a:1', line('tlsv1 alert protocol version'), true).message).to.equal(
      'cannot connect to a:1: TLS failed (tlsv1 alert protocol version)',
    );
  });

  it('asks for wss: where the answer to a plain request is TLS, or the end', () => {
    const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    expect(failed('a:1', reset, false).message).to.include('(socket hang up; is it wss:?)');
    expect(failed('a:1', reset, true).message).to.include('(socket hang up)');
    const parse = (bytes: number[]) =>
      Object.assign(new Error('x'), { code: 'HPE_INVALID_CONSTANT', rawPacket: Buffer.from(bytes) });
    const alert = [21, 3, 1, 0, 2, 2, 70];
    expect(failed('a:1', parse(alert), false).message).to.equal(
      'the response from a:1 is not HTTP/1.1 (HPE_INVALID_CONSTANT); it is TLS: is it wss:?',
    );
    for (const [bytes, isSecure] of [
      [alert, true],
      [[21, 0x20], false],
      [[0x20, 3], false],
      [[], false],
    ] as const) {
      expect(failed('a:1', parse([...bytes]), isSecure).message).to.match(/\(HPE_INVALID_CONSTANT\)$/);
    }
  });
});
