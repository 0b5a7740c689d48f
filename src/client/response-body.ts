/** The body of a refusal that is being read, as UTF-8 text, up to a number of bytes. */
export class BodyReading {
  /** The beginning of the body. It never rejects: when the body breaks off, it is what came. */
  readonly text: Promise<string>;
  readonly #most: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #resolve!: (text: string) => void;

  constructor(most: number) {
    this.#most = most;
    this.text = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#look();
  }

  /** Takes more of the body. Its bytes are copied. */
  add(chunk: Buffer): void {
    const wanted = Buffer.from(chunk.subarray(0, this.#most - this.#size));
    this.#chunks.push(wanted);
    this.#size += wanted.length;
    this.#look();
  }

  /** Makes do with what came so far. */
  stop(): void {
    // As a stream: a character that was cut in two is left out.
    this.#resolve(new TextDecoder().decode(Buffer.concat(this.#chunks), { stream: true }));
  }

  #look(): void {
    if (this.#size >= this.#most) this.stop();
  }
}
