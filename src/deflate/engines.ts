import { Engine, type EngineSettings } from './engine.js';

/** Idle engines of one kind that are kept; more than one is needed only while jobs are at work, or messages come in parts. */
const mostIdle = 4;

/** Lends engines of one kind that keep no history between messages, so that all connections of a process share a few. */
export class Lender {
  readonly #make: () => Engine;
  readonly #idle: Engine[] = [];

  constructor(make: () => Engine) {
    this.#make = make;
  }

  /** An engine as new. */
  lease(): Engine {
    return this.#idle.pop() ?? this.#make();
  }

  /** Takes back an engine, whatever happened to it. */
  release(engine: Engine): void {
    if (engine.isBusy || this.#idle.length === mostIdle) {
      engine.close();
      return;
    }
    engine.reset();
    this.#idle.push(engine);
  }
}

/** Of each kind that was asked for; their number is that of the settings which this process uses. */
const lenders = new Map<string, Lender>();

/** Lends compressors. */
export function deflateLender(settings: EngineSettings): Lender {
  const { windowBits, level, memLevel } = settings;
  return lenderOf(`deflate ${windowBits} ${level} ${memLevel}`, () => Engine.deflate(settings));
}

/** Lends decompressors. */
export function inflateLender(windowBits: number): Lender {
  return lenderOf(`inflate ${windowBits}`, () => Engine.inflate(windowBits));
}

function lenderOf(key: string, make: () => Engine): Lender {
  let lender = lenders.get(key);
  if (lender === undefined) {
    lender = new Lender(make);
    lenders.set(key, lender);
  }
  return lender;
}

let contexts = 0;

/** How many engines of this process belong to one connection, as they keep its history, or will. */
export function countContexts(): number {
  return contexts;
}

/** Counts one more, until `giveContext`. */
export function takeContext(): void {
  contexts++;
}

/** Counts one less. */
export function giveContext(): void {
  contexts--;
}
