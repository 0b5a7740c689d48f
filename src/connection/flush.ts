import { resolved } from './pre-handled.js';

/** Something that collects bytes during a turn of the event loop. */
export interface Flushable {
  flush(): void;
}

/** The first `count` of them wait. The array is never made shorter: V8 would drop its memory, and make it anew each turn. */
const waiting: (Flushable | undefined)[] = [];
let count = 0;
let turn = 0;

/** The number of the current turn. It goes on only with turns in which somebody flushes. */
export function currentTurn(): number {
  return turn;
}

/** How many transports are handing over bytes: what their listeners send is collected until they are done. */
let inputs = 0;
/** Whether somebody who was told of these bytes may answer later in this turn. */
let answersLater = false;
let flushing = false;

/**
 * Calls `flush` at the end of the current turn: behind the microtasks of handlers that answer there, before the event loop
 * looks for new input. The caller sees to it that it waits only once.
 */
export function flushAfterTurn(queue: Flushable): void {
  waiting[count++] = queue;
  if (count === 1 && inputs === 0) flushLater();
}

/** A transport hands over bytes. */
export function beginInput(): void {
  inputs++;
}

/** It is done. When nobody may answer later in this turn, it is over as far as flushing goes: that saves two trips through queues. */
export function endInput(): void {
  inputs--;
  if (inputs > 0) return;
  const isOver = !answersLater;
  answersLater = false;
  if (count === 0 || flushing) return;
  if (isOver) flushAll();
  else flushLater();
}

/** Somebody is told of input who may answer in a microtask: an async listener, a loop. */
export function expectAnswerLater(): void {
  if (inputs > 0) answersLater = true;
}

function flushLater(): void {
  // Ticks that are due run before the microtasks, one that a microtask asks for runs when all of those are done. Not by
  // queueMicrotask, which makes a resource for async_hooks each time.
  resolved.then(flushNextTick);
}

function flushNextTick(): void {
  process.nextTick(flushAll);
}

function flushAll(): void {
  let done = 0;
  flushing = true;
  try {
    // A flush may add to the list.
    while (done < count) {
      const queue = waiting[done]!;
      waiting[done++] = undefined;
      queue.flush();
    }
  } finally {
    // A transport that throws must not keep the others waiting for ever.
    if (done < count) waiting.copyWithin(0, done, count).fill(undefined, count - done, count);
    count -= done;
    turn++;
    flushing = false;
    if (count > 0) process.nextTick(flushAll);
  }
}
