/** What `onError` does by default. */
export function printError(error: unknown): void {
  console.error('ants-ws: an error was thrown by a handler, a listener or a function of the options:', error);
}

/** Hands an error of the user's code over by `tell`. What that throws, or rejects with, is printed beside it and goes no further. */
export async function reportError(error: unknown, tell: (error: unknown) => unknown): Promise<void> {
  try {
    await tell(error);
  } catch (secondError) {
    console.error(error, secondError);
  }
}
