import { HandshakeRequest } from '../connection/request.js';
import type { Transport } from '../connection/transport.js';
import { normalAddress } from './client-address.js';

/** A request that no trusted proxy passed on: its client is the other end of the socket. Its address is asked for when needed. */
export class DirectRequest extends HandshakeRequest {
  readonly #transport: Transport;

  constructor(url: string, rawHeaders: readonly string[], transport: Transport) {
    super(url, rawHeaders);
    this.#transport = transport;
  }

  override get clientAddress(): string | undefined {
    const remote = this.#transport.remoteAddress;
    return remote === undefined ? undefined : normalAddress(remote.address);
  }
}
