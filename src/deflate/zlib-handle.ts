import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib';

/**
 * The one place that knows an undocumented part of Node: the handle of a zlib stream, with which small messages are worked off at
 * once. The documented stream would take a trip to the thread pool for each, which costs 15 to 50 times as much. It is used only
 * after it has proved itself in this process (`isProven`), and never while the stream has work in progress: that ends the process.
 */

/** What the handle of a zlib stream looks like on Node 20 to 26. */
interface NativeHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputStart: number,
    inputLength: number,
    output: Uint8Array,
    outputStart: number,
    outputLength: number,
  ): void;
  reset(): void;
  onerror(message: string, errno: number, code: string): void;
}

interface StreamInside {
  readonly _handle?: Partial<NativeHandle> | null;
  /** Room left in the output, bytes left of the input. */
  readonly _writeState?: unknown;
}

/** Works a zlib stream synchronously. */
export class ZlibHandle {
  readonly #native: NativeHandle;
  readonly #state: Uint32Array;
  #isRunning = false;
  /** What went wrong in the latest `write`; to be cleared by who handles it. */
  error: Error | undefined;

  constructor(native: NativeHandle, state: Uint32Array) {
    this.#native = native;
    this.#state = state;
    const ofStream = native.onerror;
    native.onerror = (message, errno, code) => {
      if (this.#isRunning) this.error = Object.assign(new Error(message), { errno, code });
      else ofStream.call(native, message, errno, code);
    };
  }

  /** Room that the latest `write` left in the output. */
  roomLeft(): number {
    return this.#state[0]!;
  }

  /** Bytes that it left of the input. */
  inputLeft(): number {
    return this.#state[1]!;
  }

  write(
    flush: number,
    input: Uint8Array,
    inputStart: number,
    inputLength: number,
    output: Uint8Array,
    outputStart: number,
    outputLength: number,
  ): void {
    this.#isRunning = true;
    this.#native.writeSync(flush, input, inputStart, inputLength, output, outputStart, outputLength);
    this.#isRunning = false;
  }

  reset(): void {
    this.#native.reset();
  }
}

/** Set to `public`, this environment variable keeps to the documented part of Node's zlib. */
export const zlibVariable = 'ANTSWS_ZLIB';

let proven: boolean | undefined;

/** Whether the handle does here what is expected of it; found out once a process. */
export function isProven(): boolean {
  proven ??= process.env[zlibVariable] !== 'public' && prove();
  return proven;
}

/** The handle of a stream that has not been used; undefined where it is not proven. */
export function handleOf(stream: DeflateRaw | InflateRaw): ZlibHandle | undefined {
  return isProven() ? inspect(stream) : undefined;
}

function inspect(stream: DeflateRaw | InflateRaw): ZlibHandle | undefined {
  const { _handle: handle, _writeState: state } = stream as unknown as StreamInside;
  const isKnown =
    typeof handle?.writeSync === 'function' &&
    typeof handle.reset === 'function' &&
    typeof handle.onerror === 'function' &&
    state instanceof Uint32Array &&
    state.length === 2;
  return isKnown ? new ZlibHandle(handle as NativeHandle, state) : undefined;
}

/** A round trip of two messages that share a history, a stop at the end of a block, an error, and a new start. */
function prove(): boolean {
  const deflate = createDeflateRaw();
  const inflate = createInflateRaw();
  try {
    const compressor = inspect(deflate);
    const decompressor = inspect(inflate);
    if (compressor === undefined || decompressor === undefined) return false;
    const text = Buffer.from('ants carry fifty times their weight, ants carry');
    const packed = Buffer.alloc(128);
    const unpacked = Buffer.alloc(128);
    let smaller = Infinity;
    for (let message = 0; message < 2; message++) {
      compressor.write(constants.Z_SYNC_FLUSH, text, 0, text.length, packed, 0, packed.length);
      const size: number = packed.length - compressor.roomLeft();
      // The second message refers to the first.
      if (compressor.inputLeft() !== 0 || size >= smaller) return false;
      smaller = size;
      // One byte more than the message: it is to be left alone.
      packed[size] = 1;
      decompressor.write(constants.Z_SYNC_FLUSH, packed, 0, size - 4, unpacked, 0, unpacked.length);
      const room = decompressor.roomLeft();
      if (decompressor.inputLeft() !== 0 || !unpacked.subarray(0, unpacked.length - room).equals(text))
        return false;
      decompressor.write(constants.Z_BLOCK, packed, size - 4, 5, unpacked, 0, unpacked.length);
      if (decompressor.inputLeft() !== 1 || decompressor.roomLeft() !== unpacked.length) return false;
    }
    decompressor.write(constants.Z_SYNC_FLUSH, Buffer.from([0xff]), 0, 1, unpacked, 0, unpacked.length);
    if (decompressor.error === undefined || decompressor.inputLeft() !== 1) return false;
    decompressor.error = undefined;
    decompressor.reset();
    // "Hello" in a final block, from RFC 7692 section 7.2.3.4.
    const hello = Buffer.from('f348cdc9c9070000', 'hex');
    decompressor.write(constants.Z_SYNC_FLUSH, hello, 0, hello.length, unpacked, 0, unpacked.length);
    return (
      decompressor.error === undefined &&
      decompressor.inputLeft() === 1 &&
      unpacked.toString('latin1', 0, unpacked.length - decompressor.roomLeft()) === 'Hello'
    );
  } catch {
    return false;
  } finally {
    deflate.close();
    inflate.close();
  }
}
