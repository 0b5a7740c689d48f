/** Where an object has its seat; it is in one roster at a time. */
const seat = Symbol('ants-ws seat');

type Seated = { [seat]?: number };

/** So many seats may be empty, however few are taken. */
const spareSeats = 16;

/**
 * A set for objects that come and go all the time. A `Set` of V8 gets a new table every so many changes, and each old table leads to the
 * next; once a collection has moved one to the old generation, all that was ever in a later one is kept, and moved there too, until
 * the old generation is collected. Here, old seats lead to no later ones.
 */
export class Roster<Member extends object> implements Iterable<Member> {
  #seats: (Member | undefined)[] = [];
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  has(member: Member): boolean {
    // Whoever asks may have found nobody, and a Set would say no.
    const at = (member as Seated | null | undefined)?.[seat];
    return at !== undefined && this.#seats[at] === member;
  }

  /** Without effect when it is here already. */
  add(member: Member): void {
    if (this.has(member)) return;
    (member as Seated)[seat] = this.#seats.length;
    this.#seats.push(member);
    this.#size++;
  }

  /** Returns whether it was here. */
  delete(member: Member): boolean {
    if (!this.has(member)) return false;
    this.#seats[(member as Seated)[seat]!] = undefined;
    this.#size--;
    if (this.#seats.length > 2 * this.#size + spareSeats) this.#closeUp();
    return true;
  }

  /**
   * In the order in which they came. Each comes once, and only if it is still here by then, whatever happens between two of them. Those
   * who are added meanwhile are left out.
   */
  *[Symbol.iterator](): Generator<Member, undefined> {
    const seats = this.#seats;
    const { length } = seats;
    for (let i = 0; i < length; i++) {
      const member = seats[i];
      if (member !== undefined && this.has(member)) yield member;
    }
    return undefined;
  }

  /** Leaves no seat empty. Whoever iterates goes on with the old ones. */
  #closeUp(): void {
    const seats: Member[] = [];
    for (const member of this.#seats) {
      if (member === undefined) continue;
      (member as Seated)[seat] = seats.length;
      seats.push(member);
    }
    this.#seats = seats;
  }
}
