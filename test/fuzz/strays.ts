/** Errors that reached nobody: they would end the process of a user. */
const strays: unknown[] = [];

/** Keeps the process alive on such errors from now on, for `takeStrays`; returns the way back. */
export function watchStrays(): () => void {
  const note = (error: unknown) => strays.push(error);
  process.on('uncaughtException', note).on('unhandledRejection', note);
  return () => {
    process.off('uncaughtException', note).off('unhandledRejection', note);
  };
}

/** Those since the last call. */
export function takeStrays(): unknown[] {
  return strays.splice(0);
}
