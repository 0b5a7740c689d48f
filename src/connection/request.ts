import { toHeaders } from '../handshake/headers.js';

/** What a connection keeps of the HTTP request that opened it: a small copy, not the request. */
export class HandshakeRequest {
  /** The request target as sent, such as `/chat?room=1`. */
  readonly url: string;
  /** One string a line: half of the memory of an array, and few connections are asked for it. */
  readonly #lines: string;
  readonly #clientAddress: string | undefined;
  #rawHeaders: readonly string[] | undefined;
  #headers: Headers | undefined;

  /** @param rawHeaders As they travel: without line feeds (RFC 9110 section 5.5). */
  constructor(url: string, rawHeaders: readonly string[], clientAddress?: string) {
    this.url = url;
    this.#lines = rawHeaders.join('\n');
    this.#clientAddress = clientAddress;
  }

  /**
   * On a server, the address of the client: what `trustProxy` believes, or that of its socket, as long as `Connection.remoteAddress` has
   * one. Undefined at a unix socket, and on clients.
   */
  get clientAddress(): string | undefined {
    return this.#clientAddress;
  }

  /** Header names and values, alternating, as they were sent. */
  get rawHeaders(): readonly string[] {
    this.#rawHeaders ??= this.#lines === '' ? [] : this.#lines.split('\n');
    return this.#rawHeaders;
  }

  /** The headers for look-up by name; made on first use. */
  get headers(): Headers {
    this.#headers ??= toHeaders(this.rawHeaders);
    return this.#headers;
  }
}
