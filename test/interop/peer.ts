import { EventEmitter, once } from 'node:events';

/** A message as every library can tell it. */
export type PeerMessage = string | Buffer;

/** The end of a connection as the other library saw it. */
export interface PeerEnd {
  readonly code: number;
  readonly reason: string;
}

/** One connection of another library, in the words that the tests use. */
export class PeerConnection {
  readonly #messages: PeerMessage[] = [];
  readonly #events = new EventEmitter();
  readonly #actions: PeerActions;
  /** Resolves when the other library says that the connection has ended. */
  readonly closed: Promise<PeerEnd>;
  #end!: (end: PeerEnd) => void;

  constructor(actions: PeerActions) {
    this.#actions = actions;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** The subprotocol that the other library takes as agreed on; empty without one. */
  get subprotocol(): string {
    return this.#actions.subprotocol();
  }

  send(message: PeerMessage): void {
    this.#actions.send(message);
  }

  close(code: number, reason: string): void {
    this.#actions.close(code, reason);
  }

  /** The next message that came. */
  async next(): Promise<PeerMessage> {
    if (this.#messages.length === 0) await once(this.#events, 'message');
    return this.#messages.shift()!;
  }

  /** To be called by the adapter. */
  onMessage(message: PeerMessage): void {
    this.#messages.push(message);
    this.#events.emit('message');
  }

  /** To be called by the adapter. */
  onEnd(code: number, reason: string): void {
    this.#end({ code, reason });
  }
}

/** What an adapter can do with a connection of its library. */
export interface PeerActions {
  send(message: PeerMessage): void;
  close(code: number, reason: string): void;
  subprotocol(): string;
}

/** The client of another library. */
export interface PeerClient {
  readonly name: string;
  /** The code that it answers every Close frame with, if it does not echo ours. */
  readonly answersWith?: number;
  connect(url: string, subprotocols: string[]): Promise<PeerConnection>;
}

/** The server of another library; it accepts the subprotocol `chat` and echoes what comes. */
export interface PeerServer {
  readonly name: string;
  /** The code that it answers every Close frame with, if it does not echo ours. */
  readonly answersWith?: number;
  listen(): Promise<RunningPeerServer>;
}

/** A server that listens. */
export interface RunningPeerServer {
  readonly url: string;
  /** The next connection that it accepts. */
  accepted(): Promise<PeerConnection>;
  close(): Promise<void>;
}
