import { sampleAccept } from '../handshake/vectors.js';

/** The rules of the opening handshake (RFC 6455 section 4), as plain as they can be, for the answers that `head-case.ts` makes. */

export type Lines = readonly (readonly [name: string, value: string])[];

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Lower case of ASCII alone. */
const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const valuesOf = (lines: Lines, name: string): string[] =>
  lines.filter(([other]) => lower(other) === lower(name)).map(([, value]) => value);

const listOf = (lines: Lines, name: string): string[] =>
  valuesOf(lines, name)
    .flatMap((value) => value.split(','))
    .map((element) => element.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((element) => element !== '');

/** The lines of the response that counts; undefined when it is none, or not complete. */
export function readResponse(bytes: Buffer, maxSize: number): { status: number; lines: Lines } | undefined {
  let rest = bytes.toString('latin1');
  for (let interim = 0; interim <= 10; interim++) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1 || end + 4 > maxSize) return undefined;
    const [first, ...others] = rest.slice(0, end).split('\r\n') as [string, ...string[]];
    rest = rest.slice(end + 4);
    const status = /^HTTP\/1\.[01] ([1-9][0-9][0-9])( .*)?$/.exec(first)?.[1];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (status === undefined || /[\0-\x08\x0a-\x1f\x7f]/.test([first, ...others].join(''))) return undefined;
    if (others.length > 256) return undefined;
    const lines = others.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, Math.max(0, colon)), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
    });
    if (!lines.every(([name]) => token.test(name))) return undefined;
    if (status === '101' || Number(status) >= 200) return { status: Number(status), lines };
  }
  return undefined;
}

/** Whether a client that offered the subprotocols "chat" and "news", and compression, may go on after this response. */
export function mayOpen({ status, lines }: { status: number; lines: Lines }): boolean {
  const upgrade = listOf(lines, 'Upgrade');
  const protocols = valuesOf(lines, 'Sec-WebSocket-Protocol');
  return (
    status === 101 &&
    upgrade.length === 1 &&
    lower(upgrade[0]!) === 'websocket' &&
    listOf(lines, 'Connection').some((element) => lower(element) === 'upgrade') &&
    valuesOf(lines, 'Sec-WebSocket-Accept').join('|') === sampleAccept &&
    (protocols.length === 0 || ['chat', 'news'].includes(protocols.join('|'))) &&
    isDeflateAnswer(valuesOf(lines, 'Sec-WebSocket-Extensions'))
  );
}

/** RFC 7692 section 7.1. */
function isDeflateAnswer(values: readonly string[]): boolean {
  if (values.length === 0) return true;
  const elements = values
    .join(',')
    .split(',')
    .map((element) => element.trim());
  const [answer, ...more] = elements.filter((element) => element !== '');
  if (answer === undefined || more.length > 0) return false;
  const [name, ...params] = answer.split(';').map((part) => part.trim());
  const keys = params.map((param) => param.split('=')[0]);
  return (
    name === 'permessage-deflate' &&
    new Set(keys).size === keys.length &&
    params.every((param) =>
      /^((server|client)_no_context_takeover|(server|client)_max_window_bits=("?)([89]|1[0-5])\4)$/.test(
        param,
      ),
    )
  );
}

/** RFC 6455 section 9.1, for values without commas and semicolons in quotes. */
function isExtensionList(values: readonly string[]): boolean {
  const elements = values
    .flatMap((value) => value.split(','))
    .map((element) => element.trim())
    .filter((element) => element !== '');
  const isExtension = (element: string): boolean => {
    const [name, ...params] = element.split(';').map((part) => part.trim());
    return token.test(name!) && params.every((param) => /^[\w.-]+(=("?)[\w.-]+\2)?$/.test(param));
  };
  return values.length === 0 || (elements.length > 0 && elements.every(isExtension));
}

/** Whether a server may answer 101 to this request; the target and the version of HTTP are fine. */
export function mayUpgrade(lines: Lines): boolean {
  const host = valuesOf(lines, 'Host');
  const key = valuesOf(lines, 'Sec-WebSocket-Key');
  const protocols = listOf(lines, 'Sec-WebSocket-Protocol');
  const origins = valuesOf(lines, 'Origin');
  const hasProtocols = valuesOf(lines, 'Sec-WebSocket-Protocol').length > 0;
  return (
    host.length === 1 &&
    /^[ab]\.example(:80)?$/.test(host[0]!) &&
    listOf(lines, 'Upgrade').some((element) => lower(element) === 'websocket') &&
    listOf(lines, 'Connection').some((element) => lower(element) === 'upgrade') &&
    key.length === 1 &&
    Buffer.from(key[0]!, 'base64').length === 16 &&
    /^[A-Za-z0-9+/]{22}==$/.test(key[0]!) &&
    valuesOf(lines, 'Sec-WebSocket-Version').join('|') === '13' &&
    valuesOf(lines, 'Transfer-Encoding').length === 0 &&
    valuesOf(lines, 'Content-Length').every((length) => length === '0') &&
    (origins.length === 0 ||
      (origins.length === 1 && origins[0] === `http://${host[0]!.replace(':80', '')}`)) &&
    (!hasProtocols || (protocols.length > 0 && protocols.every((name) => token.test(name)))) &&
    new Set(protocols).size === protocols.length &&
    isExtensionList(valuesOf(lines, 'Sec-WebSocket-Extensions'))
  );
}
