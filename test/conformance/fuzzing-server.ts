import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ConformanceCase, Script } from './case.js';
import { deflateElement, deflateName } from './deflate-peer.js';
import { acceptFor, response } from './response-case.js';
import { headOf, play } from './runner.js';

/** What a client did in one case. */
export interface FuzzingResult {
  readonly agent: string;
  readonly outcome: string;
  readonly expected: string;
}

/** A server that speaks as Autobahn's fuzzingserver does, with cases of ours. */
export interface FuzzingServer {
  readonly url: string;
  /** By the number of the case less one. */
  readonly results: readonly FuzzingResult[];
  /** Every path that was asked for, in order. */
  readonly paths: readonly string[];
  stop(): Promise<void>;
}

const section = '5.5.1';
const bye = { first: 0x88, payload: Buffer.from([0x03, 0xe8]) };

/**
 * @param onUpdate Called when a client asks for the reports.
 * @param port Any that is free, by default.
 */
export async function startFuzzingServer(
  cases: readonly ConformanceCase[],
  onUpdate: (results: readonly FuzzingResult[]) => void = () => {},
  port = 0,
): Promise<FuzzingServer> {
  const results: FuzzingResult[] = [];
  const paths: string[] = [];

  async function serve(socket: Socket): Promise<void> {
    const { head } = await headOf(socket);
    const path = /^GET (\S+) /.exec(head)![1]!;
    paths.push(path);
    const { pathname, searchParams } = new URL(path, 'ws://localhost');
    const agent = searchParams.get('agent') ?? '';
    const open = (agreed: Record<string, readonly string[]> = {}) =>
      socket.write(response(agreed).replace('<accept>', acceptFor(head)));

    if (pathname === '/runCase') {
      const index = Number(searchParams.get('case')) - 1;
      const one = cases[index]!;
      const script = one.script();
      const isCompressed = one.deflate !== undefined && head.includes(deflateName);
      open(isCompressed ? { 'Sec-WebSocket-Extensions': [deflateElement(one.deflate)] } : {});
      const outcome = await play(one, script, 'client', socket);
      results[index] = { agent, outcome, expected: [...script.expected, 'FIN'].join(', ') };
      return;
    }
    open();
    if (pathname === '/updateReports') onUpdate(results);
    const count = { first: 0x81, payload: Buffer.from(String(cases.length)) };
    const script: Script = { frames: pathname === '/getCaseCount' ? [count, bye] : [bye], expected: [] };
    await play({ name: pathname, section, script: () => script }, script, 'client', socket);
  }

  const server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    results,
    paths,
    async stop() {
      server.close();
      await once(server, 'close');
    },
  };
}
