/** A queue that stays cheap at any length: `Array.shift` moves all that is behind. */
export class Fifo<T> {
  readonly #items: (T | undefined)[] = [];
  /** Index of the oldest; what is before it has been taken. */
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The oldest, left in its place. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the oldest. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    // Whatever it holds must not live on behind the head.
    this.#items[this.#head] = undefined;
    this.#head++;
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head >= 32 && this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
  }
}
