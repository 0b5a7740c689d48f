import { equalsIgnoringCase, isToken } from './tokens.js';

/** Header names and values, alternating, as they travel: what Node calls `rawHeaders`. */
export type RawHeaders = readonly string[];

/** What options accept as headers: a record, a `Headers` object, a `Map` or any other iterable of pairs. */
export type HeadersInput =
  | Headers
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** What most headers are asked for in vain; nothing is allocated for it. */
const noValues: readonly string[] = Object.freeze([]);

/** All values of the header `name`, in order; the case of names does not matter (RFC 9110 section 5.1). */
export function headerValues(headers: RawHeaders, name: string): readonly string[] {
  let values: string[] | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (!equalsIgnoringCase(headers[i]!, name)) continue;
    if (values === undefined) values = [headers[i + 1]!];
    else values.push(headers[i + 1]!);
  }
  return values ?? noValues;
}

/** Whether there is a header `name`. */
export function hasHeader(headers: RawHeaders, name: string): boolean {
  return headerValues(headers, name).length > 0;
}

/** The headers without those named `name`. */
export function withoutHeader(headers: RawHeaders, name: string): string[] {
  return headers.filter((_, i) => !equalsIgnoringCase(headers[i - (i % 2)]!, name));
}

/** Headers as the web has them. What `Headers` would not take is left out: a peer's header must not make us throw. */
export function toHeaders(rawHeaders: RawHeaders): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    try {
      headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
    } catch {
      // Node's parser can be switched to let through what is no header.
    }
  }
  return headers;
}

/**
 * Checks a header that we are asked to send.
 *
 * @throws TypeError when the name is not a token, or the value is not a string of the characters that a header can carry:
 * no CR, LF, NUL or other control character, nothing beyond Latin-1 (RFC 9110 section 5.5).
 */
export function checkHeader(name: unknown, value: unknown): void {
  if (typeof name !== 'string' || !isToken(name)) {
    throw new TypeError(`${JSON.stringify(String(name))} is not a header name`);
  }
  if (typeof value !== 'string') {
    throw new TypeError(`the value of the header ${name} must be a string; it is of type ${typeof value}`);
  }
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    const carried = code === 0x09 || (code >= 0x20 && code <= 0xff && code !== 0x7f);
    if (!carried) {
      // The value itself may be a secret and stays out of the message.
      const point = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
      throw new TypeError(`the value of the header ${name} has ${point} at ${i}, which no header can carry`);
    }
  }
}

/**
 * Headers from an option as a list of names and values. Repeated names stay repeated.
 *
 * @throws TypeError as {@link checkHeader}.
 */
export function listHeaders(input: HeadersInput): string[] {
  const list: string[] = [];
  const add = (name: string, value: string) => {
    checkHeader(name, value);
    list.push(name, value);
  };
  if (isIterable(input)) {
    for (const [name, value] of input) add(name, value);
    return list;
  }
  for (const [name, value] of Object.entries(input)) {
    if (Array.isArray(value)) {
      for (const one of value as readonly string[]) add(name, one);
    } else if (value !== undefined) {
      add(name, value as string);
    }
  }
  return list;
}

function isIterable(input: HeadersInput): input is Iterable<readonly [string, string]> {
  return Symbol.iterator in input;
}

/**
 * Sees to it that headers from an option leave the handshake's own headers alone.
 *
 * @param reserved the names that must not occur, in lower case
 * @throws TypeError when one occurs
 */
export function checkNotReserved(headers: RawHeaders, reserved: ReadonlySet<string>): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (reserved.has(headers[i]!.toLowerCase())) {
      throw new TypeError(
        `the header ${headers[i]} belongs to the WebSocket handshake and cannot be set; subprotocols have an option`,
      );
    }
  }
}
