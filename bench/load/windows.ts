import { encodeFrame, type Frame, makePayload } from './frames.js';
import { fail } from './raw-client.js';

/** Bytes of prepared messages; with more than one window in them, consecutive ones differ. */
const preparedBytes = 4 * 1024 * 1024;

/** Messages made beforehand, in windows that are sent in one write, and the bytes that are to come back for each window. */
export interface Windows {
  readonly requests: readonly Buffer[];
  readonly replies: readonly Buffer[];
}

/** @param isRaw The replies are the requests' own bytes, as from a server that knows no WebSocket. */
export function makeWindows(size: number, isText: boolean, inFlight: number, isRaw: boolean): Windows {
  const count = Math.min(8, Math.max(1, Math.floor(preparedBytes / (size * inFlight))));
  const requests: Buffer[] = [];
  const replies: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const frames = Array.from({ length: inFlight }, (_, j): Frame => {
      return { isText, payload: makePayload(size, isText, i * inFlight + j) };
    });
    const request = Buffer.concat(frames.map((frame) => encodeFrame(frame, true)));
    requests.push(request);
    replies.push(isRaw ? request : Buffer.concat(frames.map((frame) => encodeFrame(frame, false))));
  }
  return { requests, replies };
}

/** Follows the replies of one connection: every byte is compared, header and payload. */
export class ReplyCheck {
  readonly #replies: readonly Buffer[];
  #window = 0;
  #position = 0;

  constructor(windows: Windows) {
    this.#replies = windows.replies;
  }

  /** The window that is expected. */
  get window(): number {
    return this.#window;
  }

  /** Takes bytes; true when the window is complete. */
  take(bytes: Buffer, start: number, end: number): boolean {
    const expected = this.#replies[this.#window]!;
    const next = this.#position + end - start;
    if (next > expected.length || bytes.compare(expected, this.#position, next, start, end) !== 0) {
      fail(new Error(`a reply is wrong behind byte ${this.#position} of its window`));
    }
    if (next < expected.length) {
      this.#position = next;
      return false;
    }
    this.#position = 0;
    this.#window = (this.#window + 1) % this.#replies.length;
    return true;
  }
}
