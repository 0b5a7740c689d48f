import { type FrameVector, text, type VectorFailure } from './frame-vector.js';
import { bytesOf, frame, readNotation } from './notation.js';

/** Sequences that are UTF-8: name, bytes. */
export const validTexts: readonly (readonly [name: string, bytes: string])[] = [
  ['U+0000, the first of 1 byte', '00'],
  ['U+007F, the last of 1 byte', '7f'],
  ['U+0080, the first of 2 bytes', 'c280'],
  ['U+07FF, the last of 2 bytes', 'dfbf'],
  ['U+0800, the first of 3 bytes', 'e0a080'],
  ['U+CFFF and U+D000, around the lead byte ED', 'ecbfbf ed8080'],
  ['U+D7FF, the last before the surrogates', 'ed9fbf'],
  ['U+E000, the first behind the surrogates', 'ee8080'],
  ['U+FEFF, the byte order mark, kept', 'efbbbf'],
  ['a byte order mark in front of text, kept', "efbbbf 'abc'"],
  ['U+FFFD, which decoders put in place of bad bytes', 'efbfbd'],
  ['U+FFFE and U+FFFF, non-characters, the last of 3 bytes', 'efbfbe efbfbf'],
  ['U+10000, the first of 4 bytes', 'f0908080'],
  ['U+3FFFF and U+40000, around the lead byte F1', 'f0bfbfbf f1808080'],
  ['U+FFFFF and U+100000, around the lead byte F4', 'f3bfbfbf f4808080'],
  ['U+10FFFF, the last of all', 'f48fbfbf'],
  ['all lengths in a row', "'aé€😀€éa'"],
];

/** Sequences that are not UTF-8: name, bytes. The mark stands behind the first byte that cannot be right. */
export const invalidTexts: readonly (readonly [name: string, bytes: string])[] = [
  ['a lone continuation byte, the lowest', '80|'],
  ['a lone continuation byte, the highest', 'bf|'],
  ['a continuation byte too many', 'c280 80|'],
  ['overlong of 2 bytes, the lowest', 'c0| 80'],
  ['overlong of 2 bytes, the highest', 'c1| bf'],
  ['overlong of 3 bytes, the lowest', 'e080| 80'],
  ['overlong of 3 bytes, the highest', 'e09f| bf'],
  ['overlong of 4 bytes, the lowest', 'f080| 8080'],
  ['overlong of 4 bytes, the highest', 'f08f| bfbf'],
  ['surrogate U+D800', 'eda0| 80'],
  ['surrogate U+DFFF', 'edbf| bf'],
  ['a surrogate pair', "'ok' eda0| bd edb880"],
  ['U+110000', 'f490| 8080'],
  ['a lead byte of values above U+10FFFF', 'f5| 808080'],
  ['a lead byte of 5 bytes', 'f8| 88808080'],
  ['a lead byte of 6 bytes', 'fc| 8480808080'],
  ['FE', 'fe|'],
  ['FF', 'ff|'],
  ['2 bytes, the second is ASCII', "c2 'a'|"],
  ['2 bytes, the second is a lead byte', 'c2 c2| 80'],
  ['2 bytes, the second is C0', 'df c0| 80'],
  ['3 bytes, the second is below the range', 'e1 7f| 80'],
  ['3 bytes, the second is above the range', 'e1 c0| 80'],
  ['3 bytes, the third is ASCII', "e180 'a'|"],
  ['3 bytes, the third is below the range behind E0', 'e0a0 7f|'],
  ['3 bytes, the third is above the range behind ED', 'ed80 c0|'],
  ['4 bytes, the second is ASCII', "f0 'a'|"],
  ['4 bytes, the third is ASCII', "f090 'a'|"],
  ['4 bytes, the fourth is ASCII', "f09080 'a'|"],
  ['4 bytes, the fourth is above the range', 'f48fbf c0|'],
  ['good text around a bad byte', "'κόσμε' ff| 'edited'"],
];

/** Sequences that are right as far as they go: name, bytes. */
export const cutTexts: readonly (readonly [name: string, bytes: string])[] = [
  ['2 bytes cut after 1', 'c2'],
  ['3 bytes cut after 1', 'e2'],
  ['3 bytes cut after 2', 'e282'],
  ['4 bytes cut after 1', 'f0'],
  ['4 bytes cut after 2', 'f09f'],
  ['4 bytes cut after 3', 'f09f98'],
  ['good text and a cut character', "'abc' e282"],
];

const failure: VectorFailure = { code: 'ANTS_INVALID_UTF8', closeCode: 1007 };

/** Puts a text into a message; returns the payloads of its frames. */
type Setting = readonly [name: string, payloads: (bytes: string) => readonly string[]];

/** Long enough for the checks that look at many bytes at once. */
const long = "'0123456789abcdef'*5";

const settings: readonly Setting[] = [
  ['in a frame', (bytes) => [bytes]],
  ['every byte a fragment', (bytes) => byteByByte(bytes)],
  ['behind long text', (bytes) => [`${long} ${bytes}`]],
  ['behind a long fragment', (bytes) => [long, bytes]],
];

/** For texts that are good or bad whatever follows. */
const settingsInFront: readonly Setting[] = [
  ['in front of long text', (bytes) => [`${bytes} ${long}`]],
  ['in front of a long fragment', (bytes) => [bytes, long]],
  ['between long texts', (bytes) => [`${long} ${bytes} ${long}`]],
];

/** Every text of the tables above, in every setting. */
export const utf8Vectors: readonly FrameVector[] = [
  ...validTexts.flatMap(([name, bytes]) =>
    [...settings, ...settingsInFront].map(([where, payloads]) => ({
      name: `${name}, ${where}`,
      bytes: message(payloads(bytes)),
      events: [text(decode(payloads(bytes)))],
    })),
  ),
  ...invalidTexts.flatMap(([name, bytes]) => [
    ...[...settings, ...settingsInFront].map(([where, payloads]) => ({
      name: `${name}, ${where}`,
      bytes: message(payloads(bytes)),
      failure,
    })),
    // The frame announces more, and the bad byte is the last to come.
    { name: `${name}, in a frame still arriving`, bytes: `81 7d ${upToMark(bytes)}`, failure },
    {
      name: `${name}, in a long frame still arriving`,
      bytes: `81 7e 2000 ${long} ${upToMark(bytes)}`,
      failure,
    },
  ]),
  ...cutTexts.flatMap(([name, bytes]) => [
    ...settings.map(([where, payloads]) => ({
      name: `${name}, ${where}`,
      bytes: message(payloads(bytes)),
      failure,
    })),
    { name: `${name}, and an empty last fragment`, bytes: message([bytes, '']), failure },
    { name: `${name}, and more fragments to come`, bytes: frame(0x01, bytes), unfinished: true },
    { name: `${name}, in a frame still arriving`, bytes: `81 7d ${bytes}`, unfinished: true },
  ]),
];

/** A text message in as many frames as there are payloads. */
function message(payloads: readonly string[]): string {
  const last = payloads.length - 1;
  return payloads
    .map((payload, i) => frame((i === last ? 0x80 : 0) | (i === 0 ? 0x01 : 0x00), payload))
    .join('');
}

function byteByByte(notation: string): readonly string[] {
  const { bytes, mark } = readNotation(notation);
  return Array.from(bytes, (byte, i) => byte.toString(16).padStart(2, '0') + (i + 1 === mark ? '|' : ''));
}

function upToMark(notation: string): string {
  return notation.slice(0, notation.indexOf('|'));
}

function decode(payloads: readonly string[]): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(payloads.join(' ')));
}
