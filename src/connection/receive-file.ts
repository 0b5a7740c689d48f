import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AntsError } from '../errors.js';
import type { Connection } from './connection.js';
import type { IncomingStream } from './incoming-stream.js';
import { files } from './node-modules.js';
import type { ReceiveStreamOptions } from './receive-stream.js';
import type { FileProgress } from './send-file.js';

/** How `receiveFile` takes a file. */
export interface ReceiveFileOptions extends ReceiveStreamOptions {
  /** Whether a file that is there already may be replaced. Default: false. */
  overwrite?: boolean | undefined;
  /** Called each time after a part was written. */
  onProgress?: ((progress: FileProgress) => void) | undefined;
}

/** Writes the next message to a file; resolves to its bytes. See {@link Connection.receiveFile}. */
export async function receiveFile(
  connection: Pick<Connection, 'receiveStream'>,
  path: string | URL,
  options: ReceiveFileOptions,
): Promise<number> {
  const { overwrite = false, onProgress, ...rest } = options;
  // Now, as the working directory may change while we wait.
  const target = resolve(path instanceof URL ? fileURLToPath(path) : path);
  const stream = await connection.receiveStream(rest);
  try {
    // Looked at again in the end; here it saves the transfer.
    if (!overwrite && (await exists(target))) throw alreadyThere(target);
    return await writeBeside(target, overwrite, (handle) => write(stream, handle, onProgress));
  } finally {
    await stream.return();
  }
}

/** Lets `fill` write a file beside `target`, and gives it that name once it is complete. It leaves either all or nothing. */
async function writeBeside<T>(
  target: string,
  overwrite: boolean,
  fill: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  // A name that nobody can guess, so that nobody can put a link there before us; `x` holds that.
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(12).toString('hex')}.part`);
  const handle = await files().open(temporary, 'wx');
  try {
    let result: T;
    try {
      result = await fill(handle);
    } finally {
      await handle.close();
    }
    if (overwrite) await files().rename(temporary, target);
    else await publish(temporary, target);
    return result;
  } catch (error) {
    await files().unlink(temporary).catch(noop);
    throw error;
  }
}

async function write(
  stream: IncomingStream,
  handle: FileHandle,
  onProgress: ReceiveFileOptions['onProgress'],
): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) {
    await handle.writeFile(chunk);
    bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
    onProgress?.({ bytes, total: stream.total });
  }
  return bytes;
}

/** Renames, but replaces nothing, whoever else is at it. */
async function publish(temporary: string, target: string): Promise<void> {
  try {
    // Unlike `rename`, a link fails when the name is taken.
    await files().link(temporary, target);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw alreadyThere(target);
    // Not every file system has links. There the name is claimed, and what replaces the claim is ours.
    await claim(target);
    try {
      await files().rename(temporary, target);
    } catch (renameError) {
      await files().unlink(target).catch(noop);
      throw renameError;
    }
    return;
  }
  await files().unlink(temporary);
}

async function claim(target: string): Promise<void> {
  try {
    const handle = await files().open(target, 'wx');
    await handle.close();
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? alreadyThere(target) : error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await files().lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function alreadyThere(target: string): AntsError {
  return new AntsError(
    'ANTS_FILE_EXISTS',
    `${target} is there already, and receiveFile() replaces nothing without { overwrite: true }`,
  );
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

function noop(): void {}
