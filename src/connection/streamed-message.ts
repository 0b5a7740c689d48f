import type { Deflater } from '../deflate/deflater.js';
import type { FragmentWriter, OutgoingStream } from './outgoing-stream.js';
import { resolved } from './pre-handled.js';

/** Where the frames of a streamed message go. */
export interface FragmentOutlet {
  /** Whether so little is on its way that more frames may be added. */
  readonly hasRoom: boolean;
  writeFragment(opcode: number, fin: boolean, isDeflated: boolean, bytes: Uint8Array): void;
  /** A frame was added that had to be waited for. */
  onProgress(): void;
}

/** A message on its way out, in its turn, whose content is still coming: its frames, and the compression of them. */
export class StreamedMessage implements FragmentWriter {
  readonly #stream: OutgoingStream;
  /** Undefined: it is sent as it is. */
  readonly #deflater: Deflater | undefined;
  readonly #outlet: FragmentOutlet;
  /** The fragments that are being compressed in the thread pool, one after the other. */
  #deflating: Promise<void> | undefined;
  #onRoom: (() => void) | undefined;
  #isGivenUp = false;

  constructor(stream: OutgoingStream, deflater: Deflater | undefined, outlet: FragmentOutlet) {
    this.#stream = stream;
    this.#deflater = deflater;
    this.#outlet = outlet;
  }

  /** Sends it all; resolves also when that fails. */
  async run(): Promise<void> {
    await this.#stream.run(this);
    // The peer must get what the compressor has in its history, and the next message waits for the compressor.
    await this.#deflating;
  }

  /** Nothing more of it is sent. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#onRoom = undefined;
  }

  get hasRoom(): boolean {
    return this.#deflating === undefined && this.#outlet.hasRoom;
  }

  whenRoom(room: () => void): void {
    this.#onRoom = room;
  }

  /** Some of what is on its way has left. */
  progressed(): void {
    if (this.#onRoom === undefined || !this.hasRoom) return;
    const room = this.#onRoom;
    this.#onRoom = undefined;
    room();
  }

  fragment(opcode: number, fin: boolean, bytes: Uint8Array): void {
    const deflater = this.#deflater;
    if (deflater === undefined) this.#outlet.writeFragment(opcode, fin, false, bytes);
    else if (this.#deflating === undefined && deflater.isSync(bytes.length))
      this.#outlet.writeFragment(opcode, fin, true, deflater.deflate(bytes, fin));
    else this.#deflateFragment(deflater, opcode, fin, Buffer.from(bytes));
  }

  #deflateFragment(deflater: Deflater, opcode: number, fin: boolean, bytes: Uint8Array): void {
    const deflating = (this.#deflating ?? resolved)
      .then(() => deflater.deflateLater(bytes, fin))
      .then((deflated) => {
        if (this.#deflating === deflating) this.#deflating = undefined;
        if (this.#isGivenUp) return;
        this.#outlet.writeFragment(opcode, fin, true, deflated);
        this.#outlet.onProgress();
      })
      .catch((error) => {
        if (this.#deflating === deflating) this.#deflating = undefined;
        if (!this.#isGivenUp) this.#stream.cancel(error);
      });
    this.#deflating = deflating;
  }
}
