import { abortable, onAbort } from '../connection/abort.js';
import type { Connection } from '../connection/connection.js';
import type { Replaceable } from '../connection/core.js';
import type { CloseInfo } from '../connection/events.js';
import { dialWith, withoutPassword } from './dial.js';
import { mergeOptions } from './options.js';
import {
  compileReconnect,
  type ReconnectOptions,
  type ReconnectProvider,
  type ReconnectSettings,
  type ReconnectTarget,
} from './reconnect-options.js';
import { isAboutCredentials, isFinal, retryAfterOf, retryDelay } from './retry.js';

/** The longest delay that a Node timer takes; a longer one would fire at once. */
const longestDelay = 0x7fffffff;

/** Given as a reason to what is given up when the loop is left. */
const left = new Error('the loop over reconnect() was left');

type Result<Data> = IteratorResult<Connection<Data>, undefined>;

/**
 * Stays connected: an iteration over connections, each of which comes when the one before it has ended. Their own iteration ends
 * without throwing, whatever the code. After failures it waits, longer each time, and each time for another while.
 *
 * It ends quietly after `close()` of a connection, after a code of `finalCodes` with which iteration ends quietly elsewhere, and when the
 * loop is left, which closes the connection. It throws what makes no sense to try again: a refusal with a status 4xx (but 408, 425 and
 * 429; with a function as `target` 401 and 403 are tried once more), a certificate that is not good, another code of `finalCodes`; and
 * the reason of the signal.
 *
 * @param target the URL, or a function that is asked for it before each attempt, for example for a fresh token. What it throws counts
 * as a failed attempt
 * @throws TypeError when the URL or an option cannot be used
 */
export function reconnect<Data = undefined>(
  target: string | URL | ReconnectProvider,
  options: ReconnectOptions<Data> = {},
): AsyncIterableIterator<Connection<Data>, undefined> {
  const provider = typeof target === 'function' ? target : undefined;
  return new Reconnection(compileReconnect(target, options), provider);
}

class Reconnection<Data> implements AsyncIterableIterator<Connection<Data>, undefined> {
  readonly #settings: ReconnectSettings<Data>;
  readonly #provider: ReconnectProvider | undefined;
  /** Ends whatever goes on. */
  readonly #end = new AbortController();
  #forgetSignal: (() => void) | undefined;
  /** The call of `next` before this one. */
  #turn: Promise<unknown> = Promise.resolve();
  #isOver = false;
  #connection: Connection<Data> | undefined;
  #replaceable: Replaceable = { wasClosed: false };
  #openedAt = 0;
  /** In a row, since a connection was healthy. */
  #failures = 0;
  /** Since a connection was open. */
  #attempts = 0;
  #lastError: unknown;
  /** Whether the server did not take the latest credentials. */
  #wasRefused = false;

  constructor(settings: ReconnectSettings<Data>, provider: ReconnectProvider | undefined) {
    this.#settings = settings;
    this.#provider = provider;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result<Data>> {
    this.#forgetSignal ??= this.#heedSignal();
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Gives up what goes on, and closes the connection. */
  async return(): Promise<Result<Data>> {
    this.#isOver = true;
    this.#forgetSignal?.();
    this.#end.abort(left);
    await this.#connection?.close();
    return { value: undefined, done: true };
  }

  #heedSignal(): () => void {
    const { signal } = this.#settings.dial;
    const abort = (reason: unknown): void => {
      this.#end.abort(reason);
      void this.#connection?.close();
    };
    if (signal?.aborted) abort(signal.reason);
    return onAbort(signal, abort);
  }

