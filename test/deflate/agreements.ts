import type { Role } from '#src/connection/options.js';
import {
  compressionExtensions,
  type DeflateAgreement,
  findDeflate,
  PerMessageDeflate,
} from '#src/deflate/extension.js';
import type { Compression } from '#src/deflate/options.js';
import { maxWindowBits } from '#src/deflate/parameters.js';
import {
  answerExtensions,
  checkExtensions,
  type ExtensionElement,
  offerExtensions,
  parseExtensions,
  serialiseExtensions,
} from '#src/handshake/extensions.js';

/** Where engines work at once; the other run of these tests, with `ANTSWS_ZLIB=public`, has everything in the thread pool. */
export const isPublic = process.env['ANTSWS_ZLIB'] === 'public';

/** The extension for an option; fails when it is off. */
export function extensionFor(compression: Compression): PerMessageDeflate {
  const [extension] = compressionExtensions(compression);
  if (!(extension instanceof PerMessageDeflate)) throw new Error('compression is off');
  return extension;
}

/** A whole negotiation by way of the headers. */
export interface Negotiation {
  /** The client's header. */
  readonly offer: string;
  /** The server's; empty when it declines. */
  readonly answer: string;
  /** Both ends' view, when they agree. */
  readonly agreed: Record<Role, DeflateAgreement> | undefined;
}

/** What comes of it when two of our ends meet. */
export function negotiate(client: Compression, server: Compression): Negotiation {
  const offered = compressionExtensions(client);
  const offer = serialiseExtensions(offerExtensions(offered));
  const agreedByServer = answerExtensions(parseExtensions([offer]) ?? [], compressionExtensions(server));
  const answer = serialiseExtensions(
    agreedByServer.map(({ extension: { name }, params }): ExtensionElement => ({ name, params })),
  );
  if (answer === '') return { offer, answer, agreed: undefined };
  const agreedByClient = checkExtensions(parseExtensions([answer]) ?? [], offered);
  if (typeof agreedByClient === 'string') throw new Error(`refused: ${agreedByClient}`);
  const agreed = {
    client: findDeflate('client', agreedByClient)!,
    server: findDeflate('server', agreedByServer)!,
  };
  return { offer, answer, agreed };
}

/** What two of our ends agree on. */
export function agreements(
  client: Compression = true,
  server: Compression = client,
): Record<Role, DeflateAgreement> {
  const { agreed } = negotiate(client, server);
  if (agreed === undefined) throw new Error('nothing was agreed on');
  return agreed;
}

/** The default agreement of one end, with some of it changed. */
export function agreement(
  changes: {
    contextTakeover?: boolean;
    windowBits?: number;
    asyncThreshold?: number;
    level?: number;
    memLevel?: number;
  } = {},
): DeflateAgreement {
  const { contextTakeover = true, windowBits = maxWindowBits, ...options } = changes;
  const { client } = agreements(options);
  const direction = { contextTakeover, windowBits };
  return { ...client, outgoing: direction, incoming: direction };
}
