import type { AgreedExtension, Extension, ExtensionParameter } from '../handshake/extensions.js';
import { countContexts } from './engines.js';
import {
  type Compression,
  defaultThreshold,
  type ResolvedCompression,
  resolveCompression,
} from './options.js';
import {
  type DeflateParameters,
  deflateName,
  listParameters,
  maxWindowBits,
  parseParameters,
} from './parameters.js';

/** One direction of a connection: how far back a message may refer. */
export interface DeflateDirection {
  readonly windowBits: number;
  /** Whether it may refer to earlier messages. */
  readonly contextTakeover: boolean;
}

/** What both ends agreed on, as one end sees it. */
export interface DeflateAgreement {
  readonly outgoing: DeflateDirection;
  readonly incoming: DeflateDirection;
  /** Messages of fewer bytes are sent as they are. */
  readonly threshold: number;
  /** What this end was told about the rest. */
  readonly options: ResolvedCompression;
}

/**
 * The negotiation of permessage-deflate (RFC 7692 section 7.1), for either role.
 */
export class PerMessageDeflate implements Extension {
  readonly name = deflateName;
  readonly #ways: readonly ResolvedCompression[];
  readonly #isFull: (way: ResolvedCompression) => boolean;

  /**
   * @param ways What this end is ready for, the preferred one first.
   * @param isFull Server: whether there may be no more contexts that outlive a message.
   */
  constructor(ways: readonly ResolvedCompression[], isFull: (way: ResolvedCompression) => boolean) {
    this.#ways = ways;
    this.#isFull = isFull;
  }

  offers(): readonly (readonly ExtensionParameter[])[] {
    return this.#ways.map((way) => listParameters(offerOf(way)));
  }

  check(answer: readonly ExtensionParameter[]): string | undefined {
    const result = this.#accept(answer);
    return typeof result === 'string' ? result : undefined;
  }

