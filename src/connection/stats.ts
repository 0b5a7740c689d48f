/** What a connection has done so far, and what waits. Bytes are those on the transport, frame headers included. */
export interface ConnectionStats {
  readonly bytesReceived: number;
  /** Bytes that have left this process. */
  readonly bytesSent: number;
  /** Frames of all kinds, control frames included. */
  readonly framesReceived: number;
  /** Frames that were put together for sending. */
  readonly framesSent: number;
  readonly messagesReceived: number;
  /** Messages that were taken for sending. */
  readonly messagesSent: number;
  readonly pingsReceived: number;
  /** Those of the heartbeat included. */
  readonly pingsSent: number;
  readonly pongsReceived: number;
  readonly pongsSent: number;
  /** Messages that were not sent because the peer was slow and `whenSlow` is `'drop'`. */
  readonly droppedMessages: number;
  /** Unread messages, and their bytes with 64 more for each. */
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** As `connection.bufferedAmount`. */
  readonly bufferedAmount: number;
  /** As `connection.latency`. */
  readonly latency: number | undefined;
}

/** What all connections of a server have done so far, those that ended included, and what waits in those that have not. */
export interface ServerStats extends Omit<ConnectionStats, 'latency'> {
  /** Connections that have not ended. */
  readonly connections: number;
  /** Connections that were opened so far. */
  readonly opened: number;
  /** Opening handshakes that became no connection. */
  readonly refused: number;
  /** The mean latency of the connections that have one, in milliseconds; undefined when none has. */
  readonly latency: number | undefined;
}

/** What is counted as it happens: plain numbers, as nothing may be allocated for a message. */
export class Counters {
  // Of these two, what readers counted that were given back.
  bytesReceived = 0;
  framesReceived = 0;
  messagesReceived = 0;
  messagesSent = 0;
  pingsReceived = 0;
  pingsSent = 0;
  pongsReceived = 0;
  pongsSent = 0;
  droppedMessages = 0;
}

/** Of a connection that has counted nothing. */
export const noCounters: Readonly<Counters> = Object.freeze(new Counters());

/** The numbers that go on growing, and still count when a connection has ended. */
const lasting = [
  'bytesReceived',
  'bytesSent',
  'framesReceived',
  'framesSent',
  'messagesReceived',
  'messagesSent',
  'pingsReceived',
  'pingsSent',
  'pongsReceived',
  'pongsSent',
  'droppedMessages',
] as const;

/** The numbers of what waits now. */
const passing = ['queuedMessages', 'queuedBytes', 'bufferedAmount'] as const;

type Sum = { -readonly [K in keyof Omit<ConnectionStats, 'latency'>]: number };

/** Adds up the stats of many connections. */
export class StatsSum {
  opened = 0;
  refused = 0;
  /** Of the connections that have ended. */
  readonly #ended = zero();

  /** A connection has ended. */
  add(stats: ConnectionStats): void {
    for (const name of lasting) this.#ended[name] += stats[name];
  }

  /** The sum of those that have ended and of `open`. */
  with(open: Iterable<{ readonly stats: ConnectionStats }>): ServerStats {
    const sum = { ...this.#ended };
    let connections = 0;
    let measured = 0;
    let latencies = 0;
    for (const { stats } of open) {
      connections++;
      for (const name of lasting) sum[name] += stats[name];
      for (const name of passing) sum[name] += stats[name];
      if (stats.latency !== undefined) {
        measured++;
        latencies += stats.latency;
      }
    }
    const latency = measured === 0 ? undefined : latencies / measured;
    return { ...sum, connections, opened: this.opened, refused: this.refused, latency };
  }
}

function zero(): Sum {
  return Object.fromEntries([...lasting, ...passing].map((name) => [name, 0])) as Sum;
}
