import { createHash } from 'node:crypto';

/** One frame to be written, right or wrong. */
export interface RawFrame {
  /** The first byte: FIN, the reserved bits and the opcode. */
  readonly first: number;
  readonly payload: Buffer;
  /** Masked otherwise than the role asks for. */
  readonly wrongMask?: boolean;
  /** The size of the length field in bytes, where it is not the shortest one. */
  readonly lengthSize?: 2 | 8;
  /** The length that is announced, in 8 bytes, where it is not that of the payload. */
  readonly length?: bigint;
}

const key = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** The bytes of a frame, made without the library's own encoder. */
export function encode(frame: RawFrame, masked: boolean): Buffer {
  const { length } = frame.payload;
  const shortest = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const size = frame.length === undefined ? (frame.lengthSize ?? shortest) : 8;
  const header = Buffer.alloc(2 + size);
  header[0] = frame.first;
  header[1] = size === 0 ? length : size === 2 ? 126 : 127;
  if (size === 2) header.writeUInt16BE(length, 2);
  if (size === 8) header.writeBigUInt64BE(frame.length ?? BigInt(length), 2);
  if (masked === (frame.wrongMask ?? false)) return Buffer.concat([header, frame.payload]);
  header[1] |= 0x80;
  const payload = Buffer.from(frame.payload);
  for (let i = 0; i < length; i++) payload[i]! ^= key[i % 4]!;
  return Buffer.concat([header, key, payload]);
}

/** What holds for the frames of a connection. */
export interface FrameAgreement {
  /** Inflates a message, where compression was agreed on. */
  readonly inflate?: ((payload: Buffer) => Buffer) | undefined;
  /** The largest payload of a data frame. */
  readonly fragmentSize?: number | undefined;
}

/** Collects what comes from the library, and says it in words. */
export class FrameLog {
  readonly events: string[] = [];
  /** The payload of the Close frame, once it is here. */
  close: Buffer | undefined;
  readonly #masked: boolean;
  readonly #agreed: FrameAgreement;
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = 2;
  #message: { readonly first: number; readonly parts: Buffer[] } | undefined;

  /**
   * @param masked Whether the frames that come must be masked, as those of a client (RFC 6455 section 5.1).
   */
  constructor(masked: boolean, agreed: FrameAgreement = {}) {
    this.#masked = masked;
    this.#agreed = agreed;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) return;
    const bytes = Buffer.concat(this.#chunks);
    let offset = 0;
    for (;;) {
      const end = this.#frameAt(bytes, offset);
      if (end === undefined) break;
      offset = end;
    }
    const rest = bytes.subarray(offset);
    this.#chunks = [rest];
    this.#size = rest.length;
  }

  #frameAt(bytes: Buffer, offset: number): number | undefined {
    this.#needed = 2;
    if (bytes.length - offset < 2) return undefined;
    const first = bytes[offset]!;
    const short = bytes[offset + 1]! & 0x7f;
    const masked = bytes[offset + 1]! >= 0x80;
    const size = short === 126 ? 2 : short === 127 ? 8 : 0;
    const start = offset + 2 + size + (masked ? 4 : 0);
    this.#needed = start - offset;
    if (bytes.length < start) return undefined;
    const length =
      size === 0
        ? short
        : size === 2
          ? bytes.readUInt16BE(offset + 2)
          : Number(bytes.readBigUInt64BE(offset + 2));
    this.#needed += length;
    if (bytes.length < start + length) return undefined;
    const payload = Buffer.from(bytes.subarray(start, start + length));
    if (masked) for (let i = 0; i < length; i++) payload[i]! ^= bytes[start - 4 + (i % 4)]!;
    if (masked !== this.#masked) this.events.push('wrongly masked');
    this.#needed = 2;
    this.#frame(first, payload);
    return start + length;
  }

  #frame(first: number, payload: Buffer): void {
    if (this.close !== undefined) this.events.push('a frame behind the Close');
    const opcode = first & 0x0f;
    const mayBeDeflated = this.#agreed.inflate !== undefined && (opcode === 1 || opcode === 2);
    if ((first & (mayBeDeflated ? 0x30 : 0x70)) !== 0) this.events.push('a reserved bit');
    if (opcode === 8) {
      this.close = payload;
      this.events.push(payload.length < 2 ? 'close' : `close ${payload.readUInt16BE(0)}`);
    } else if (opcode === 9) {
      // That of a heartbeat, which carries what nobody can guess.
      this.events.push(`ping ${payload.length}`);
    } else if (opcode === 10) this.events.push(say('pong', payload));
    else {
      if ((opcode === 0) !== (this.#message !== undefined)) this.events.push('wrongly fragmented');
      this.#message ??= { first, parts: [] };
      this.#message.parts.push(payload);
      if (payload.length > (this.#agreed.fragmentSize ?? Infinity)) this.events.push('too large a frame');
      if (first < 0x80) return;
      this.events.push(this.#sayMessage(this.#message.first, this.#message.parts));
      this.#message = undefined;
    }
  }

  #sayMessage(first: number, parts: readonly Buffer[]): string {
    const kind = (first & 0x0f) === 1 ? 'text' : 'binary';
    const payload = Buffer.concat(parts);
    if ((first & 0x40) === 0) {
      const frames = parts.length === 1 ? '' : ` in ${parts.length} frames of ${parts[0]!.length}`;
      return `${say(kind, payload)}${frames}`;
    }
    // How many frames there are depends on the version of zlib.
    return `${say(kind, this.#inflated(payload))} deflated`;
  }

  #inflated(payload: Buffer): Buffer {
    try {
      return this.#agreed.inflate!(payload);
    } catch (error) {
      return Buffer.from(`${error}`);
    }
  }
}

/** A payload in short: its size, and its bytes or the start of their SHA-256. */
export function say(kind: string, payload: Buffer): string {
  if (payload.length === 0) return `${kind} 0`;
  const shown =
    payload.length <= 8
      ? payload.toString('hex')
      : `#${createHash('sha256').update(payload).digest('hex').slice(0, 8)}`;
  return `${kind} ${payload.length} ${shown}`;
}
