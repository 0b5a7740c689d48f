import { showValue } from '../protocol/show-value.js';
import { maxWindowBits, minWindowBits } from './parameters.js';

/** How messages are compressed, and what of it is agreed on with the peer. All of it is optional. */
export interface CompressionOptions {
  /** How hard to compress, from 1 (fast) to 9 (small), or 0 for not at all. Default: 6. */
  level?: number | undefined;
  /** Memory for what is compressed, from 1 to 9: each step doubles it. Default: 8. */
  memLevel?: number | undefined;
  /** Messages of fewer bytes are sent as they are. Default: 64 with context takeover, 1,024 without. */
  threshold?: number | undefined;
  /**
   * The LZ77 window of what we send, as the base-2 logarithm of its bytes, 8 to 15. The peer may ask for less. Default: 15.
   */
  windowBits?: number | undefined;
  /** The same of what the peer sends; one that can't limit itself to less than 15 gets no compression. Default: 15. */
  peerWindowBits?: number | undefined;
  /**
   * Whether what we send may refer to earlier messages: much smaller for small messages, for the memory of a compressor each
   * connection. Without it all connections share one. The peer may ask for `false`. Default: `true`.
   */
  contextTakeover?: boolean | undefined;
  /** The same of what the peer sends, and of a decompressor each connection. Default: `true`. */
  peerContextTakeover?: boolean | undefined;
  /** From this many bytes on a message, or a chunk of one, is worked on in the thread pool. `Infinity`: never. Default: 65,536. */
  asyncThreshold?: number | undefined;
  /**
   * How many compressors and decompressors the connections of this process may have of their own; a decompressor counts from the
   * handshake on. When they are used up, a server agrees on no more context takeover, and compressors are shared. Default: 2,048.
   */
  maxContexts?: number | undefined;
}

/** What the option `compression` may be: off, on with the defaults, or the ways to compress, the preferred one first. */
export type Compression = boolean | CompressionOptions | readonly CompressionOptions[];

/** {@link CompressionOptions} with the defaults filled in; that of `threshold` depends on what is agreed. */
export type ResolvedCompression = {
  readonly [K in Exclude<keyof CompressionOptions, 'threshold'>]-?: NonNullable<CompressionOptions[K]>;
} & { readonly threshold: number | undefined };

/** The defaults. */
export const compressionDefaults: ResolvedCompression = {
  level: 6,
  memLevel: 8,
  threshold: undefined,
  windowBits: maxWindowBits,
  peerWindowBits: maxWindowBits,
  contextTakeover: true,
  peerContextTakeover: true,
  asyncThreshold: 64 * 1024,
  maxContexts: 2_048,
};

/** The default of `threshold`: without earlier messages to refer to a small one hardly shrinks. */
export function defaultThreshold(contextTakeover: boolean): number {
  return contextTakeover ? 64 : 1_024;
}

const ranges = {
  level: [0, 9],
  memLevel: [1, 9],
  threshold: [0, Infinity],
  windowBits: [minWindowBits, maxWindowBits],
  peerWindowBits: [minWindowBits, maxWindowBits],
  asyncThreshold: [0, Infinity],
  maxContexts: [0, Infinity],
} as const satisfies Partial<Record<keyof CompressionOptions, readonly [least: number, most: number]>>;

const switches = ['contextTakeover', 'peerContextTakeover'] as const;

/**
 * Checks the option `compression` and fills in the defaults: the ways to compress, the preferred one first; none when it is off.
 *
 * @throws TypeError when a name is unknown or a value is not in its range.
 */
export function resolveCompression(compression: unknown): readonly ResolvedCompression[] {
  if (compression === undefined || compression === false) return [];
  if (compression === true) return [compressionDefaults];
  const list: readonly unknown[] = Array.isArray(compression) ? compression : [compression];
  return list.map(resolveOne);
}

function resolveOne(options: unknown): ResolvedCompression {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(
      `compression must be true, false, an object such as { level: 1 } or a list of such; it is ${showValue(options)}`,
    );
  }
  const resolved: { -readonly [K in keyof ResolvedCompression]: ResolvedCompression[K] } = {
    ...compressionDefaults,
  };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(compressionDefaults, name)) {
      const known = Object.keys(compressionDefaults).join(', ');
      throw new TypeError(`unknown option "${name}" of compression; there are ${known}`);
    }
    if (value === undefined) continue;
    if (isSwitch(name)) {
      if (typeof value !== 'boolean') {
        throw new TypeError(`compression.${name} must be true or false; it is ${showValue(value)}`);
      }
      resolved[name] = value;
    } else {
      const key = name as keyof typeof ranges;
      checkRange(key, value);
      resolved[key] = value;
    }
  }
  return resolved;
}

function isSwitch(name: string): name is (typeof switches)[number] {
  return (switches as readonly string[]).includes(name);
}

function checkRange(name: keyof typeof ranges, value: unknown): asserts value is number {
  const [least, most] = ranges[name];
  const isInRange = typeof value === 'number' && value >= least && value <= most;
  if (isInRange && (Number.isInteger(value) || value === Infinity)) return;
  const range = most === Infinity ? `of at least ${least}, or Infinity` : `from ${least} to ${most}`;
  throw new TypeError(`compression.${name} must be a whole number ${range}; it is ${showValue(value)}`);
}
