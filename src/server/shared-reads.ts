import type { Duplex } from 'node:stream';
import { DuplexTransport } from '../connection/duplex-transport.js';
import { AcceptedTransport, canReadInto, hasReadSlots } from './accepted-transport.js';
import { probeReads } from './read-probe.js';

/** Set to `documented`, this environment variable keeps to the documented part of Node's sockets. */
export const readsVariable = 'ANTSWS_READS';

let proof: Promise<boolean> | undefined;
let isProven = false;

/** Finds out, once a process, whether an {@link AcceptedTransport} does here what is expected of it. Never rejects. */
export function proveSharedReads(): Promise<boolean> {
  proof ??= prove();
  return proof;
}

async function prove(): Promise<boolean> {
  isProven = process.env[readsVariable] !== 'documented' && hasReadSlots() && (await probeReads());
  return isProven;
}

/** The transport over a socket of a server. While it is not known whether reads can be shared, they are not. */
export function makeServerTransport(socket: Duplex, sharedReads: boolean): DuplexTransport {
  if (!sharedReads) return new DuplexTransport(socket);
  if (proof === undefined) void proveSharedReads();
  return isProven && canReadInto(socket) ? new AcceptedTransport(socket) : new DuplexTransport(socket);
}
