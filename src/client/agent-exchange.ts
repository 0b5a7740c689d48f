import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { DuplexTransport } from '../connection/duplex-transport.js';
import { http, https } from '../connection/node-modules.js';
import type { Answer, Asking, Exchange } from './exchange.js';
import { failed } from './failure.js';
import { BodyReading } from './response-body.js';
import { tlsOptions } from './socket.js';

/**
 * Asks through an `http.Agent` or `https.Agent`, and so with node:http, which is what agents are made for: they may go through a
 * proxy, or make any stream.
 *
 * @throws TypeError when the agent does not fit the URL
 */
export function askThroughAgent(asking: Asking): Exchange {
  const { address, settings, where } = asking;
  const request = makeRequest(asking);
  const answer = new Promise<Answer>((resolve, reject) => {
    // Once there is an answer, a body that breaks off must not hide it; and the promise is settled then.
    request.on('error', (error) => reject(failed(where, error, address.isSecure)));
    request.on('upgrade', (response, socket, head) => {
      // At once, as from here on the errors of the socket are ours.
      const transport = new DuplexTransport(socket);
      resolve({ status: response.statusCode!, rawHeaders: response.rawHeaders, transport, head });
    });
    request.on('response', (response) => {
      const { socket } = response;
      // At once, or a keep-alive agent would take the socket back.
      response.once('end', () => socket.destroy());
      const body = readBody(response, settings.maxResponseBody);
      resolve({ status: response.statusCode!, rawHeaders: response.rawHeaders, body });
    });
  });
  request.end();
  return { answer, destroy: () => request.destroy() };
}

function readBody(response: IncomingMessage, most: number): BodyReading {
  const body = new BodyReading(most);
  const stop = () => body.stop();
  response.on('data', (chunk: Buffer) => body.add(chunk));
  response.on('error', stop).on('close', stop).on('end', stop);
  return body;
}

function makeRequest({ address, settings, rawHeaders }: Asking): ClientRequest {
  const { isSecure, hostname, port, target } = address;
  const { agent, socketPath, maxHeaderSize } = settings;
  const options: RequestOptions = {
    method: 'GET',
    host: hostname,
    port,
    path: target,
    headers: rawHeaders,
    setHost: false,
    agent,
    socketPath,
    maxHeaderSize: Math.min(maxHeaderSize, 0x7fffffff),
  };
  return isSecure ? https().request({ ...tlsOptions(address, settings), ...options }) : http.request(options);
}
