import type { Socket } from 'node:net';
import { DuplexTransport } from '../connection/duplex-transport.js';
import type { TransportHandler } from '../connection/transport.js';
import type { Inlet, InletOwner } from './inlet.js';

/** A transport over a socket that was dialled with an {@link Inlet}. The socket must be paused. */
export class SocketTransport extends DuplexTransport implements InletOwner {
  readonly #inlet: Inlet;
  /** TLS may have more to tell although it was paused. */
  #late: Buffer[] | undefined;

  constructor(socket: Socket, inlet: Inlet) {
    super(socket);
    this.#inlet = inlet;
    inlet.owner = this;
  }

  onData(chunk: Buffer): void {
    this.#late ??= [];
    this.#late.push(Buffer.from(chunk));
  }

  override start(handler: TransportHandler): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    this.#inlet.owner = handler;
    for (const chunk of late) handler.onData(chunk);
    super.start(handler);
  }
}
