import { referenceInflate } from '../deflate/reference-inflate.js';
import type { Role } from '../vectors/frame-vector.js';

/**
 * What an end of a connection has to make of bytes (RFC 6455 section 5, RFC 7692), as plain as it can be: the whole input at once, no
 * speed, nothing shared with the library. The measure for what the library delivers.
 */

/** What is delivered, one line each, in order. */
export interface Reading {
  readonly messages: readonly string[];
  readonly pings: readonly string[];
  readonly pongs: readonly string[];
  /** The code of the Close frame that ended it; 1005 for one without. */
  readonly closed: number | undefined;
  /** Codes with which the reader may fail, any of them; without `undefined` it must. */
  readonly failures: readonly (number | undefined)[];
  /** How many pings and pongs come in any case: those behind a compressed message that is broken may not. */
  readonly sure: { readonly pings: number; readonly pongs: number };
  /** Bytes of all messages, for bounds. */
  readonly delivered: number;
}

/** What the reader was told. */
export interface ReadingRules {
  readonly role: Role;
  readonly maxMessageSize: number;
  readonly maxFragments: number;
  /** What was agreed on for messages that come in; undefined: no compression. */
  readonly inflating?: { readonly windowBits: number; readonly contextTakeover: boolean } | undefined;
}

class Failed extends Error {
  readonly codes: readonly (number | undefined)[];

  constructor(...codes: (number | undefined)[]) {
    super(`fails with ${codes.join(' or ')}`);
    this.codes = codes;
  }
}

interface OpenMessage {
  readonly isText: boolean;
  readonly isCompressed: boolean;
  readonly parts: Buffer[];
  frames: number;
  announced: number;
}

/** Reads the bytes of a peer. */
export function referenceRead(bytes: Buffer, rules: ReadingRules): Reading {
  const messages: string[] = [];
  const pings: string[] = [];
  const pongs: string[] = [];
  let closed: number | undefined;
  let delivered = 0;
  let at = 0;
  let open: OpenMessage | undefined;
  let history: number[] = [];
  let failures: readonly (number | undefined)[] = [undefined];
  let sure: { pings: number; pongs: number } | undefined;

  /** Throws when there is no more. */
  const take = (size: number): Buffer => {
    if (at + size > bytes.length) throw new Ended();
    at += size;
    return bytes.subarray(at - size, at);
  };

  const checkOpening = (first: number): void => {
    const opcode = first & 15;
    const isFirst = opcode === 1 || opcode === 2;
    const rsv1IsFine = (first & 0x40) === 0 || (rules.inflating !== undefined && isFirst);
    if ((first & 0x30) !== 0 || !rsv1IsFine) throw new Failed(1002);
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) throw new Failed(1002);
    if (opcode >= 8 && first < 128) throw new Failed(1002);
    if (opcode === 0 && open === undefined) throw new Failed(1002);
    if (isFirst && open !== undefined) throw new Failed(1002);
  };

  const readLength = (short: number): number => {
    if (short < 126) return short;
    if (short === 126) {
      const length = take(2).readUInt16BE();
      if (length < 126) throw new Failed(1002);
      return length;
    }
    const length = take(8).readBigUInt64BE();
    if (length >= 2n ** 63n || length < 65536n) throw new Failed(1002);
    if (length >= 2n ** 53n) throw new Failed(1009);
    return Number(length);
  };

  const control = (opcode: number, payload: Buffer): void => {
    if (opcode === 9) pings.push(payload.toString('hex'));
    if (opcode === 10) pongs.push(payload.toString('hex'));
    if (opcode !== 8) return;
    if (payload.length === 1) throw new Failed(1002);
    const code = payload.length === 0 ? 1005 : payload.readUInt16BE();
    if (payload.length > 0 && !isCloseCode(code)) throw new Failed(1002);
    if (!isText(payload.subarray(2))) throw new Failed(1007);
    closed = code;
  };

  const finish = ({ isText: text, isCompressed, parts }: OpenMessage): void => {
    let payload: Buffer | undefined = Buffer.concat(parts);
    if (isCompressed) {
      const { windowBits, contextTakeover } = rules.inflating!;
      if (!contextTakeover) history = [];
      payload = referenceInflate(payload, history, windowBits);
      // Which of its mistakes a broken stream is found out by depends on how far it was inflated.
      if (payload === undefined) throw new Failed(1007, 1009);
      if (payload.length > rules.maxMessageSize) throw new Failed(1009, ...(text ? [1007] : []));
    }
    if (text && !isText(payload)) throw new Failed(1007);
    messages.push(`${text ? 'text' : 'binary'} ${payload.toString('hex')}`);
    delivered += payload.length;
  };

  /** A text that has come in part fails at the first byte that no rest could mend. */
  const checkPart = ({ isText: text, isCompressed, parts }: OpenMessage, rest: Buffer): void => {
    if (isCompressed) throw new Failed(undefined, 1007, 1009);
    if (text && !isTextSoFar(Buffer.concat([...parts, rest]))) throw new Failed(1007);
  };

  const readFrame = (): void => {
    const [first] = take(1) as unknown as [number];
    checkOpening(first);
    const [second] = take(1) as unknown as [number];
    const opcode = first & 15;
    const isMasked = second >= 128;
    if (isMasked !== (rules.role === 'server')) throw new Failed(1002);
    if (opcode >= 8 && (second & 127) > 125) throw new Failed(1002);
    const length = readLength(second & 127);
    const key = isMasked ? Buffer.from(take(4)) : undefined;

    if (opcode === 1 || opcode === 2) {
      open = { isText: opcode === 1, isCompressed: (first & 0x40) !== 0, parts: [], frames: 0, announced: 0 };
    }
    const message = opcode < 8 ? open! : undefined;
    if (message !== undefined) {
      message.frames++;
      message.announced += length;
      if (!message.isCompressed && message.announced > rules.maxMessageSize) throw new Failed(1009);
      if (message.frames > rules.maxFragments) {
        throw new Failed(1009, ...(message.isCompressed ? [1007] : []));
      }
    }
    const payload = Buffer.from(bytes.subarray(at, at + length));
    if (key !== undefined) for (let i = 0; i < payload.length; i++) payload[i]! ^= key[i & 3]!;
    if (at + length > bytes.length) {
      if (message !== undefined) checkPart(message, payload);
      throw new Ended();
    }
    at += length;
    if (message === undefined) {
      control(opcode, payload);
      return;
    }
    message.parts.push(payload);
    if (message.isCompressed) sure ??= { pings: pings.length, pongs: pongs.length };
    if (first >= 128) {
      open = undefined;
      finish(message);
      sure = undefined;
    } else if (!message.isCompressed) checkPart(message, Buffer.alloc(0));
  };

  try {
    while (closed === undefined) readFrame();
  } catch (error) {
    if (error instanceof Failed) failures = error.codes;
    else if (!(error instanceof Ended)) throw error;
  }
  // How far a compressed message was inflated that is not complete, nobody knows.
  if (sure !== undefined) failures = [...new Set([...failures, 1007, 1009])];
  sure ??= { pings: pings.length, pongs: pongs.length };
  return { messages, pings, pongs, closed, failures, sure, delivered };
}

/** The input ends in the middle. */
class Ended extends Error {}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether bytes may go on to be text. */
function isTextSoFar(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** RFC 6455 section 7.4, and the registry of its section 11.7. */
function isCloseCode(code: number): boolean {
  const registered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  return registered.includes(code) || (code >= 3000 && code < 5000);
}
