import { isAnyArrayBuffer } from 'node:util/types';

/** What `send` takes: strings become text messages, all else binary ones. */
export type OutgoingData = string | ArrayBufferView | ArrayBufferLike | Blob;

/**
 * The bytes of a binary argument, exactly those inside the view, without a copy. Everything becomes a Buffer here, so that the
 * hot loops see one kind of array.
 *
 * @throws TypeError when `data` holds no bytes, or none any more.
 */
export function toBytes(data: unknown, what: string): Buffer {
  if (Buffer.isBuffer(data) && data.length > 0) return data;
  const isView = ArrayBuffer.isView(data);
  if (!isView && !isAnyArrayBuffer(data)) {
    throw new TypeError(
      `${what} must be a string, Buffer, typed array, DataView, ArrayBuffer or Blob, not ${describeType(data)}; turn objects into text with JSON.stringify`,
    );
  }
  try {
    return isView ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
  } catch (error) {
    throw new TypeError(`${what} has no memory any more, it was transferred away (detached)`, {
      cause: error,
    });
  }
}

/**
 * The payload of a ping: text as UTF-8, or bytes.
 *
 * @throws TypeError when it is something else or longer than 125 bytes (RFC 6455 section 5.5).
 */
export function toControlPayload(data: unknown): Buffer {
  const payload = typeof data === 'string' ? Buffer.from(data) : toBytes(data, 'the payload of a ping');
  if (payload.length > 125) {
    throw new TypeError(`the payload of a ping has at most 125 bytes; this one has ${payload.length}`);
  }
  return payload;
}

function describeType(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
