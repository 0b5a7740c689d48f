import { EventEmitter } from 'node:events';
import type { ConnectionOptions, Role } from './options.js';
import type { HandshakeRequest } from './request.js';
import type { Transport } from './transport.js';

/** What a connection is made from, once its opening handshake is done. */
export interface ConnectionInit<Data> {
  readonly role: Role;
  readonly transport: Transport;
  /** Bytes that came behind the handshake in the same packet. */
  readonly head?: Buffer | undefined;
  readonly subprotocol: string | undefined;
  readonly request: HandshakeRequest;
  readonly data: Data;
  readonly options: ConnectionOptions;
}

export class Connection<Data = unknown> extends EventEmitter {
  readonly data: Data;
  constructor(init: ConnectionInit<Data>) {
    super();
    this.data = init.data;
  }
}
