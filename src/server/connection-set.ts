import { inspect } from 'node:util';
import { Roster } from '../protocol/roster.js';

/** The connections of a server: a roster that users see as a `ReadonlySet`. */
export class ConnectionSet<Connection extends object>
  extends Roster<Connection>
  implements ReadonlySet<Connection>
{
  /** For those who ask objects for their kind, such as assertion libraries. */
  get [Symbol.toStringTag](): string {
    return 'Set';
  }

  forEach(
    callback: (value: Connection, key: Connection, set: ReadonlySet<Connection>) => void,
    thisArg?: unknown,
  ): void {
    for (const connection of this) callback.call(thisArg, connection, connection, this);
  }

  keys(): Generator<Connection, undefined> {
    return this[Symbol.iterator]();
  }

  values(): Generator<Connection, undefined> {
    return this[Symbol.iterator]();
  }

  *entries(): Generator<[Connection, Connection], undefined> {
    for (const connection of this) yield [connection, connection];
    return undefined;
  }

  /** For `console.log`. */
  [inspect.custom](): Set<Connection> {
    return new Set(this);
  }
}

/** What newer versions of JavaScript give a set that cannot be changed. */
const algebra = [
  'union',
  'intersection',
  'difference',
  'symmetricDifference',
  'isSubsetOf',
  'isSupersetOf',
  'isDisjointFrom',
];

type Operation = (this: Set<object>, other: unknown) => unknown;

for (const name of algebra) {
  const operation = (Set.prototype as unknown as Record<string, Operation | undefined>)[name];
  if (operation === undefined) continue;
  const value = function (this: ConnectionSet<object>, other: unknown): unknown {
    return operation.call(new Set(this), other);
  };
  Object.defineProperty(ConnectionSet.prototype, name, { value, configurable: true, writable: true });
}
