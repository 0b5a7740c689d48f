import { createHash } from 'node:crypto';
import type { DialOptions } from 'ants-ws';

/** A response to our client, right or wrong, and what the client makes of it. */
export interface ResponseCase {
  readonly name: string;
  readonly section: string;
  /** `accept` is what fits the key of the request. */
  readonly response: (accept: string) => string;
  /** `open` with what was agreed on, or the code of the error, and the status of a refusal. */
  readonly expected: string;
  /** Of `dial`, beside the usual ones. */
  readonly options?: DialOptions;
  /** The server ends TCP behind its response. */
  readonly ends?: true;
}

/** Headers by name, one value for each line. */
export type Changes = Readonly<Record<string, readonly string[]>>;

/** What the errors of `dial` say. */
export const invalid = 'ANTS_HANDSHAKE_INVALID';
export const refused = 'ANTS_HANDSHAKE_REFUSED';
export const failed = 'ANTS_CONNECT_FAILED';

/** The 101 with changes: a header gets these values, one line for each; none leaves it out. `<accept>` is the right one. */
export function response(changes: Changes = {}, start = 'HTTP/1.1 101 Switching Protocols'): string {
  const right: Changes = {
    Upgrade: ['websocket'],
    Connection: ['Upgrade'],
    'Sec-WebSocket-Accept': ['<accept>'],
  };
  const lines = Object.entries({ ...right, ...changes }).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${value}`),
  );
  return `${[start, ...lines].join('\r\n')}\r\n\r\n`;
}

/** What few rows have. */
export type More = Pick<ResponseCase, 'options' | 'ends'>;

/** A row of the table. */
export function row(
  name: string,
  section: string,
  bytes: string,
  expected: string,
  more: More = {},
): ResponseCase {
  return { name, section, response: (accept) => bytes.replaceAll('<accept>', accept), expected, ...more };
}

/** Rows of one header, with one expectation. */
export function values(
  header: string,
  expected: string,
  list: readonly (readonly string[])[],
  section = '4.1',
  options?: DialOptions,
): ResponseCase[] {
  return list.map((sent) => {
    const name =
      sent.length === 0
        ? `no ${header}`
        : `${header}: ${sent.map((one) => JSON.stringify(one)).join(' and ')}`;
    return row(name, section, response({ [header]: sent }), expected, options && { options });
  });
}

/** The `Sec-WebSocket-Accept` for a key (RFC 6455 section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** The `Sec-WebSocket-Accept` for a request. */
export function acceptFor(request: string): string {
  return acceptOf(/\r\nSec-WebSocket-Key: (.*)\r\n/.exec(request)?.[1] ?? '');
}
