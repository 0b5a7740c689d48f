import type { ConnectionOptions } from 'ants-ws';
import { bytesOf } from '../vectors/notation.js';
import type { DeflateLimits } from './deflate-peer.js';
import type { RawFrame } from './raw-frames.js';

/** What a raw peer sends, and what has to come back. */
export interface ConformanceCase {
  readonly name: string;
  /** The section of RFC 6455; of another RFC where it says so. */
  readonly section: string;
  /** Made when the case runs: some are large. */
  readonly script: () => Script;
  /** How many bytes a write has; all in one without it. */
  readonly chop?: number;
  /** Only the first so many bytes behind the headers are sent: the failure must not wait for the rest. */
  readonly cutTail?: number;
  /** The options of our end. */
  readonly options?: CaseOptions;
  /** The peer answers a Close frame. */
  readonly answersClose?: true;
  /** permessage-deflate is agreed on, with these parameters in both directions. */
  readonly deflate?: DeflateLimits;
}

/** Options of an end in either role. */
export type CaseOptions = Omit<ConnectionOptions, 'onError'>;

export interface Script {
  readonly frames: readonly RawFrame[];
  /** Messages and pongs in order, then the Close frame. */
  readonly expected: readonly string[];
}

export interface Area {
  readonly title: string;
  readonly cases: readonly ConformanceCase[];
}

/** What a case has beside its frames. */
export type Setting = Omit<ConformanceCase, 'name' | 'section' | 'script'>;

export const fin = 0x80;
export const rsv1 = 0x40;
export const text = 1;
export const binary = 2;
export const close = 8;
export const ping = 9;
export const pong = 10;

/** The kinds of messages, as they are said. */
export const kinds = [
  ['text', text],
  ['binary', binary],
] as const;

const bye: RawFrame = { first: fin | close, payload: Buffer.from([0x03, 0xe8]) };

export function frame(first: number, payload: string | Buffer = ''): RawFrame {
  return { first, payload: Buffer.from(payload as string) };
}

/** A case that ends in order: the peer closes with 1000 behind its frames. */
export function good(
  name: string,
  section: string,
  frames: readonly RawFrame[],
  expected: readonly string[],
  setting: Setting = {},
): ConformanceCase {
  return goodLater(name, section, () => ({ frames, expected }), setting);
}

/** The same with frames that are made when the case runs. */
export function goodLater(
  name: string,
  section: string,
  make: () => Script,
  setting: Setting = {},
): ConformanceCase {
  const script = () => {
    const { frames, expected } = make();
    return { frames: [...frames, bye], expected: [...expected, 'close 1000'] };
  };
  return { name, section, script, ...setting };
}

/** A case that the library ends; what stands behind the mistake must not be delivered. */
export function bad(
  name: string,
  section: string,
  frames: readonly RawFrame[],
  code: number,
  before: readonly string[] = [],
  setting: Setting = {},
): ConformanceCase {
  const last = setting.cutTail === undefined ? [frame(fin | text, 'too late')] : [];
  return exact(name, section, [...frames, ...last], [...before, `close ${code}`], setting);
}

/** A case with these frames, and no others behind them. */
export function exact(
  name: string,
  section: string,
  frames: readonly RawFrame[],
  expected: readonly string[],
  setting: Setting = {},
): ConformanceCase {
  return { name, section, script: () => ({ frames, expected }), ...setting };
}

/** `payload` in pieces of `size` bytes, as the fragments of one message; `opcode` may carry RSV1. */
export function fragments(opcode: number, payload: Buffer, size: number): RawFrame[] {
  const count = Math.max(1, Math.ceil(payload.length / size));
  return Array.from({ length: count }, (_, i) => ({
    first: (i === count - 1 ? fin : 0) | (i === 0 ? opcode : 0),
    payload: payload.subarray(i * size, (i + 1) * size),
  }));
}

export function filled(opcode: number, size: number): Buffer {
  return opcode === text ? Buffer.alloc(size, 'ants €') : Buffer.alloc(size, bytesOf('00fe017f80ff'));
}

/** Text that ends with a whole character, of `size` bytes or a few less. */
export function whole(opcode: number, size: number): Buffer {
  const bytes = filled(opcode, size);
  return opcode === text ? bytes.fill('.', size - (size % 8)) : bytes;
}
