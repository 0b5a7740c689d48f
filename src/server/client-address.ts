import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { checkOptionNames } from '../connection/option-names.js';
import { headerValues, type RawHeaders } from '../handshake/headers.js';
import { showValue } from '../protocol/show-value.js';

/**
 * Which proxies are believed when they tell the address of a client. Exactly one of `hops` and `addresses` must be given.
 * Without any of it a client could write whatever it likes into the header.
 */
export interface TrustProxy {
  /** How many proxies stand in front of this server; each of them adds the address that it sees to the header. */
  hops?: number | undefined;
  /** The addresses of the proxies, or their networks, such as `10.0.0.0/8`. */
  addresses?: readonly string[] | undefined;
  /** The header that the proxies write. Default: `'x-forwarded-for'`; `'forwarded'` is that of RFC 7239. */
  header?: 'x-forwarded-for' | 'forwarded' | undefined;
}

/** Finds the address of the client: `remote` is that of the socket. */
export type FindAddress = (remote: string | undefined, rawHeaders: RawHeaders) => string | undefined;

const optionNames = { hops: true, addresses: true, header: true } satisfies Record<keyof TrustProxy, true>;

/**
 * Makes the function that finds addresses. Without trust, the socket's address is the client's.
 *
 * @throws TypeError when the option cannot be used
 */
export function compileTrust(trust: TrustProxy | undefined): FindAddress {
  if (trust === undefined) return (remote) => (remote === undefined ? undefined : normalAddress(remote));
  checkOptionNames({ name: 'trustProxy', example: '{ hops: 1 }', known: optionNames }, trust);
  const { hops, addresses, header = 'x-forwarded-for' } = trust;
  if ((hops === undefined) === (addresses === undefined)) {
    throw new TypeError('trustProxy must have either hops or addresses');
  }
  const read = readers.get(header);
  if (read === undefined) {
    throw new TypeError(
      `the header of trustProxy is 'x-forwarded-for' or 'forwarded'; it is ${showValue(header)}`,
    );
  }
  const isTrusted = addresses === undefined ? trustHops(hops) : trustAddresses(addresses);
  return (remote, rawHeaders) => {
    // A unix socket has no address, and somebody put a proxy in front of it.
    let address = remote === undefined ? undefined : normalAddress(remote);
    const told = headerValues(rawHeaders, header).join(',').split(',');
    // From the right: what stands to the left of the last one that is believed may be made up.
    for (let hop = 0; hop < told.length && isTrusted(address, hop); hop++) {
      const next = read(told[told.length - 1 - hop]!.trim());
      if (next === undefined) break;
      address = next;
    }
    return address;
  };
}

/**
 * Who counts as one: an IPv4 address, or the /64 network of an IPv6 address, since that is the least that a customer is given
 * (RFC 6177).
 */
export function groupOf(address: string): string {
  if (!isIPv6(address)) return address;
  return `${expand(address).slice(0, 4).join(':')}::/64`;
}

type IsTrusted = (address: string | undefined, hop: number) => boolean;

function trustHops(hops: unknown): IsTrusted {
  if (typeof hops !== 'number' || !Number.isInteger(hops) || hops < 1) {
    throw new TypeError(
      `the hops of trustProxy must be a whole number of at least 1; it is ${showValue(hops)}`,
    );
  }
  return (_address, hop) => hop < hops;
}

function trustAddresses(addresses: readonly string[]): IsTrusted {
  if (!Array.isArray(addresses)) throw new TypeError('the addresses of trustProxy must be a list');
  const list = new BlockList();
  for (const entry of addresses) {
    const [, address, prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(String(entry)) ?? [];
    const family = address !== undefined && isIP(address) > 0 ? familyOf(address) : undefined;
    const most = family === 'ipv4' ? 32 : 128;
    if (family === undefined || Number(prefix ?? most) > most) {
      throw new TypeError(
        `${showValue(entry)} in trustProxy is no address and no network, such as '10.0.0.1' or '10.0.0.0/8'`,
      );
    }
    list.addSubnet(address!, Number(prefix ?? most), family);
  }
  return (address) => address !== undefined && list.check(address, familyOf(address));
}

/** How each header tells an address: a part of it, without the commas, to an address. */
const readers = new Map<string, (part: string) => string | undefined>([
  ['x-forwarded-for', readNode],
  ['forwarded', readForwarded],
]);

/** `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`. */
function readNode(node: string): string | undefined {
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(node) ?? [];
  const [, withPort] = /^([\d.]+):\d{1,5}$/.exec(node) ?? [];
  const address = normalAddress(bracketed ?? withPort ?? node);
  return isIP(address) > 0 ? address : undefined;
}

/** One element of RFC 7239 section 4: `for=192.0.2.1;proto=https` or `for="[2001:db8::1]:80"`. */
function readForwarded(element: string): string | undefined {
  for (const pair of element.split(';')) {
    const [, node] = /^\s*for\s*=\s*"?([^"]*)"?\s*$/i.exec(pair) ?? [];
    if (node !== undefined) return readNode(node);
  }
  return undefined;
}

/** Without the zone, and an IPv4 address as one: a server that listens on `::` sees it as `::ffff:192.0.2.1`. */
export function normalAddress(address: string): string {
  // Nearly all of them: without a colon it is IPv4, or nothing that could be normalised.
  if (!address.includes(':')) return address;
  const bare = address.split('%', 1)[0]!;
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(bare) ?? [];
  return mapped !== undefined && isIPv4(mapped) ? mapped : bare;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

/** The eight groups of an IPv6 address. */
function expand(address: string): string[] {
  // The last 32 bits may be written as IPv4, and belong to no prefix that is asked for.
  const [head = '', tail] = address.replace(/[\d.]+\.\d+$/, '0:0').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16).toString(16));
}
