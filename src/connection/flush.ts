/** Something that collects bytes during a turn of the event loop. */
export interface Flushable {
  flush(): void;
}

const waiting: Flushable[] = [];

/**
 * Calls `flush` at the end of the current turn: behind the microtasks of handlers that answer there, before the event loop
 * looks for new input. The caller sees to it that it waits only once.
 */
export function flushAfterTurn(queue: Flushable): void {
  if (waiting.push(queue) === 1) process.nextTick(flushAll);
}

function flushAll(): void {
  // A flush may add to the list.
  for (let i = 0; i < waiting.length; i++) waiting[i]!.flush();
  waiting.length = 0;
}
