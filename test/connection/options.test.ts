import { expect } from 'chai';
import {
  type ConnectionOptions,
  checkNumber,
  connectionDefaults,
  resolveConnectionOptions,
} from '#src/connection/options.js';
import { showValue } from '#src/protocol/show-value.js';
import { roles } from '../support/connections.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** The smallest value of each option. */
const bounds: { [K in keyof ConnectionOptions]: number } = {
  maxMessageSize: 0,
  maxFragments: 1,
  receiveQueueBytes: 1,
  receiveQueueMessages: 1,
  fragmentSize: 1,
  highWaterMark: 0,
  readHold: 0,
  maxBufferedAmount: 0,
  closeTimeout: 0,
  writeTimeout: 1,
};

/** Marks that do not stand in the way of `name`. */
const unordered = (name: string): ConnectionOptions => ({
  highWaterMark: 0,
  readHold: Infinity,
  maxBufferedAmount: name === 'maxBufferedAmount' ? undefined : Infinity,
});

describe('connection options', () => {
  it('have the defaults of the role', () => {
    const shared = {
      receiveQueueBytes: MiB,
      receiveQueueMessages: 1024,
      fragmentSize: Infinity,
      highWaterMark: 64 * KiB,
      closeTimeout: 5000,
      writeTimeout: 60_000,
    };
    expect(resolveConnectionOptions('server', {})).to.deep.include({
      ...shared,
      maxMessageSize: MiB,
      maxFragments: 16_384,
      readHold: MiB,
      maxBufferedAmount: 16 * MiB,
    });
    expect(resolveConnectionOptions('client', {})).to.deep.include({
      ...shared,
      maxMessageSize: 16 * MiB,
      maxFragments: 65_536,
      readHold: Infinity,
      maxBufferedAmount: Infinity,
    });
  });

  for (const [name, least] of Object.entries(bounds)) {
    it(`${name}: whole numbers from ${least} on, and Infinity`, () => {
      for (const role of roles) {
        const others = unordered(name);
        for (const value of [least, least + 1, 1000, Infinity]) {
          const resolved = resolveConnectionOptions(role, { ...others, [name]: value });
          expect(resolved).to.have.property(name, value);
        }
        expect(resolveConnectionOptions(role, { [name]: undefined })).to.deep.equal(connectionDefaults[role]);
        for (const value of [least - 1, -1, -Infinity, Number.NaN, least + 0.5, '10', null, 10n, {}, true]) {
          // A string is called one: "it is 10" would say nothing.
          expect(() => resolveConnectionOptions(role, { ...others, [name]: value as number })).to.throw(
            TypeError,
            `${name} must be a whole number of at least ${least}, or Infinity; it is ${showValue(value)}`,
          );
        }
      }
    });
  }

  it('onError: a function', () => {
    const onError = (): void => {};
    expect(resolveConnectionOptions('server', { onError }).onError).to.equal(onError);
    expect(resolveConnectionOptions('server', { onError: undefined }).onError).to.equal(
      connectionDefaults.server.onError,
    );
    for (const wrong of [null, 'print', {}]) {
      expect(() => resolveConnectionOptions('server', { onError: wrong as never })).to.throw(
        TypeError,
        /onError must be a function/,
      );
    }
  });

  it('keep the order of the marks', () => {
    const accepted: [number, number, number][] = [
      [1, 2, 3],
      [2, 2, 2],
      [0, 0, 0],
      [1, Infinity, 1],
      [1, Infinity, Infinity],
      [1, 2, Infinity],
      [Infinity, Infinity, Infinity],
    ];
    for (const [highWaterMark, readHold, maxBufferedAmount] of accepted) {
      expect(
        resolveConnectionOptions('server', { highWaterMark, readHold, maxBufferedAmount }),
      ).to.deep.include({ highWaterMark, readHold, maxBufferedAmount });
    }
    const refused: [number, number, number][] = [
      [3, 2, 4],
      [1, 3, 2],
      [3, Infinity, 2],
      [Infinity, 1, Infinity],
    ];
    for (const [highWaterMark, readHold, maxBufferedAmount] of refused) {
      expect(() =>
        resolveConnectionOptions('server', { highWaterMark, readHold, maxBufferedAmount }),
      ).to.throw(TypeError, `highWaterMark (${highWaterMark}) <= readHold (${readHold})`);
    }
  });

  it('keep that order with the defaults, too: the message names all three', () => {
    expect(() => resolveConnectionOptions('server', { highWaterMark: 2 * MiB })).to.throw(
      TypeError,
      'highWaterMark (2097152) <= readHold (1048576) <= maxBufferedAmount (16777216) must hold',
    );
  });

  it('pass over options of others', () => {
    const options = { port: 'not a number', closeTimeout: 1 } as ConnectionOptions;
    expect(resolveConnectionOptions('server', options)).not.to.have.property('port');
  });

  it('checkNumber names what it checks', () => {
    checkNumber('retries', 0, 0);
    expect(() => checkNumber('retries', undefined, 0)).to.throw(
      TypeError,
      'retries must be a whole number of at least 0, or Infinity; it is undefined',
    );
  });
});
