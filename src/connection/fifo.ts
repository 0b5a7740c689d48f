/** A queue that stays cheap at any length: `Array.shift` moves all that is behind. */
export class Fifo<T> {
  readonly #items: (T | undefined)[] = [];
  /** Index of the oldest; what is before it has been taken. */
  #head = 0;
  /** Index behind the newest. What is from here on is free, and kept: to shrink an array costs more than to fill it again. */
  #tail = 0;

  get length(): number {
    return this.#tail - this.#head;
  }

  /** The oldest, left in its place. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items[this.#tail++] = item;
  }

  /** Takes the oldest. */
  shift(): T | undefined {
    if (this.#head === this.#tail) return undefined;
    const item = this.#items[this.#head];
    // Whatever it holds must not live on behind the head.
    this.#items[this.#head] = undefined;
    this.#head++;
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
      // The memory of a long queue goes with it.
      if (this.#items.length > 32) this.#items.length = 0;
    } else if (this.#head >= 32 && this.#head * 2 >= this.#tail) {
      this.#items.splice(0, this.#head);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
    this.#tail = 0;
  }
}
