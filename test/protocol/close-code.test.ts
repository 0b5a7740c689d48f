import { expect } from 'chai';
import { CloseCode, closeCodeName, mayTravel } from '#src/protocol/close-code.js';

describe('mayTravel', () => {
  it('knows every code from 0 to 65,535', () => {
    const allowed: number[] = [];
    for (let code = 0; code <= 65535; code++) if (mayTravel(code)) allowed.push(code);
    const expected = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    for (let code = 3000; code <= 4999; code++) expected.push(code);
    expect(allowed).to.deep.equal(expected);
  });

  it('refuses what is no code', () => {
    for (const code of [-1, -1000, 65536 + 1000, Number.NaN, Infinity, -Infinity]) {
      expect(mayTravel(code), String(code)).to.equal(false);
    }
  });
});

describe('closeCodeName', () => {
  it('gives the registered name', () => {
    expect(closeCodeName(1000)).to.equal('NormalClosure');
    expect(closeCodeName(1006)).to.equal('AbnormalClosure');
    for (const [name, code] of Object.entries(CloseCode)) expect(closeCodeName(code)).to.equal(name);
  });

  it('gives the range of other codes', () => {
    for (const code of [3000, 3999]) expect(closeCodeName(code)).to.equal('registered');
    for (const code of [4000, 4999]) expect(closeCodeName(code)).to.equal('private use');
    for (const code of [0, 999, 1004, 1016, 2999, 5000, 65535]) {
      expect(closeCodeName(code), String(code)).to.equal('not allowed');
    }
  });
});

describe('CloseCode', () => {
  it('has the numbers of the IANA registry', () => {
    expect(CloseCode).to.deep.equal({
      NormalClosure: 1000,
      GoingAway: 1001,
      ProtocolError: 1002,
      UnsupportedData: 1003,
      NoStatusReceived: 1005,
      AbnormalClosure: 1006,
      InvalidFramePayloadData: 1007,
      PolicyViolation: 1008,
      MessageTooBig: 1009,
      MandatoryExtension: 1010,
      InternalError: 1011,
      ServiceRestart: 1012,
      TryAgainLater: 1013,
      BadGateway: 1014,
      TlsHandshake: 1015,
    });
  });
});
