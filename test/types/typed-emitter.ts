import type * as typedEmitter from 'typed-emitter';
import type { Connection } from '#src/connection/connection.js';
import type { ConnectionEvents, TypedEvents } from '#src/connection/events.js';
import { type Equal, expectType } from './expect-type.js';

// Our declarations carry an interface of their own, so that no package comes along with them. It is typed-emitter's.

// `typed-emitter` asks for an index signature, which the type of an object gets by itself and an interface does not.
type Events = { [E in keyof ConnectionEvents]: ConnectionEvents[E] };
type Ours = TypedEvents<Events>;
type Theirs = typedEmitter.default<Events>;

declare const ours: Ours;
declare const theirs: Theirs;

expectType<Equal<keyof Ours, keyof Theirs>>();

// The generic methods are compared for each event, and without what they return where that is `this`.
type OurMethods<E extends keyof Events> = {
  addListener: Parameters<typeof ours.addListener<E>>;
  on: Parameters<typeof ours.on<E>>;
  once: Parameters<typeof ours.once<E>>;
  prependListener: Parameters<typeof ours.prependListener<E>>;
  prependOnceListener: Parameters<typeof ours.prependOnceListener<E>>;
  off: Parameters<typeof ours.off<E>>;
  removeListener: Parameters<typeof ours.removeListener<E>>;
  removeAllListeners: Parameters<typeof ours.removeAllListeners<E>>;
  emit: typeof ours.emit<E>;
  rawListeners: typeof ours.rawListeners<E>;
  listeners: typeof ours.listeners<E>;
  listenerCount: typeof ours.listenerCount<E>;
};
type TheirMethods<E extends keyof Events> = {
  addListener: Parameters<typeof theirs.addListener<E>>;
  on: Parameters<typeof theirs.on<E>>;
  once: Parameters<typeof theirs.once<E>>;
  prependListener: Parameters<typeof theirs.prependListener<E>>;
  prependOnceListener: Parameters<typeof theirs.prependOnceListener<E>>;
  off: Parameters<typeof theirs.off<E>>;
  removeListener: Parameters<typeof theirs.removeListener<E>>;
  removeAllListeners: Parameters<typeof theirs.removeAllListeners<E>>;
  emit: typeof theirs.emit<E>;
  rawListeners: typeof theirs.rawListeners<E>;
  listeners: typeof theirs.listeners<E>;
  listenerCount: typeof theirs.listenerCount<E>;
};
expectType<Equal<{ [E in keyof Events]: OurMethods<E> }, { [E in keyof Events]: TheirMethods<E> }>>();
// @ts-expect-error The comparison sees the events.
expectType<Equal<OurMethods<'close'>, TheirMethods<'message'>>>();
// Nothing was forgotten above.
expectType<
  Equal<keyof OurMethods<'close'> | 'eventNames' | 'getMaxListeners' | 'setMaxListeners', keyof Theirs>
>();
expectType<Equal<Ours['eventNames'], Theirs['eventNames']>>();
expectType<Equal<Ours['getMaxListeners'], Theirs['getMaxListeners']>>();
expectType<Equal<Parameters<Ours['setMaxListeners']>, Parameters<Theirs['setMaxListeners']>>>();

declare const connection: Connection;
connection.on('close', ({ code }) => expectType<Equal<typeof code, number>>());
connection.once('message', (message) => expectType<Equal<typeof message, string | Buffer>>());
// @ts-expect-error There is no such event.
connection.on('error', () => {});
// @ts-expect-error A ping carries bytes.
connection.on('ping', (payload: string) => payload);
