import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { DuplexTransport, transportOf, type Wrapped } from '../connection/duplex-transport.js';
import { readBlock, readHooks } from '../connection/read-block.js';
import type { TransportHandler } from '../connection/transport.js';

/**
 * The one place that knows an undocumented part of Node's sockets. A socket that is dialled can be told where to read to (`onread`, a
 * documented option); one that was accepted cannot, and Node makes 64 KiB of memory, a Buffer and a trip through a Readable for each
 * read of it. What `onread` does is set up here on an accepted socket, which stays the same object: its server counts it, its events
 * come and its methods work as ever. It is done only after it has proved itself in this process (`shared-reads.ts`).
 */

/** Where a socket keeps what it got as `onread`. */
interface Slots {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly nextBuffer: symbol;
}

/** What of Node's sockets is used beside. */
interface Handle {
  useUserBuffer(block: Buffer): void;
}

type Inside = Socket & { readonly _handle?: Partial<Handle> | null } & { [slot: symbol]: unknown };

let found: Slots | null | undefined;

/** The slots of this version of Node; undefined where they are not as expected. */
function findSlots(): Slots | undefined {
  if (found === undefined) found = lookForSlots() ?? null;
  return found ?? undefined;
}

/** By what two sockets have in them that were made with the documented option. */
function lookForSlots(): Slots | undefined {
  const block = Buffer.alloc(1);
  const makeBlock = (): Buffer => block;
  const callback = (): boolean => true;
  const plain = makeReadingSocket({ buffer: block, callback });
  const generating = makeReadingSocket({ buffer: makeBlock, callback });
  const slotOf = (socket: Inside, value: unknown): symbol | undefined => {
    const slots = Object.getOwnPropertySymbols(socket).filter((symbol) => socket[symbol] === value);
    return slots.length === 1 ? slots[0] : undefined;
  };
  const buffer = slotOf(plain, block);
  const nextBuffer = slotOf(generating, makeBlock);
  if (buffer === undefined || nextBuffer === undefined) return undefined;
  const callbackSlot = slotOf(plain, callback);
  return callbackSlot === undefined ? undefined : { buffer, callback: callbackSlot, nextBuffer };
}

/** The types of Node do not know that `new net.Socket` takes it as well. */
function makeReadingSocket(onread: OnReadOpts): Inside {
  return new Socket({ onread } as SocketConstructorOpts) as Inside;
}

/** Whether this version of Node has what an {@link AcceptedTransport} needs; whether it works is another question. */
export function hasReadSlots(): boolean {
  return findSlots() !== undefined;
}

/** Whether this is a socket of TCP, or a unix one, that nobody else reads, and that can be read into a block of ours. */
export function canReadInto(stream: Duplex): stream is Socket {
  // Sockets of TLS, and what users make of them, are other classes.
  if (Object.getPrototypeOf(stream) !== Socket.prototype) return false;
  const slots = findSlots();
  const socket = stream as Inside;
  return (
    slots !== undefined &&
    socket[slots.buffer] === null &&
    socket[slots.callback] === null &&
    socket[slots.nextBuffer] === null &&
    typeof socket._handle?.useUserBuffer === 'function' &&
    socket.listenerCount('data') === 0 &&
    socket.listenerCount('readable') === 0
  );
}

/** The transport whose socket is being read. */
let reading: AcceptedTransport | undefined;

/** Called by the socket, right behind each other: the functions are the same for all sockets, and cost a connection nothing. */
function onRead(this: Socket, size: number, bytes: Buffer): boolean {
  reading = (this as unknown as Wrapped)[transportOf] as AcceptedTransport;
  reading.streamRead(size, bytes);
  return true;
}

/** Where to read to from now on; undefined leaves it as it is. */
function nextBlock(): Buffer | undefined {
  const transport = reading!;
  // It may be the end of the connection.
  reading = undefined;
  return transport.nextBlock();
}

/** A transport over an accepted socket that is read into one block of memory, the same for all connections of this thread. */
export class AcceptedTransport extends DuplexTransport {
  readonly #socket: Inside;
  #handler: TransportHandler | undefined;
  #hasOwnBlock = false;

  /** @param socket One that {@link canReadInto} has agreed to. */
  constructor(socket: Socket) {
    super(socket);
    this.#socket = socket as Inside;
  }

  override start(handler: TransportHandler): void {
    this.#handler = handler;
    // Whoever came to read it meanwhile has it.
    if (!this.#socket.readableEnded && canReadInto(this.#socket)) this.#readIntoBlock();
    // What the stream had before comes as 'data', ahead of all that is read from now on.
    super.start(handler);
  }

  #readIntoBlock(): void {
    const slots = findSlots()!;
    const socket = this.#socket;
    socket[slots.buffer] = readBlock();
    socket[slots.callback] = onRead;
    socket[slots.nextBuffer] = nextBlock;
    socket._handle!.useUserBuffer!(readBlock());
    // A stream only stops to flow, and goes on to read until it has enough; now it stops to read.
    if (socket.isPaused()) socket.pause();
  }

  /** Of the socket. */
  streamRead(size: number, bytes: Buffer): void {
    this.#handler!.onData(bytes.subarray(0, size));
    if (!this.#hasOwnBlock) readHooks.afterRead?.(bytes);
  }

  /** Of the socket, behind each read. */
  nextBlock(): Buffer | undefined {
    const room = this.#handler!.makeRoom?.();
    if (room === undefined && !this.#hasOwnBlock) return undefined;
    this.#hasOwnBlock = room !== undefined;
    return room ?? readBlock();
  }
}
