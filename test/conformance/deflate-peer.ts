import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/** The parameters of permessage-deflate that a case agrees on, for both directions (RFC 7692 section 7.1). */
export interface DeflateLimits {
  readonly contextTakeover: boolean;
  /** Undefined: no such parameter. */
  readonly windowBits?: number | undefined;
}

/** The name of the extension. */
export const deflateName = 'permessage-deflate';

/** The element of `Sec-WebSocket-Extensions` with these parameters, which may stand in an offer and in an answer. */
export function deflateElement({ contextTakeover, windowBits }: DeflateLimits): string {
  return [
    deflateName,
    ...(contextTakeover ? [] : ['server_no_context_takeover', 'client_no_context_takeover']),
    ...(windowBits === undefined
      ? []
      : [`server_max_window_bits=${windowBits}`, `client_max_window_bits=${windowBits}`]),
  ].join('; ');
}

/** Compresses messages for the wire (RFC 7692 section 7.2.1), without a stream: what came before is a dictionary. */
export class PeerDeflater {
  readonly #history: History;
  readonly #windowBits: number;

  constructor(limits: DeflateLimits) {
    this.#history = new History(limits);
    // zlib's deflate knows no 8; with 9 it looks back 250 bytes at most.
    this.#windowBits = Math.max(9, limits.windowBits ?? 15);
  }

  deflate(message: Buffer): Buffer {
    const deflated = deflateRawSync(message, {
      windowBits: this.#windowBits,
      level: 1,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...this.#history.dictionary,
    });
    this.#history.add(message);
    return deflated.subarray(0, -4);
  }
}

/** The other way round (RFC 7692 section 7.2.2). */
export class PeerInflater {
  readonly #history: History;
  readonly #windowBits: number;

  constructor(limits: DeflateLimits) {
    this.#history = new History(limits);
    this.#windowBits = limits.windowBits ?? 15;
  }

  /** @throws Error when the payload is no DEFLATE, or refers further back than was agreed. */
  inflate(payload: Buffer): Buffer {
    const message = inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), {
      windowBits: this.#windowBits,
      finishFlush: constants.Z_SYNC_FLUSH,
      // zlib holds references against the window only where they lead out of the chunk that it fills.
      ...(this.#windowBits < 15 && { chunkSize: 64 }),
      ...this.#history.dictionary,
    });
    this.#history.add(message);
    return message;
  }
}

class History {
  readonly #size: number;
  #bytes = Buffer.alloc(0);

  constructor({ contextTakeover, windowBits = 15 }: DeflateLimits) {
    this.#size = contextTakeover ? 2 ** windowBits : 0;
  }

  get dictionary(): { dictionary?: Buffer } {
    return this.#bytes.length === 0 ? {} : { dictionary: this.#bytes };
  }

  add(message: Buffer): void {
    if (this.#size === 0) return;
    this.#bytes = Buffer.concat([this.#bytes, message.subarray(-this.#size)]).subarray(-this.#size);
  }
}
