import { expect } from 'chai';
import fc from 'fast-check';
import {
  checkHeader,
  checkNotReserved,
  type HeadersInput,
  hasHeader,
  headerValues,
  listHeaders,
  toHeaders,
  withoutHeader,
} from '#src/handshake/headers.js';

describe('handshake: headers', () => {
  const list = ['A', '1', 'b', '2', 'a', '3'];

  it('finds all values of a header in any case', () => {
    expect(headerValues(list, 'a')).to.deep.equal(['1', '3']);
    expect(headerValues(list, 'B')).to.deep.equal(['2']);
    expect(headerValues(list, '1')).to.deep.equal([]);
    expect(headerValues(list, '__proto__')).to.deep.equal([]);
    expect(headerValues(['__proto__', 'x'], '__proto__')).to.deep.equal(['x']);
  });

  it('passes over a name without a value', () => {
    expect(headerValues(['a', '1', 'a'], 'a')).to.deep.equal(['1']);
  });

  it('tells whether there is a header', () => {
    expect(hasHeader(list, 'B')).to.equal(true);
    expect(hasHeader(list, 'c')).to.equal(false);
  });

  it('leaves a header out', () => {
    expect(withoutHeader(list, 'a')).to.deep.equal(['b', '2']);
  });

  it('makes web headers, without what they do not take', () => {
    const headers = toHeaders(['A', '1', 'bad name', 'x', 'a', '2', 'B', 'x\0y', 'C']);
    expect([...headers]).to.deep.equal([['a', '1, 2']]);
  });

  it('takes headers in every shape', () => {
    const shapes: HeadersInput[] = [
      { 'x-a': '1', 'x-b': '2' },
      new Headers({ 'x-a': '1', 'x-b': '2' }),
      new Map([
        ['x-a', '1'],
        ['x-b', '2'],
      ]),
      [
        ['x-a', '1'],
        ['x-b', '2'],
      ],
    ];
    for (const shape of shapes) expect(listHeaders(shape)).to.deep.equal(['x-a', '1', 'x-b', '2']);
  });

  it('repeats a header for each element of a list and leaves undefined out', () => {
    expect(listHeaders({ a: ['1', '2'], b: undefined, c: [] })).to.deep.equal(['a', '1', 'a', '2']);
  });

  it('refuses CR, LF, NUL and all that a header cannot carry, without repeating the value', () => {
    for (const bad of ['\r', '\n', '\0', '\x1f', '\x7f', '\u0100', '\ud800']) {
      expect(() => checkHeader('X-A', `secret${bad}`)).to.throw(TypeError, /X-A has U\+[0-9A-F]{4} at 6/);
      expect(() => listHeaders({ 'X-A': `secret${bad}` }))
        .to.throw(TypeError)
        .not.property('message', 'secret');
      expect(() => listHeaders([['X-A', `secret${bad}`]])).to.throw(TypeError);
      expect(() => checkHeader(`X${bad}`, 'v')).to.throw(TypeError, 'is not a header name');
    }
    expect(() => checkHeader('X-A', 'tab\t space ~\x80\xff')).not.to.throw();
    expect(() => checkHeader('', 'v')).to.throw(TypeError, 'is not a header name');
    expect(() => checkHeader(undefined, 'v')).to.throw(TypeError, 'is not a header name');
    expect(() => checkHeader('X-A', 5)).to.throw(TypeError, 'of type number');
  });

  it('lets through only what cannot break a message, whatever the strings', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        try {
          checkHeader(name, value);
        } catch (error) {
          expect(error).to.be.instanceOf(TypeError);
          return;
        }
        expect(`${name}: ${value}`).to.match(/^[^\s:]+: [^\r\n\0]*$/);
      }),
    );
  });

  it('keeps reserved names from being set', () => {
    const reserved = new Set(['upgrade']);
    expect(() => checkNotReserved(['X', '1', 'UPGRADE', 'x'], reserved)).to.throw(TypeError, 'UPGRADE');
    expect(() => checkNotReserved(['X', 'upgrade'], reserved)).not.to.throw();
  });
});
