import { toHeaders } from '../handshake/headers.js';

/** What a connection keeps of the HTTP request that opened it: a small copy, not the request. */
export class HandshakeRequest {
  /** The request target as sent, such as `/chat?room=1`. */
  readonly url: string;
  /** Header names and values, alternating, as they were sent. */
  readonly rawHeaders: readonly string[];
  /** On a server, the address of the client: of its socket, or what `trustProxy` believes. Undefined at a unix socket, and on clients. */
  readonly clientAddress: string | undefined;
  #headers: Headers | undefined;

  constructor(url: string, rawHeaders: readonly string[], clientAddress?: string) {
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.clientAddress = clientAddress;
  }

  /** The headers for look-up by name; made on first use. */
  get headers(): Headers {
    this.#headers ??= toHeaders(this.rawHeaders);
    return this.#headers;
  }
}
