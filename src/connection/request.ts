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
    if (this.#headers === undefined) {
      this.#headers = new Headers();
      for (let i = 0; i + 1 < this.rawHeaders.length; i += 2) {
        this.#headers.append(this.rawHeaders[i]!, this.rawHeaders[i + 1]!);
      }
    }
    return this.#headers;
  }
}
