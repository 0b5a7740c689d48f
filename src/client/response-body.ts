import type { IncomingMessage } from 'node:http';

/** A body that is being read. */
export interface BodyReading {
  /** The beginning of the body. It never rejects: when the body breaks off, it is what came. */
  readonly body: Promise<string>;
  /** Makes do with what came so far. */
  readonly stop: () => void;
}

/** Reads a response's body as UTF-8 text, up to `most` bytes. */
export function readBody(response: IncomingMessage, most: number): BodyReading {
  const chunks: Buffer[] = [];
  let size = 0;
  let stop = () => {};
  const body = new Promise<string>((resolve) => {
    stop = () => resolve(decode(chunks, most));
    const look = () => {
      if (size >= most) stop();
    };
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      look();
    });
    look();
    response.on('error', stop).on('close', stop).on('end', stop);
  });
  return { body, stop };
}

function decode(chunks: readonly Buffer[], most: number): string {
  const bytes = Buffer.concat(chunks).subarray(0, most);
  // As a stream: a character that was cut in two is left out.
  return new TextDecoder().decode(bytes, { stream: true });
}
