import { isSpaceCode, isTokenCode } from './tokens.js';

/** A parameter of an extension: its name, and its value or `true` when it has none. */
export type ExtensionParameter = readonly [name: string, value: string | true];

/** One element of a `Sec-WebSocket-Extensions` header: an offer of the client or an answer of the server. */
export interface ExtensionElement {
  readonly name: string;
  /** In order; a name may be repeated, and only the extension knows whether that is allowed. */
  readonly params: readonly ExtensionParameter[];
}

/** An extension that can be negotiated (RFC 6455 section 9). One object serves both roles and any number of connections. */
export interface Extension {
  /** The name under which it is offered, such as `permessage-deflate`. */
  readonly name: string;
  /** Client: the parameters of its offers, the preferred one first; the same each time. An empty list offers nothing. */
  offers(): readonly (readonly ExtensionParameter[])[];
  /** Client: looks at the server's answer to these offers and returns what is wrong with it, or undefined. */
  check(answer: readonly ExtensionParameter[]): string | undefined;
  /** Server: answers the client's offers, which come in its order of preference, or declines with undefined. */
  answer(offers: readonly (readonly ExtensionParameter[])[]): readonly ExtensionParameter[] | undefined;
}

/** An extension that is in use on a connection, with the parameters of the server's answer. */
export interface AgreedExtension {
  readonly extension: Extension;
  readonly params: readonly ExtensionParameter[];
}

/**
 * Parses the values of all `Sec-WebSocket-Extensions` headers (RFC 6455 section 9.1), in one pass. It returns undefined
 * when one is malformed or when there is no element at all.
 */
export function parseExtensions(values: readonly string[]): ExtensionElement[] | undefined {
  const elements: ExtensionElement[] = [];
  for (const value of values) {
    if (!parseValue(new Scanner(value), elements)) return undefined;
  }
  return elements.length > 0 ? elements : undefined;
}

function parseValue(scanner: Scanner, elements: ExtensionElement[]): boolean {
  for (;;) {
    // Empty elements are ignored (RFC 9110 section 5.6.1.2).
    while (scanner.take(',')) {}
    if (scanner.isDone) return true;
    const element = parseElement(scanner);
    if (element === undefined) return false;
    elements.push(element);
    if (!scanner.isDone && !scanner.take(',')) return false;
  }
}

function parseElement(scanner: Scanner): ExtensionElement | undefined {
  const name = scanner.token();
  if (name === undefined) return undefined;
  const params: ExtensionParameter[] = [];
  while (scanner.take(';')) {
    const param = scanner.token();
    if (param === undefined) return undefined;
    if (!scanner.take('=')) {
      params.push([param, true]);
      continue;
    }
    const value = scanner.isAt('"') ? scanner.quoted() : scanner.token();
    if (value === undefined) return undefined;
    params.push([param, value]);
  }
  return { name, params };
}

/** Reads a header value from left to right; spaces behind each part are passed over. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpace();
  }

  get isDone(): boolean {
    return this.#at === this.#text.length;
  }

  isAt(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  take(character: string): boolean {
    if (!this.isAt(character)) return false;
    this.#at++;
    this.#skipSpace();
    return true;
  }

  token(): string | undefined {
    const start = this.#at;
    while (isTokenCode(this.#text.charCodeAt(this.#at))) this.#at++;
    const token = this.#text.slice(start, this.#at);
    this.#skipSpace();
    return token === '' ? undefined : token;
  }

  /** A quoted string, which has to be a token once its quotes and backslashes are gone (RFC 6455 section 9.1). */
  quoted(): string | undefined {
    let value = '';
    this.#at++;
    while (!this.isAt('"')) {
      if (this.isAt('\\')) this.#at++;
      if (!isTokenCode(this.#text.charCodeAt(this.#at))) return undefined;
      value += this.#text[this.#at++];
    }
    this.take('"');
    return value === '' ? undefined : value;
  }

  #skipSpace(): void {
    while (isSpaceCode(this.#text.charCodeAt(this.#at))) this.#at++;
  }
}

/** Writes a `Sec-WebSocket-Extensions` header value. Names and values must be tokens, as {@link parseExtensions} gives. */
export function serialiseExtensions(elements: readonly ExtensionElement[]): string {
  return elements.map(serialiseElement).join(', ');
}

function serialiseElement({ name, params }: ExtensionElement): string {
  return [name, ...params.map(([param, value]) => (value === true ? param : `${param}=${value}`))].join('; ');
}

/** Client: the elements that offer a list of extensions. */
export function offerExtensions(extensions: readonly Extension[]): ExtensionElement[] {
  return extensions.flatMap((extension) =>
    extension.offers().map((params) => ({ name: extension.name, params })),
  );
}

/** Server: what is agreed of the client's offers. Offers of unknown extensions are ignored (RFC 6455 section 9.1). */
export function answerExtensions(
  offered: readonly ExtensionElement[],
  extensions: readonly Extension[],
): AgreedExtension[] {
  const agreed: AgreedExtension[] = [];
  for (const extension of extensions) {
    const offers = offered.filter(({ name }) => name === extension.name).map(({ params }) => params);
    if (offers.length === 0) continue;
    const params = extension.answer(offers);
    if (params !== undefined) agreed.push({ extension, params });
  }
  return agreed;
}

/**
 * Client: holds the server's answer against the extensions that were offered. It returns what is agreed, or a string that
 * says what is wrong: the handshake then fails (RFC 6455 section 4.1).
 */
export function checkExtensions(
  answered: readonly ExtensionElement[],
  offered: readonly Extension[],
): AgreedExtension[] | string {
  const agreed: AgreedExtension[] = [];
  for (const { name, params } of answered) {
    const extension = offered.find((candidate) => candidate.name === name);
    if (extension === undefined) return `the extension "${name}", which was not offered`;
    if (agreed.some((other) => other.extension === extension)) return `the extension "${name}" twice`;
    const problem = extension.check(params);
    if (problem !== undefined) return `unusable parameters of "${name}": ${problem}`;
    agreed.push({ extension, params });
  }
  return agreed;
}
