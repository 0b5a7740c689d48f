import { expect } from 'chai';
import { failed } from '#src/client/failure.js';

describe('client: failure', () => {
  const refusal = (address: string) =>
    Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' });

  it('tells of every address that was tried', () => {
    const cause = new AggregateError([refusal('::1:5'), refusal('127.0.0.1:5')], '');
    const error = failed('localhost:5', cause);
    expect(error).to.include({ code: 'ANTS_CONNECT_FAILED', cause });
    expect(error.message).to.equal(
      'cannot connect to localhost:5: connect ECONNREFUSED ::1:5; connect ECONNREFUSED 127.0.0.1:5',
    );
  });

  it('has something to say in any case', () => {
    const say = (cause: Error) => failed('a:1', cause).message.replace('cannot connect to a:1: ', '');
    expect(say(new Error(''))).to.equal('Error');
    expect(say(Object.assign(new Error(''), { code: 'EPIPE' }))).to.equal('EPIPE');
    expect(say(new AggregateError([], ''))).to.equal('AggregateError');
    expect(say(new AggregateError([new Error('')], 'x'))).to.equal('Error');
    expect(say(Object.assign(new Error(''), { code: 'ECONNRESET' }))).to.include('(ECONNRESET)');
  });
});
