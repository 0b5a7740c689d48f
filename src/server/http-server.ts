import type { ServerOptions as HttpOptions, Server as HttpServer } from 'node:http';
import type { ServerOptions as TlsOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { http, https } from '../connection/node-modules.js';
import { type FinalResponse, respond, textResponse } from './response.js';

/** What the HTTP server under `serve` is made with. */
export interface HttpServerInit {
  /** Certificates and the like, for `wss:`. */
  readonly tls: TlsOptions | undefined;
  /** Milliseconds that a client may take for its TLS handshake and then for its request. */
  readonly handshakeTimeout: number;
  /** Bytes that the head of a request may have. */
  readonly maxHeaderSize: number;
}

const plainText =
  'This is a WebSocket server; it serves no pages. Connect to it with a WebSocket client, or from a page with ' +
  'new WebSocket(url).\n';

/** Makes an HTTP server that speaks nothing but WebSocket: everything else gets an answer that says so. */
export function makeHttpServer(init: HttpServerInit): HttpServer {
  const { tls, handshakeTimeout, maxHeaderSize } = init;
  // Node takes 0 for never.
  const timeout = handshakeTimeout === Infinity ? 0 : handshakeTimeout;
  const options: HttpOptions = {
    headersTimeout: timeout,
    requestTimeout: timeout,
    connectionsCheckingInterval: Math.ceil(Math.min(handshakeTimeout / 4, 10_000)),
    maxHeaderSize: Math.min(maxHeaderSize, 0x7fffffff),
  };
  const server =
    tls === undefined
      ? http.createServer(options)
      : https().createServer({
          handshakeTimeout: Math.min(handshakeTimeout, 0x7fffffff),
          ...tls,
          ...options,
        });
  // The size is the limit. Node would drop the headers beyond a number, and Origin could be among them.
  server.maxHeadersCount = 0;
  server.on('request', (_request, response) => {
    // RFC 9110 section 15.5.22: a 426 names the protocol that is needed, as an option of the connection.
    response.writeHead(426, {
      Upgrade: 'websocket',
      Connection: 'Upgrade, close',
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': plainText.length,
    });
    response.end(plainText);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    seeOff(socket, clientErrorResponse(error.code ?? '', init));
  });
  return server;
}

/** The answer to bytes that are not an HTTP request; undefined when the socket cannot carry one. */
function clientErrorResponse(code: string, init: HttpServerInit): FinalResponse | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const limit = `${init.handshakeTimeout} ms, the option handshakeTimeout`;
    return textResponse(408, `The request did not arrive in time: within ${limit} of the server.`);
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const limit = `${init.maxHeaderSize} bytes, the option maxHeaderSize`;
    return textResponse(431, `The headers of the request are too large: more than ${limit} of the server.`);
  }
  // The other codes come from TLS and from the socket.
  return code.startsWith('HPE_') ? textResponse(400, `The request is not HTTP/1.1 (${code}).`) : undefined;
}

function seeOff(socket: Duplex, response: FinalResponse | undefined): void {
  // Each further packet of a malformed request is an error again.
  if (socket.writableEnded) return;
  if (response === undefined) socket.destroy();
  else respond(socket, response);
}
