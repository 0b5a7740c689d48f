import { expect } from 'chai';
import { checkOptionNames, checkSignal } from '#src/connection/option-names.js';

describe('connection: option names', () => {
  const taker = { name: 'dial', example: '{ port: 1 }', known: { port: 1, origins: 1, maxMessageSize: 1 } };
  const complaint = (name: string) => {
    try {
      checkOptionNames(taker, { [name]: 1 });
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  };

  it('that are known pass', () => {
    checkOptionNames(taker, {});
    checkOptionNames(taker, { port: undefined, maxMessageSize: 1 });
    // What comes with the class of an object is not looked at.
    checkOptionNames(taker, Object.create({ inherited: 1 }));
  });

  it('that are close to one are set right', () => {
    for (const [given, meant] of [
      ['prot', 'port'],
      ['Port', 'port'],
      ['ports', 'port'],
      ['pot', 'port'],
      ['orgins', 'origins'],
      ['origin', 'origins'],
      ['maxMesagSize', 'maxMessageSize'],
      ['MAXMESSAGESIZE', 'maxMessageSize'],
    ]) {
      expect(complaint(given!)).to.equal(`unknown option "${given}"; did you mean "${meant}"?`);
    }
  });

  it('that are not close to any get the list', () => {
    for (const given of ['', 'cert', 'path', 'maxPayload', 'toString', '__proto', 'x'.repeat(1e6)]) {
      expect(complaint(given)).to.equal(
        `unknown option ${JSON.stringify(given)}; those of dial are port, origins, maxMessageSize`,
      );
    }
  });

  it('has a signal known by its looks', () => {
    checkSignal(undefined);
    checkSignal(new AbortController().signal);
    checkSignal({ aborted: false, addEventListener: () => {} });
    for (const wrong of [null, {}, new AbortController(), new EventTarget(), 'signal']) {
      expect(() => checkSignal(wrong)).to.throw(TypeError, /^signal must be an AbortSignal/);
    }
  });
});
