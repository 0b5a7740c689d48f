import { resolved } from './pre-handled.js';

/** Something that collects bytes during a turn of the event loop. */
export interface Flushable {
  flush(): void;
}

const waiting: Flushable[] = [];
let turn = 0;

/** The number of the current turn. It goes on only with turns in which somebody flushes. */
export function currentTurn(): number {
  return turn;
}

/**
 * Calls `flush` at the end of the current turn: behind the microtasks of handlers that answer there, before the event loop
 * looks for new input. The caller sees to it that it waits only once.
 */
export function flushAfterTurn(queue: Flushable): void {
  // Ticks that are due run before the microtasks, one that a microtask asks for runs when all of those are done. Not by
  // queueMicrotask, which makes a resource for async_hooks each time.
  if (waiting.push(queue) === 1) resolved.then(flushNextTick);
}

function flushNextTick(): void {
  process.nextTick(flushAll);
}

function flushAll(): void {
  let done = 0;
  try {
    // A flush may add to the list.
    while (done < waiting.length) waiting[done++]!.flush();
  } finally {
    // A transport that throws must not keep the others waiting for ever.
    if (done === waiting.length) waiting.length = 0;
    else waiting.splice(0, done);
    turn++;
    if (waiting.length > 0) process.nextTick(flushAll);
  }
}
