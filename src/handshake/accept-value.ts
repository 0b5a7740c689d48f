/**
 * SHA-1 (RFC 3174) of a key and the GUID, which protects nothing: it shows that a server knows WebSocket (RFC 6455 section 1.3). With
 * `node:crypto` a whole opening handshake costs a twentieth more: its machinery is out of the processor's caches each time.
 */

/** The characters of a `Sec-WebSocket-Key`. */
const keyLength = 24;

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** 32-bit words in a block, and in the schedule that is made of it. */
const blockWords = 16;
const scheduleWords = 80;

/** Key, GUID, and the bit that ends a message. */
const first = new Int32Array(scheduleWords);
for (let i = 0; i < guid.length; i += 4) first[(keyLength + i) >> 2] = wordAt(guid, i);
first[blockWords - 1] = 1 << 31;

/** What follows holds nothing but the size of the message, in bits. */
const second = new Int32Array(scheduleWords);
second[blockWords - 1] = (keyLength + guid.length) * 8;
extend(second);

/** RFC 3174 section 6.1. */
const initialState = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
const state = new Int32Array(initialState.length);

const digest = Buffer.alloc(state.byteLength);

/** The `Sec-WebSocket-Accept` that answers `key`, one that `isKey` takes (RFC 6455 section 4.2.2). */
export function acceptValue(key: string): string {
  for (let i = 0; i < keyLength; i += 4) first[i >> 2] = wordAt(key, i);
  extend(first);
  state.set(initialState);
  mix(first);
  mix(second);
  for (let i = 0; i < state.length; i++) digest.writeInt32BE(state[i]!, 4 * i);
  return digest.toString('base64');
}

/** Four characters of ASCII. */
function wordAt(text: string, at: number): number {
  return (
    (text.charCodeAt(at) << 24) |
    (text.charCodeAt(at + 1) << 16) |
    (text.charCodeAt(at + 2) << 8) |
    text.charCodeAt(at + 3)
  );
}

/** Step b of RFC 3174 section 6.1. */
function extend(words: Int32Array): void {
  for (let t = blockWords; t < scheduleWords; t++) {
    const word = words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!;
    words[t] = (word << 1) | (word >>> 31);
  }
}

/** Steps c to e of RFC 3174 section 6.1, with the functions and constants of its section 5. */
function mix(words: Int32Array): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  for (let t = 0; t < scheduleWords; t++) {
    let mixed: number;
    if (t < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (t < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (t < 60) mixed = ((b & c) | (b & d) | (c & d)) + (0x8f1bbcdc | 0);
    else mixed = (b ^ c ^ d) + (0xca62c1d6 | 0);
    const next = (((a << 5) | (a >>> 27)) + (mixed | 0) + e + words[t]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
}
