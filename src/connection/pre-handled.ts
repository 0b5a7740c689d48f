/** What `send` returns while nothing has to be waited for: always this one. */
export const resolved: Promise<void> = Promise.resolve();

/** `promise`, whose rejection may be left alone: one that nobody looks at must not end the process. A bare `send()` is fine. */
export function preHandled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** A rejection that may be left alone. */
export function rejected(error: unknown): Promise<never> {
  return preHandled(Promise.reject(error));
}