  async #next(): Promise<Result<Data>> {
    try {
      let delay = this.#connection === undefined ? 0 : await this.#ended(this.#connection);
      while (delay !== undefined && !this.#isOver) {
        await this.#wait(delay);
        const outcome = await this.#attempt();
        if (typeof outcome !== 'number') return { value: outcome, done: false };
        delay = outcome;
      }
    } catch (error) {
      void this.#connection?.close();
      this.#finish();
      // Whoever left does not want to know.
      if (error !== left) throw error;
    }
    this.#finish();
    return { value: undefined, done: true };
  }

  #finish(): void {
    this.#isOver = true;
    this.#connection = undefined;
    this.#forgetSignal?.();
  }

  /** Waits for the end of the connection; resolves to the delay before the next one, or to undefined when none is wanted. */
  async #ended(connection: Connection<Data>): Promise<number | undefined> {
    const info: CloseInfo = await connection.closed;
    this.#connection = undefined;
    this.#end.signal.throwIfAborted();
    if (this.#replaceable.wasClosed) return undefined;
    const { finalCodes, healthyAfter, times } = this.#settings;
    if (finalCodes.has(info.code)) {
      if (info.error === undefined) return undefined;
      throw info.error;
    }
    this.#lastError = info.error;
    const wasHealthy = performance.now() - this.#openedAt >= healthyAfter;
    this.#failures = wasHealthy ? 1 : this.#failures + 1;
    return retryDelay(this.#failures, 0, times, Math.random());
  }

  /** Resolves to the connection, or to the delay before the next attempt. */
  async #attempt(): Promise<Connection<Data> | number> {
    const attempt = ++this.#attempts;
    let target: ReconnectTarget;
    try {
      target = await this.#findTarget(attempt);
    } catch (error) {
      // A TypeError of fetch is no mistake in what is to be dialled.
      return this.#failed({ attempt, url: undefined, error }, false);
    }
    const url = showUrl(target.url);
    try {
      this.#connection = await this.#dial(target);
    } catch (error) {
      const final = isFinal(error, this.#provider !== undefined && !this.#wasRefused);
      this.#wasRefused = isAboutCredentials(error);
      return this.#failed({ attempt, url, error }, final);
    }
    this.#end.signal.throwIfAborted();
    this.#openedAt = performance.now();
    this.#attempts = 0;
    this.#wasRefused = false;
    this.#settings.onAttempt({ attempt, url, error: undefined, delay: undefined });
    return this.#connection;
  }

  async #findTarget(attempt: number): Promise<ReconnectTarget> {
    if (this.#provider === undefined) return this.#settings.target!;
    const { signal } = this.#end;
    const ask = async () => this.#provider!({ attempt, error: this.#lastError, signal });
    const target = await abortable(ask(), signal);
    const isWhole = typeof target === 'object' && target !== null && 'url' in target;
    return isWhole ? target : { url: target };
  }

  #dial({ url, headers, subprotocols }: ReconnectTarget): Promise<Connection<Data>> {
    const { dial } = this.#settings;
    const options = mergeOptions(dial, { headers, subprotocols, signal: this.#end.signal });
    this.#replaceable = { wasClosed: false };
    return dialWith(url, options, this.#replaceable);
  }

  /** Returns the delay before the next attempt; throws when that makes no sense. */
  #failed(what: { attempt: number; url: string | undefined; error: unknown }, final: boolean): number {
    this.#end.signal.throwIfAborted();
    const { error } = what;
    this.#lastError = error;
    this.#failures++;
    const delay = retryDelay(
      this.#failures,
      retryAfterOf(error, Date.now()),
      this.#settings.times,
      Math.random(),
    );
    this.#settings.onAttempt({ ...what, delay: final ? undefined : delay });
    if (final) throw error;
    return delay;
  }

  /** Waits with a timer that keeps the process alive: somebody waits for the connection behind it. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#end;
    signal.throwIfAborted();
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          forget();
          resolve();
        },
        Math.min(ms, longestDelay),
      );
      const forget = onAbort(signal, (reason) => {
        clearTimeout(timer);
        reject(reason);
      });
    });
  }
}

/** A URL as traces have it; what is none will be told of by who dials it. */
function showUrl(url: string | URL): string | undefined {
  try {
    return withoutPassword(url);
  } catch {
    return undefined;
  }
}
