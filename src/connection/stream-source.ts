/** What `sendStream` takes the content of a message from. Chunks are all strings, or all bytes. */
export type StreamSource =
  | AsyncIterable<string | ArrayBufferView | ArrayBufferLike>
  | Iterable<string | ArrayBufferView | ArrayBufferLike>
  | ReadableStream<string | ArrayBufferView | ArrayBufferLike>
  | Blob;

/** Chunks that come one by one, and may be given up. */
export interface Chunks {
  next(): Promise<IteratorResult<unknown, unknown>>;
  /** No more chunks are wanted, also in the middle of a `next`. */
  cancel(reason: unknown): void;
}

/**
 * The chunks of a source.
 *
 * @throws TypeError when `source` is something else.
 */
export function openSource(source: StreamSource): Chunks {
  if (source instanceof Blob) return openWebStream(source.stream());
  if (typeof source === 'object' && source !== null && !ArrayBuffer.isView(source)) {
    if ('getReader' in source && typeof source.getReader === 'function') {
      return openWebStream(source as ReadableStream);
    }
    if (Symbol.asyncIterator in source) return openIterator(source, source[Symbol.asyncIterator]());
    if (Symbol.iterator in source) return openIterator(source, source[Symbol.iterator]());
  }
  throw new TypeError(
    'the source of a message must be an iterable or async iterable of strings or of bytes, a Readable, a ReadableStream or a Blob; a message that is there as a whole is for send()',
  );
}

function openWebStream(stream: ReadableStream<unknown>): Chunks {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown, unknown>>,
    cancel: (reason) => void reader.cancel(reason).catch(noop),
  };
}

function openIterator(source: object, iterator: AsyncIterator<unknown> | Iterator<unknown>): Chunks {
  return {
    next: async () => iterator.next(),
    cancel: () => {
      // A Readable that has nothing would keep its iterator's `return` waiting.
      if ('destroy' in source && typeof source.destroy === 'function') source.destroy();
      void giveBack(iterator).catch(noop);
    },
  };
}

async function giveBack(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
  await iterator.return?.();
}

function noop(): void {}
