import type { FileHandle } from 'node:fs/promises';
import { AntsError } from '../errors.js';
import type { Connection } from './connection.js';
import { files } from './node-modules.js';
import { defaultFragmentSize, type SendStreamOptions } from './outgoing-stream.js';

/** How far the transfer of a file is. */
export interface FileProgress {
  /** Bytes so far. */
  readonly bytes: number;
  /** Bytes in all, where that is known. */
  readonly total?: number | undefined;
}

/** How `sendFile` sends. */
export interface SendFileOptions extends SendStreamOptions {
  /** Default: binary. Text is sent only as far as it is valid UTF-8. */
  type?: 'text' | 'binary' | undefined;
  /** Called each time after a part was handed over. */
  onProgress?: ((progress: FileProgress) => void) | undefined;
}

/** What a transfer counts. */
interface Count {
  bytes: number;
}

/** Sends the content of a file as one message; resolves to its bytes. See {@link Connection.sendFile}. */
export async function sendFile(
  connection: Pick<Connection, 'sendStream'>,
  file: string | URL | FileHandle,
  options: SendFileOptions,
): Promise<number> {
  const { onProgress, type = 'binary', ...rest } = options;
  const count: Count = { bytes: 0 };
  const size = rest.fragmentSize ?? defaultFragmentSize;
  await connection.sendStream(readParts(file, size, count, onProgress), { ...rest, type });
  return count.bytes;
}

/** Opens nothing until it is asked for the first part, so it has nothing to leave behind. All parts are in the same memory. */
async function* readParts(
  file: string | URL | FileHandle,
  partSize: number,
  count: Count,
  onProgress: SendFileOptions['onProgress'],
): AsyncGenerator<Uint8Array, void> {
  const isOurs = typeof file === 'string' || file instanceof URL;
  const handle = isOurs ? await files().open(file, 'r') : file;
  try {
    const stat = await handle.stat();
    // Devices and pipes have no size, and what pretends to be a file, as in /proc, has none either.
    const total = stat.isFile() && stat.size > 0 ? stat.size : undefined;
    const part = Buffer.allocUnsafeSlow(Math.min(partSize, total ?? partSize));
    while (total === undefined || count.bytes < total) {
      const wanted = Math.min(part.length, (total ?? Infinity) - count.bytes);
      const { bytesRead } = await handle.read(part, 0, wanted, stat.isFile() ? count.bytes : null);
      if (bytesRead === 0) break;
      yield part.subarray(0, bytesRead);
      count.bytes += bytesRead;
      onProgress?.({ bytes: count.bytes, total });
    }
    if (total !== undefined && count.bytes < total) {
      throw new AntsError(
        'ANTS_FILE_SHRANK',
        `a file had ${total} bytes when its transfer began and ended after ${count.bytes}`,
      );
    }
  } finally {
    if (isOurs) await handle.close();
  }
}
