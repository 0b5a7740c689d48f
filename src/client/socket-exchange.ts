import type { Socket } from 'node:net';
import { requestText } from '../handshake/client.js';
import { ResponseContent } from '../handshake/response-content.js';
import {
  type HttpResponseHead,
  type MalformedResponse,
  ResponseHeadParser,
} from '../handshake/response-head.js';
import type { Answer, Asking, Exchange } from './exchange.js';
import { failed, malformed } from './failure.js';
import { Inlet, type InletOwner } from './inlet.js';
import { BodyReading } from './response-body.js';
import { connect } from './socket.js';
import { SocketTransport } from './socket-transport.js';

/** Asks on a socket of our own. */
export function askOnSocket(asking: Asking): Exchange {
  return new SocketExchange(asking);
}

class SocketExchange implements Exchange, InletOwner {
  readonly answer: Promise<Answer>;
  readonly #asking: Asking;
  readonly #parser: ResponseHeadParser;
  readonly #inlet = new Inlet(this);
  readonly #socket: Socket;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: Error) => void;
  /** The first bytes of the response, which tell what it is if it is no HTTP. */
  #beginning: Buffer | undefined;
  #content: ResponseContent | undefined;
  #body: BodyReading | undefined;

  constructor(asking: Asking) {
    this.#asking = asking;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { address, settings, rawHeaders } = asking;
    this.#parser = new ResponseHeadParser(settings.maxHeaderSize);
    this.#socket = connect(address, settings, this.#inlet);
    // Not before: it may have secrets, and the server's certificate is checked by then.
    const ready = address.isSecure ? 'secureConnect' : 'connect';
    this.#socket.once(ready, () => this.#socket.write(requestText(address.target, rawHeaders), 'latin1'));
    this.#socket.on('error', this.#onError).on('end', this.#onEnd).on('close', this.#onEnd);
    // A socket with `onread` has no such event, but one that was handed in with the options of TLS does.
    this.#socket.on('data', this.#onChunk);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onData(chunk: Buffer): void {
    if (this.#body !== undefined) {
      this.#readBody(chunk, 0);
      return;
    }
    this.#beginning ??= Buffer.from(chunk.subarray(0, 2));
    let offset: number;
    try {
      offset = this.#parser.parse(chunk);
    } catch (error) {
      const { where, address } = this.#asking;
      this.#reject(malformed(where, error as MalformedResponse, this.#beginning, address.isSecure));
      this.#socket.destroy();
      return;
    }
    const { head } = this.#parser;
    if (head === undefined) return;
    if (head.status === 101) this.#upgraded(head, Buffer.from(chunk.subarray(offset)));
    else this.#refused(head, chunk, offset);
  }

  readonly #onChunk = (chunk: Buffer): void => this.onData(chunk);

  readonly #onError = (error: Error): void => {
    this.#body?.stop();
    const { where, address } = this.#asking;
    this.#reject(failed(where, error, address.isSecure));
  };

  /** Also when all is over, as this does nothing then. */
  readonly #onEnd = (): void => {
    this.#onError(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
  };

  #upgraded({ status, rawHeaders }: HttpResponseHead, head: Buffer): void {
    const socket = this.#socket;
    // What comes from here on is not ours to read.
    socket.pause();
    const transport = new SocketTransport(socket, this.#inlet);
    socket.off('error', this.#onError).off('end', this.#onEnd).off('close', this.#onEnd);
    socket.off('data', this.#onChunk);
    this.#resolve({ status, rawHeaders, transport, head });
  }

  #refused(head: HttpResponseHead, chunk: Buffer, offset: number): void {
    this.#content = new ResponseContent(head);
    this.#body = new BodyReading(this.#asking.settings.maxResponseBody);
    this.#readBody(chunk, offset);
    this.#resolve({ status: head.status, rawHeaders: head.rawHeaders, body: this.#body });
  }

  #readBody(chunk: Buffer, offset: number): void {
    const content = this.#content!;
    content.read(chunk, offset, (start, end) => this.#body!.add(chunk.subarray(start, end)));
    if (content.isComplete) this.#body!.stop();
  }
}
