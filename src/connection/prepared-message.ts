import { Deflater } from '../deflate/deflater.js';
import { type CompressionOptions, defaultThreshold, resolveCompression } from '../deflate/options.js';
import { toBytes } from './outgoing-data.js';

/** How a message is prepared. */
export interface PrepareOptions extends Pick<CompressionOptions, 'level' | 'memLevel' | 'threshold'> {
  /**
   * Whether connections that have agreed on compression get it compressed. Default: when it has at least `threshold` bytes, by
   * default 1,024.
   */
  compress?: boolean | undefined;
}

/** A message for any number of connections, made by {@link prepare}. */
export class PreparedMessage {
  /** What the message is sent as. */
  readonly type: 'text' | 'binary';
  /** Its bytes, which must not be changed. */
  readonly payload: Buffer;
  readonly #isCompressed: boolean;
  readonly #options: PrepareOptions;
  /** What becomes of it, by the bits of the window that it was compressed for. */
  readonly #deflated = new Map<number, Buffer | Promise<Buffer>>();

  /** Use {@link prepare}. */
  constructor(type: 'text' | 'binary', payload: Buffer, options: PrepareOptions) {
    const { compress, threshold = defaultThreshold(false) } = options;
    this.type = type;
    this.payload = payload;
    this.#options = options;
    this.#isCompressed = compress ?? payload.length >= threshold;
  }

  /** What was prepared. */
  get data(): string | Buffer {
    return this.type === 'text' ? this.payload.toString() : this.payload;
  }

  /**
   * The message compressed by itself, so that nobody needs to have seen anything before it, for a window of so many bits; a promise
   * while the thread pool is at work on it, undefined when it is to be sent as it is. Each kind is made once.
   */
  deflated(windowBits: number): Buffer | Promise<Buffer> | undefined {
    if (!this.#isCompressed) return undefined;
    let deflated = this.#deflated.get(windowBits);
    if (deflated === undefined) {
      deflated = this.#deflate(windowBits);
      this.#deflated.set(windowBits, deflated);
    }
    return deflated;
  }

  #deflate(windowBits: number): Buffer | Promise<Buffer> {
    const { level, memLevel } = this.#options;
    const [options] = resolveCompression({ level, memLevel });
    const direction = { windowBits, contextTakeover: false };
    const deflater = new Deflater({
      outgoing: direction,
      incoming: direction,
      threshold: 0,
      options: options!,
    });
    if (deflater.isSync(this.payload.length)) return Buffer.from(deflater.deflate(this.payload, true));
    const later = deflater.deflateLater(this.payload, true).then((deflated) => {
      this.#deflated.set(windowBits, deflated);
      return deflated;
    });
    // Whoever sends it hears of the rejection.
    later.catch(() => this.#deflated.delete(windowBits));
    return later;
  }
}

/**
 * Prepares a message for many connections: it is encoded once, and compressed at most once for each size of window that they have
 * agreed on, when the first of them needs it. Give it to `connection.send` or `server.broadcast`.
 *
 * @param data Strings become text messages, all else binary ones. It is copied.
 * @throws TypeError when `data` is neither string nor bytes, or an option is not in its range.
 */
export function prepare(
  data: string | ArrayBufferView | ArrayBufferLike,
  options: PrepareOptions = {},
): PreparedMessage {
  const { compress, ...rest } = options;
  if (compress !== undefined && typeof compress !== 'boolean') {
    throw new TypeError('compress must be true or false');
  }
  resolveCompression(rest);
  const isText = typeof data === 'string';
  const payload = Buffer.from(isText ? data : toBytes(data, 'a prepared message'));
  return new PreparedMessage(isText ? 'text' : 'binary', payload, options);
}
