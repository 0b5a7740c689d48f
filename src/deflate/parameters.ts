import type { ExtensionParameter } from '../handshake/extensions.js';

/** The name under which the extension is registered (RFC 7692 section 9). */
export const deflateName = 'permessage-deflate';

/** The largest LZ77 window, as the base-2 logarithm of its size; what holds without a parameter (RFC 7692 section 7.1.2). */
export const maxWindowBits = 15;

/** The smallest LZ77 window. */
export const minWindowBits = 8;

/** The parameters of one offer or answer (RFC 7692 section 7.1). */
export interface DeflateParameters {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** Undefined: the parameter is not there. */
  readonly serverMaxWindowBits: number | undefined;
  /** `true`: the parameter is there without a value, which only an offer may have. */
  readonly clientMaxWindowBits: number | true | undefined;
}

type Mutable = { -readonly [K in keyof DeflateParameters]: DeflateParameters[K] };

/** The names on the wire. Looked up in a Map: a peer's name never indexes an object. */
const names: ReadonlyMap<string, keyof DeflateParameters> = new Map([
  ['server_no_context_takeover', 'serverNoContextTakeover'],
  ['client_no_context_takeover', 'clientNoContextTakeover'],
  ['server_max_window_bits', 'serverMaxWindowBits'],
  ['client_max_window_bits', 'clientMaxWindowBits'],
]);

/**
 * Reads parameters, or says in a string what is wrong with them. RFC 7692 section 7.1: unknown and repeated ones, and values
 * that are missing, unwanted or out of range, void the whole element.
 */
export function parseParameters(params: readonly ExtensionParameter[]): DeflateParameters | string {
  const parsed: Mutable = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  const seen = new Set<string>();
  for (const [name, value] of params) {
    const key = names.get(name);
    if (key === undefined) return `the unknown parameter "${name}"`;
    if (seen.has(name)) return `"${name}" twice`;
    seen.add(name);
    if (key === 'serverNoContextTakeover' || key === 'clientNoContextTakeover') {
      if (value !== true) return `"${name}" with a value`;
      parsed[key] = true;
    } else if (value === true) {
      if (key === 'serverMaxWindowBits') return `"${name}" without a value`;
      parsed.clientMaxWindowBits = true;
    } else {
      const bits = parseWindowBits(value);
      if (bits === undefined) return `"${name}" with the value "${value}", which is not 8 to 15`;
      parsed[key] = bits;
    }
  }
  return parsed;
}

/** Writes parameters in the order of RFC 7692. */
export function listParameters(parameters: Partial<DeflateParameters>): ExtensionParameter[] {
  const list: ExtensionParameter[] = [];
  for (const [name, key] of names) {
    const value = parameters[key];
    if (value === true) list.push([name, true]);
    else if (typeof value === 'number') list.push([name, String(value)]);
  }
  return list;
}

/** RFC 7692 section 7.1.2: a decimal integer without leading zeros, 8 to 15. */
function parseWindowBits(value: string): number | undefined {
  const bits = /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined;
  return bits;
}