  answer(offers: readonly (readonly ExtensionParameter[])[]): readonly ExtensionParameter[] | undefined {
    for (const params of offers) {
      const offer = parseParameters(params);
      // RFC 7692 section 7.1: an offer that is not understood is declined, and the next one looked at.
      if (typeof offer === 'string') continue;
      for (const way of this.#ways) {
        const answer = answerOf(offer, this.#isFull(way) ? { ...way, ...shortMemory } : way);
        if (answer !== undefined) return listParameters(answer);
      }
    }
    return undefined;
  }

  /** Server: what follows from an answer that `answer` gave. Client: from one that `check` found nothing wrong with. */
  agree(role: 'client' | 'server', params: readonly ExtensionParameter[]): DeflateAgreement {
    const answer = parseParameters(params) as DeflateParameters;
    const server = {
      windowBits: answer.serverMaxWindowBits ?? maxWindowBits,
      contextTakeover: !answer.serverNoContextTakeover,
    };
    const client = {
      windowBits: numberOf(answer.clientMaxWindowBits) ?? maxWindowBits,
      contextTakeover: !answer.clientNoContextTakeover,
    };
    if (role === 'server') return agreement(server, client, this.#wayFor(server, client));
    const ways = this.#accept(params) as readonly ResolvedCompression[];
    // What we limited ourselves to in an offer holds without an echo in the answer (RFC 7692 section 7.1.1.2, 7.1.2.2), and the
    // answer does not say which of the offers it is for.
    const outgoing = {
      windowBits: Math.min(client.windowBits, ...ways.map(({ windowBits }) => windowBits)),
      contextTakeover: client.contextTakeover && ways.every(({ contextTakeover }) => contextTakeover),
    };
    return agreement(outgoing, server, ways[0]!);
  }

  /** Client: those of our offers that the answer fits, or what is wrong with the answer. */
  #accept(params: readonly ExtensionParameter[]): readonly ResolvedCompression[] | string {
    const answer = parseParameters(params);
    if (typeof answer === 'string') return answer;
    // RFC 7692 section 7.1.2.2: in an answer it has a value.
    if (answer.clientMaxWindowBits === true) return '"client_max_window_bits" without a value';
    const ways = this.#ways.filter((way) => findProblem(answer, way) === undefined);
    return ways.length > 0 ? ways : findProblem(answer, this.#ways[0]!)!;
  }

  /** Server: which of its ways an answer was made from. */
  #wayFor(outgoing: DeflateDirection, incoming: DeflateDirection): ResolvedCompression {
    const fits = (way: ResolvedCompression) =>
      outgoing.windowBits <= way.windowBits && incoming.windowBits <= way.peerWindowBits;
    return this.#ways.find(fits)!;
  }
}

/**
 * The extensions to negotiate with the option `compression`: permessage-deflate, or none when it is off.
 *
 * @throws TypeError as `resolveCompression`
 */
export function compressionExtensions(compression: Compression | undefined): readonly Extension[] {
  const ways = resolveCompression(compression);
  return ways.length === 0
    ? []
    : [new PerMessageDeflate(ways, ({ maxContexts }) => countContexts() >= maxContexts)];
}

/** The agreement on permessage-deflate among those of a handshake. */
export function findDeflate(
  role: 'client' | 'server',
  agreed: readonly AgreedExtension[],
): DeflateAgreement | undefined {
  for (const { extension, params } of agreed) {
    if (extension instanceof PerMessageDeflate) return extension.agree(role, params);
  }
  return undefined;
}

function agreement(
  outgoing: DeflateDirection,
  incoming: DeflateDirection,
  options: ResolvedCompression,
): DeflateAgreement {
  const threshold = options.threshold ?? defaultThreshold(outgoing.contextTakeover);
  return { outgoing, incoming, threshold, options };
}

const shortMemory = { contextTakeover: false, peerContextTakeover: false };

function offerOf(way: ResolvedCompression): DeflateParameters {
  return {
    serverNoContextTakeover: !way.peerContextTakeover,
    clientNoContextTakeover: !way.contextTakeover,
    serverMaxWindowBits: way.peerWindowBits < maxWindowBits ? way.peerWindowBits : undefined,
    // Always there, as only then the server may limit us (RFC 7692 section 7.1.2.2).
    clientMaxWindowBits: way.windowBits < maxWindowBits ? way.windowBits : true,
  };
}

/** The server's answer to an offer; undefined when it does not fit. */
function answerOf(offer: DeflateParameters, way: ResolvedCompression): DeflateParameters | undefined {
  const clientLimit = offer.clientMaxWindowBits;
  // Without this parameter the client can't be limited (RFC 7692 section 7.1.2.2).
  if (clientLimit === undefined && way.peerWindowBits < maxWindowBits) return undefined;
  const serverBits = Math.min(offer.serverMaxWindowBits ?? maxWindowBits, way.windowBits);
  const clientBits = Math.min(numberOf(clientLimit) ?? maxWindowBits, way.peerWindowBits);
  return {
    serverNoContextTakeover: offer.serverNoContextTakeover || !way.contextTakeover,
    // A client that hints at it will not use it: to agree costs nothing, and saves a decompressor's history.
    clientNoContextTakeover: offer.clientNoContextTakeover || !way.peerContextTakeover,
    // RFC 7692 section 7.1.2.1: what was asked for must be answered.
    serverMaxWindowBits:
      offer.serverMaxWindowBits !== undefined || serverBits < maxWindowBits ? serverBits : undefined,
    clientMaxWindowBits: clientBits < maxWindowBits ? clientBits : undefined,
  };
}

/** Client: what is wrong with an answer to the offer of `way`. */
function findProblem(answer: DeflateParameters, way: ResolvedCompression): string | undefined {
  // RFC 7692 section 7.1.1.1: a server that accepts the offer has to repeat it.
  if (!way.peerContextTakeover && !answer.serverNoContextTakeover) {
    return 'no "server_no_context_takeover", which was asked for';
  }
  const serverBits = answer.serverMaxWindowBits ?? maxWindowBits;
  if (serverBits > way.peerWindowBits) {
    return `a "server_max_window_bits" of ${serverBits}, more than the ${way.peerWindowBits} asked for`;
  }
  const clientBits = numberOf(answer.clientMaxWindowBits);
  if (clientBits !== undefined && clientBits > way.windowBits) {
    return `a "client_max_window_bits" of ${clientBits}, more than the ${way.windowBits} offered`;
  }
  return undefined;
}

function numberOf(bits: number | true | undefined): number | undefined {
  return bits === true ? undefined : bits;
}
