/**
 * Tokens and comma-separated lists (RFC 9110 sections 5.6.1 and 5.6.2). Every function looks at each character a constant
 * number of times.
 */

const tokenCodes = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  tokenCodes[character.charCodeAt(0)] = 1;
}

/** Whether a UTF-16 code unit may stand in a token. */
export function isTokenCode(code: number): boolean {
  return tokenCodes[code] === 1;
}

/** Whether `text` is a token: one or more of the characters that need no quotes (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (!isTokenCode(text.charCodeAt(i))) return false;
  }
  return text.length > 0;
}

/** Whether a code unit is optional white space, OWS: only space and tab (RFC 9110 section 5.6.3). */
export function isSpaceCode(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** `text` without OWS at its ends. `String.prototype.trim` would also remove U+00A0, which a header can carry. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpaceCode(text.charCodeAt(start))) start++;
  while (end > start && isSpaceCode(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * Whether two strings are equal but for the case of ASCII letters. `toLowerCase` knows more letters than ASCII: it would
 * take U+212A for a "k".
 */
export function equalsIgnoringCase(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  // As nearly all write what they are compared with: the loop is then not worth V8's while, whose compiler takes megabytes for it.
  if (a === b) return true;
  for (let i = 0; i < a.length; i++) {
    if (lowerCode(a.charCodeAt(i)) !== lowerCode(b.charCodeAt(i))) return false;
  }
  return true;
}

function lowerCode(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

/**
 * The elements of a comma-separated list whose elements hold no quotes, over all values of a repeated header; empty
 * elements are dropped, as RFC 9110 section 5.6.1.2 demands.
 */
export function splitList(values: readonly string[]): string[] {
  const elements: string[] = [];
  for (const value of values) {
    for (const part of value.split(',')) {
      const element = trimSpace(part);
      if (element !== '') elements.push(element);
    }
  }
  return elements;
}

/** Whether a comma-separated list has `element` among its elements, in any case. */
export function listIncludes(values: readonly string[], element: string): boolean {
  if (values.length === 1 && equalsIgnoringCase(values[0]!, element)) return true;
  return splitList(values).some((candidate) => equalsIgnoringCase(candidate, element));
}

/** The tokens of a list of at least one (`1#token`); undefined when it is none. */
export function parseTokenList(values: readonly string[]): string[] | undefined {
  const elements = splitList(values);
  return elements.length > 0 && elements.every(isToken) ? elements : undefined;
}
