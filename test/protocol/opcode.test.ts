import { expect } from 'chai';
import { isControl, maxControlPayload, Opcode } from '#src/protocol/opcode.js';

describe('Opcode', () => {
  it('has the numbers of RFC 6455 section 5.2', () => {
    expect(Opcode).to.deep.equal({ Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 });
    expect(maxControlPayload).to.equal(125);
  });

  it('tells control frames by their high bit', () => {
    for (let opcode = 0; opcode <= 0xf; opcode++) expect(isControl(opcode)).to.equal((opcode & 8) !== 0);
  });
});
