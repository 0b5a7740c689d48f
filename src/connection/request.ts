import { toHeaders } from '../handshake/headers.js';

/** What a connection keeps of the HTTP request that opened it: a small copy, not the request. */
export class HandshakeRequest {
  /** The request target as sent, such as `/chat?room=1`. */
  readonly url: string;
  /** Header names and values, alternating, as they were sent. */
  readonly rawHeaders: readonly string[];
  #headers: Headers | undefined;

  constructor(url: string, rawHeaders: readonly string[]) {
    this.url = url;
    this.rawHeaders = rawHeaders;
  }

  /** The headers for look-up by name; made on first use. */
  get headers(): Headers {
    this.#headers ??= toHeaders(this.rawHeaders);
    return this.#headers;
  }
}
