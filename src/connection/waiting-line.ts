import type { CloseError } from '../errors.js';
import { Fifo } from './fifo.js';

/** A message, or the Close frame, whose turn to be framed comes later. */
export interface Queued {
  /** Payload bytes. */
  readonly bytes: number;
  /** Brings the bytes, for those that do not have them yet. */
  readonly load: (() => Promise<Uint8Array>) | undefined;
  /** Frames it; `loaded` is empty without `load`. */
  readonly write: (loaded: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

const empty: Uint8Array = new Uint8Array(0);

/** Messages whose bytes are being loaded, and everything that was sent behind them. */
export class WaitingLine {
  readonly #onProgress: () => void;
  #entries = new Fifo<Queued>();
  /** The entries that are being worked off. */
  #atWork: Fifo<Queued> | undefined;
  #bytes = 0;

  /** @param onProgress Called when an entry has left the line. */
  constructor(onProgress: () => void) {
    this.#onProgress = onProgress;
  }

  /** Bytes of payload in the line. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether messages need not wait. */
  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  add(entry: Queued): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    // Not by the length: user code that runs on progress adds to a line that is empty and still being worked off.
    if (this.#atWork !== this.#entries) void this.#workOff(this.#entries);
  }

  /** Gives all of it up. */
  drop(error: CloseError): void {
    const dropped = this.#entries;
    this.#entries = new Fifo();
    this.#bytes = 0;
    for (let entry = dropped.shift(); entry !== undefined; entry = dropped.shift()) entry.reject(error);
  }

  /** Frames the entries, each as soon as those before it have their bytes. */
  async #workOff(entries: Fifo<Queued>): Promise<void> {
    this.#atWork = entries;
    for (let entry = entries.first; entry !== undefined; entry = entries.first) {
      let loaded: Uint8Array | undefined = empty;
      if (entry.load !== undefined) {
        loaded = await entry.load().catch((error) => {
          entry.reject(error);
          return undefined;
        });
        // The line may have been dropped meanwhile.
        if (entries !== this.#entries) return;
      }
      entries.shift();
      this.#bytes -= entry.bytes;
      if (loaded !== undefined) entry.write(loaded);
      this.#onProgress();
    }
    if (this.#atWork === entries) this.#atWork = undefined;
  }
}
