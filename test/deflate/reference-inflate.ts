/**
 * DEFLATE (RFC 1951) as plain as it can be, as the measure for what is read from peers: no zlib, no speed.
 */

const lengthBases = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBases = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const distanceBits = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class Invalid extends Error {}

/** A canonical Huffman code (RFC 1951 section 3.2.2). */
class Code {
  readonly #symbols = new Map<string, number>();

  constructor(lengths: readonly number[], mayBeIncomplete: boolean) {
    const counts = Array<number>(16).fill(0);
    for (const length of lengths) if (length > 0) counts[length]!++;
    const next: number[] = [];
    let code = 0;
    let left = 1;
    for (let length = 1; length < 16; length++) {
      code = (code + (length > 1 ? counts[length - 1]! : 0)) << 1;
      next[length] = code;
      left = (left << 1) - counts[length]!;
      if (left < 0) throw new Invalid('over-subscribed');
    }
    const used = counts.reduce((sum, count) => sum + count, 0);
    // zlib takes one code of one bit, or none at all, as distances.
    if (left > 0 && !(mayBeIncomplete && (used === 0 || (used === 1 && counts[1] === 1))))
      throw new Invalid('incomplete');
    for (const [symbol, length] of lengths.entries()) {
      if (length > 0) this.#symbols.set((next[length]!++).toString(2).padStart(length, '0'), symbol);
    }
  }

  decode(bit: () => number): number {
    let bits = '';
    for (;;) {
      bits += bit();
      const symbol = this.#symbols.get(bits);
      if (symbol !== undefined) return symbol;
      if (bits.length > 15) throw new Invalid('no such code');
    }
  }
}

const fixedLengths = new Code(
  Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
  false,
);
const fixedDistances = new Code(Array<number>(32).fill(5), false);

/** Where reading stopped in the middle. */
class Ended extends Error {}

/**
 * Inflates the payload of one message, or says that it is not one (undefined). `history` is what earlier messages became; it is
 * extended, and emptied where a DEFLATE stream ends.
 */
export function referenceInflate(
  payload: Uint8Array,
  history: number[],
  windowBits = 15,
): Buffer | undefined {
  // RFC 7692 section 7.2.2.
  const input = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]);
  const output: number[] = [];
  let at = 0;
  let bits = 0;
  let held = 0;

  const bit = (): number => {
    if (held === 0) {
      if (at === input.length) throw new Ended();
      bits = input[at++]!;
      held = 8;
    }
    const value = bits & 1;
    bits >>= 1;
    held--;
    return value;
  };
  const number = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++) value |= bit() << i;
    return value;
  };
  const put = (byte: number): void => {
    output.push(byte);
    history.push(byte);
  };

  const stored = (): boolean => {
    held = 0;
    const size = number(16);
    if ((number(16) ^ 0xffff) !== size) throw new Invalid('stored lengths');
    for (let i = 0; i < size; i++) put(number(8));
    return size === 0;
  };
  const codes = (): [Code, Code] => {
    const lengthCount = number(5) + 257;
    const distanceCount = number(5) + 1;
    const codeCount = number(4) + 4;
    if (lengthCount > 286 || distanceCount > 30) throw new Invalid('too many symbols');
    const codeLengths = Array<number>(19).fill(0);
    for (let i = 0; i < codeCount; i++) codeLengths[codeOrder[i]!] = number(3);
    const code = new Code(codeLengths, false);
    const lengths: number[] = [];
    while (lengths.length < lengthCount + distanceCount) {
      const symbol = code.decode(bit);
      if (symbol < 16) lengths.push(symbol);
      else {
        if (symbol === 16 && lengths.length === 0) throw new Invalid('nothing to repeat');
        const value = symbol === 16 ? lengths.at(-1)! : 0;
        const times = symbol === 16 ? 3 + number(2) : symbol === 17 ? 3 + number(3) : 11 + number(7);
        for (let i = 0; i < times; i++) lengths.push(value);
      }
    }
    if (lengths.length > lengthCount + distanceCount) throw new Invalid('too many lengths');
    if (lengths[256] === 0) throw new Invalid('no end of block');
    return [new Code(lengths.slice(0, lengthCount), true), new Code(lengths.slice(lengthCount), true)];
  };
  const compressed = (lengths: Code, distances: Code): void => {
    for (;;) {
      const symbol = lengths.decode(bit);
      if (symbol === 256) return;
      if (symbol < 256) {
        put(symbol);
        continue;
      }
      if (symbol > 285) throw new Invalid('length');
      const length = lengthBases[symbol - 257]! + number(lengthBits[symbol - 257]!);
      const far = distances.decode(bit);
      if (far > 29) throw new Invalid('distance');
      const distance = distanceBases[far]! + number(distanceBits[far]!);
      if (distance > history.length || distance > 1 << windowBits) throw new Invalid('too far back');
      for (let i = 0; i < length; i++) put(history[history.length - distance]!);
    }
  };

  try {
    for (;;) {
      const isFinal = bit() === 1;
      const type = number(2);
      let isEmpty = false;
      if (type === 0) isEmpty = stored();
      else if (type === 1) compressed(fixedLengths, fixedDistances);
      else if (type === 2) compressed(...codes());
      else throw new Invalid('block type');
      if (isFinal) {
        held = 0;
        history.length = 0;
        // As other implementations we do without the empty block behind it (RFC 7692 section 7.2.3.4). And what the sender left
        // out may be the end of an empty block that is the last one.
        if (at === payload.length || at === input.length) return Buffer.from(output);
      }
      if (at === input.length && held === 0)
        return type === 0 && isEmpty && !isFinal ? Buffer.from(output) : undefined;
    }
  } catch (error) {
    if (error instanceof Ended || error instanceof Invalid) return undefined;
    throw error;
  }
}
