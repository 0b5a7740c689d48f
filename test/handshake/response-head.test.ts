import { expect } from 'chai';
import fc from 'fast-check';
import {
  MalformedResponse,
  maxHeaderLines,
  maxInterimResponses,
  ResponseHeadParser,
} from '#src/handshake/response-head.js';

const switching =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-A:\t a b \r\nX-A: \xe9\r\nX-B:\r\n\r\n';

/** Parses text in Latin-1 in chunks that end at `cuts`; gives the head and what stands behind it. */
function parse(text: string, { maxSize = 16_384, cuts = [] as number[] } = {}) {
  const parser = new ResponseHeadParser(maxSize);
  const bytes = Buffer.from(text, 'latin1');
  const edges = [...cuts].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...edges, bytes.length]) {
    const chunk = Buffer.from(bytes.subarray(start, end));
    start += parser.parse(chunk);
    // As a socket does that reads into the same memory again.
    chunk.fill(0);
    if (parser.head !== undefined) break;
  }
  return { head: parser.head, rest: bytes.toString('latin1', start) };
}

describe('handshake: response head', () => {
  it('reads status and headers, and stops behind them', () => {
    const { head, rest } = parse(`${switching}\x81\x00`);
    expect(head).to.deep.equal({
      minorVersion: 1,
      status: 101,
      rawHeaders: ['Upgrade', 'websocket', 'X-A', 'a b', 'X-A', '\xe9', 'X-B', ''],
    });
    expect(rest).to.equal('\x81\x00');
  });

  it('reads the same in any split', () => {
    const whole = parse(switching);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: switching.length })), (cuts) => {
        expect(parse(switching, { cuts })).to.deep.equal(whole);
      }),
    );
  });

  it('takes status lines with any reason, or none', () => {
    for (const line of ['HTTP/1.1 404 Not Found', 'HTTP/1.1 404 ', 'HTTP/1.1 404', 'HTTP/1.0 404 \xfc\t!']) {
      expect(parse(`${line}\r\n\r\n`).head).to.deep.include({ status: 404, rawHeaders: [] });
    }
    expect(parse('HTTP/1.0 404 \r\n\r\n').head?.minorVersion).to.equal(0);
    expect(parse('HTTP/1.1 200 OK\r\n\r\n').head?.status).to.equal(200);
  });

  it('passes over interim responses, but not for ever', () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n';
    expect(parse(interim.repeat(maxInterimResponses) + switching)).to.deep.equal(parse(switching));
    expect(() => parse(interim.repeat(maxInterimResponses + 1))).to.throw(MalformedResponse, 'interim');
  });

  const bad: [name: string, text: string, says: string][] = [
    ['another protocol', 'SSH-2.0-x\r\n', 'status line'],
    ['something in front of the version', ' HTTP/1.1 101 x\r\n', 'status line'],
    ['another version', 'HTTP/2 200\r\n', 'status line'],
    ['a status of two digits', 'HTTP/1.1 99 \r\n', 'status line'],
    ['a status that begins with 0', 'HTTP/1.1 099 \r\n', 'status line'],
    ['a status of four digits', 'HTTP/1.1 1010\r\n', 'status line'],
    ['an empty line first', '\r\nHTTP/1.1 101 x\r\n', 'status line'],
    ['a line that ends with LF alone', 'HTTP/1.1 101 x\nUpgrade: a\r\n', 'CR LF'],
    ['a line that is LF alone', 'HTTP/1.1 101 x\r\n\n', 'CR LF'],
    ['a bare CR', 'HTTP/1.1 101 x\r\nA: b\rc\r\n', '0x0d'],
    ['NUL', 'HTTP/1.1 101 x\r\nA: b\0\r\n', '0x00'],
    ['DEL', 'HTTP/1.1 101 x\r\nA: b\x7f\r\n', '0x7f'],
    ['a folded line', 'HTTP/1.1 101 x\r\nA: b\r\n c\r\n', 'folded'],
    ['a line folded with a tab', 'HTTP/1.1 101 x\r\nA: b\r\n\tc\r\n', 'folded'],
    ['a line without a colon', 'HTTP/1.1 101 x\r\nA\r\n', 'colon'],
    ['a space before the colon', 'HTTP/1.1 101 x\r\nA : b\r\n', 'token'],
    ['an empty name', 'HTTP/1.1 101 x\r\n: b\r\n', 'token'],
    ['a name beyond ASCII', 'HTTP/1.1 101 x\r\n\xe9: b\r\n', 'token'],
  ];
  for (const [name, text, says] of bad) {
    it(`refuses ${name}, whole and byte by byte`, () => {
      const cuts = Array.from({ length: text.length }, (_, i) => i);
      for (const options of [{}, { cuts }]) {
        expect(() => parse(text, options))
          .to.throw(MalformedResponse, says)
          .with.property('isTooLarge', false);
      }
    });
  }

  it('has a bound on bytes and on lines', () => {
    const { length } = switching;
    expect(parse(switching, { maxSize: length }).head?.status).to.equal(101);
    const cuts = Array.from({ length }, (_, i) => i);
    for (const options of [{}, { cuts }]) {
      expect(() => parse(switching, { ...options, maxSize: length - 1 }))
        .to.throw(MalformedResponse, `more than ${length - 1} bytes`)
        .with.property('isTooLarge', true);
    }
    expect(() => parse(`HTTP/1.1 101 ${'x'.repeat(100)}`, { maxSize: 50 })).to.throw(MalformedResponse);
    const lines = (count: number) => `HTTP/1.1 101 x\r\n${'A: b\r\n'.repeat(count)}\r\n`;
    expect(parse(lines(maxHeaderLines)).head?.rawHeaders).to.have.lengthOf(2 * maxHeaderLines);
    expect(() => parse(lines(maxHeaderLines + 1))).to.throw(
      MalformedResponse,
      `more than ${maxHeaderLines} header`,
    );
  });

  it('answers any bytes with a head or with its own error', () => {
    const soup = fc.array(
      fc.oneof(
        fc.constantFrom('HTTP/1.1 101 x', 'HTTP/1.1 100 x', '\r\n', '\r\n\r\n', ':', 'A: b', ' '),
        fc.string(),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(soup, fc.array(fc.nat(200)), (parts, cuts) => {
        try {
          parse(parts.join(''), { cuts: cuts.filter((cut) => cut <= parts.join('').length) });
        } catch (error) {
          expect(error).to.be.instanceOf(MalformedResponse);
        }
      }),
    );
  });
});
