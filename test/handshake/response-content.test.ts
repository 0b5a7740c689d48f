import { expect } from 'chai';
import fc from 'fast-check';
import { ResponseContent } from '#src/handshake/response-content.js';

/** The content among `bytes`, and whether its end is known. */
function read(rawHeaders: string[], bytes: string, { status = 403, cuts = [] as number[] } = {}) {
  const content = new ResponseContent({ minorVersion: 1, status, rawHeaders });
  const all = Buffer.from(bytes, 'latin1');
  let text = '';
  let start = 0;
  for (const end of [...[...cuts].sort((a, b) => a - b), all.length]) {
    content.read(all.subarray(0, end), start, (from, to) => {
      text += all.toString('latin1', from, to);
    });
    start = end;
  }
  return { text, isComplete: content.isComplete };
}

describe('handshake: response content', () => {
  const chunked = ['Transfer-Encoding', 'chunked'];

  it('is as long as Content-Length says', () => {
    expect(read(['content-length', '5'], 'Hello, more')).to.deep.equal({ text: 'Hello', isComplete: true });
    expect(read(['Content-Length', '5'], 'Hell')).to.deep.equal({ text: 'Hell', isComplete: false });
    expect(read(['Content-Length', '0'], 'x')).to.deep.equal({ text: '', isComplete: true });
    expect(read(['Content-Length', '11'], 'Hello, more')).to.deep.equal({
      text: 'Hello, more',
      isComplete: true,
    });
    expect(read(['Content-Length', '2, 2', 'Content-Length', '2'], 'abc').text).to.equal('ab');
  });

  it('goes on until the close where nothing else is said, or nothing that can be right', () => {
    for (const headers of [
      [],
      ['Content-Length', '-1'],
      ['Content-Length', '2x'],
      ['Content-Length', '1', 'Content-Length', '2'],
      ['Content-Length', '9'.repeat(16)],
      ['Transfer-Encoding', 'gzip'],
      ['Transfer-Encoding', 'chunked, gzip', 'Content-Length', '2'],
    ]) {
      expect(read(headers, 'abc'), String(headers)).to.deep.equal({ text: 'abc', isComplete: false });
    }
  });

  it('is empty with 204 and 304', () => {
    for (const status of [204, 304]) {
      expect(read(chunked, '1\r\na\r\n', { status })).to.deep.equal({ text: '', isComplete: true });
    }
  });

  it('is over as soon as that can be known, without another byte', () => {
    expect(read(['Content-Length', '0'], '').isComplete).to.equal(true);
    expect(read([], '', { status: 204 }).isComplete).to.equal(true);
    expect(read(chunked, '1\r\na\r\n0\r\n').isComplete).to.equal(true);
    expect(read([], '').isComplete).to.equal(false);
  });

  it('may have lines of the chunked coding anywhere, up to 4,096 bytes long', () => {
    const large = `1388\r\n${'x'.repeat(5_000)}\r\n`;
    const line = (size: number) => `1;${'y'.repeat(size - 4)}\r\n`;
    for (const [size, text] of [
      [4_096, 'a'],
      [4_097, ''],
    ] as const) {
      const expected = { text: `${'x'.repeat(5_000)}${text}`, isComplete: true };
      expect(read(chunked, `${large}${line(size)}a\r\n0\r\n`)).to.deep.equal(expected);
    }
  });

  it('is taken out of chunks, in any split', () => {
    const body = '5\r\nHello\r\n00B ;a="b"\r\n, the world\r\n1\r\n\n\r\n0\r\nTrailer: x\r\n\r\n';
    const headers = ['Content-Length', '3', ...chunked];
    fc.assert(
      fc.property(fc.array(fc.nat(body.length)), (cuts) => {
        expect(read(headers, body, { cuts })).to.deep.equal({ text: 'Hello, the world\n', isComplete: true });
      }),
    );
    expect(read(chunked, '5\r\nHel')).to.deep.equal({ text: 'Hel', isComplete: false });
  });

  it('ends where chunks are wrong', () => {
    for (const bad of [
      'x\r\n',
      '\r\n',
      '-1\r\n',
      '0x5\r\nabc',
      '1\nb',
      '1 x\r\nb',
      `${'0'.repeat(13)}\r\n`,
      '2\r\nabcd\r\n',
    ]) {
      const { text, isComplete } = read(chunked, `1\r\na\r\n${bad}1\r\nz\r\n`);
      expect(isComplete, bad).to.equal(true);
      expect(text, bad).to.match(/^a(ab)?$/);
    }
    const long = `1;${'x'.repeat(5000)}`;
    expect(read(chunked, long)).to.deep.equal({ text: '', isComplete: true });
  });
});
