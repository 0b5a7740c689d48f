import type { BroadcastShape } from '../load/broadcast.js';
import type { EchoShape } from '../load/echo.js';
import type { FlowShape } from '../load/flow.js';
import type { Task } from '../servers/measured.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** What the load generator does to a server. */
export type ServerLoad =
  | ({ readonly kind: 'echo' } & EchoShape)
  | ({ readonly kind: 'flow' } & FlowShape)
  | ({ readonly kind: 'broadcast' } & BroadcastShape)
  | { readonly kind: 'comings'; readonly atATime: number }
  | { readonly kind: 'idle'; readonly connections: number };

/** A row of the table of servers. */
export interface ServerScenario {
  readonly name: string;
  readonly title: string;
  readonly task: Task;
  readonly load: ServerLoad;
  /** What a bare socket server cannot do, or would not mean the same by. */
  readonly notRaw?: boolean;
  /** Whether each round has processes of its own, as one of them may be lucky, or unlucky, all its life. */
  readonly isFresh?: boolean;
}

function echo(
  name: string,
  title: string,
  size: number,
  isText: boolean,
  connections: number,
  inFlight = 1,
): ServerScenario {
  return { name, title, task: 'echo', load: { kind: 'echo', size, isText, connections, inFlight } };
}

/** Of servers, in the order of the table. */
export const serverScenarios: readonly ServerScenario[] = [
  echo('echo-64', '64 B × 100, 1 in flight', 64, false, 100),
  echo('echo-64-16', '64 B × 100, 16 in flight', 64, false, 100, 16),
  echo('text-64', '64 B text × 100, 1 in flight', 64, true, 100),
  echo('text-64-16', '64 B text × 100, 16 in flight', 64, true, 100, 16),
  echo('text-1k', '1 KiB text × 100', KiB, true, 100),
  { ...echo('echo-16k', '16 KiB binary × 20', 16 * KiB, false, 20), isFresh: true },
  { ...echo('echo-1m', '1 MiB binary × 4', MiB, false, 4), isFresh: true },
  {
    name: 'in-events',
    title: '32 B in, nothing out, events',
    task: 'count',
    load: { kind: 'flow', size: 32, connections: 10 },
    notRaw: true,
  },
  {
    name: 'in-await',
    title: 'the same, for await',
    task: 'await',
    load: { kind: 'flow', size: 32, connections: 10 },
    notRaw: true,
  },
  {
    name: 'broadcast',
    title: 'broadcast 128 B to 500, 4 in flight',
    task: 'broadcast',
    load: { kind: 'broadcast', size: 128, connections: 500, inFlight: 4 },
    notRaw: true,
  },
  {
    name: 'handshake',
    title: 'handshake + close',
    task: 'echo',
    load: { kind: 'comings', atATime: 16 },
    notRaw: true,
  },
  {
    name: 'idle',
    title: 'idle connection, 5,000 held',
    task: 'echo',
    load: { kind: 'idle', connections: 5000 },
  },
];

/** A row of the table of clients: `size` bytes of binary payload, over one connection. */
export interface ClientScenario {
  readonly name: string;
  readonly title: string;
  readonly size: number;
  /** Whether the client sends, and waits for answers; otherwise the server pushes. */
  readonly isEcho: boolean;
  readonly inFlight: number;
  /** As in {@link ServerScenario}. */
  readonly isFresh?: boolean;
}

/** Of clients, in the order of the table. */
export const clientScenarios: readonly ClientScenario[] = [
  { name: 'client-64', title: '64 B round trip, 1 connection', size: 64, isEcho: true, inFlight: 1 },
  { name: 'client-64-64', title: '64 B, 64 in flight', size: 64, isEcho: true, inFlight: 64 },
  {
    name: 'client-push-1m',
    title: '1 MiB pushed by the server',
    size: MiB,
    isEcho: false,
    inFlight: 1,
    isFresh: true,
  },
  { name: 'client-echo-1m', title: '1 MiB echo', size: MiB, isEcho: true, inFlight: 1, isFresh: true },
];

/** The same in small, for a run that only shows that all of it works. */
export function inSmall(scenario: ServerScenario): ServerScenario {
  const { load } = scenario;
  if (load.kind === 'comings') return scenario;
  return { ...scenario, load: { ...load, connections: Math.min(load.connections, 5) } };
}
