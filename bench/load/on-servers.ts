// The load on servers: a process of its own, which has connections to several servers and works with one at a time.
import type { ServerScenario } from '../compare/scenarios.js';
import { answerLines } from '../support/answer-lines.js';
import { BroadcastLoad } from './broadcast.js';
import { ComingsLoad, IdleLoad } from './comings.js';
import { EchoLoad } from './echo.js';
import { FlowLoad } from './flow.js';

interface Load {
  open(): Promise<void>;
  run(messages: number): Promise<number>;
  close(): void;
}

function makeLoad({ load }: ServerScenario, port: number, isRaw: boolean): Load {
  switch (load.kind) {
    case 'echo':
      return new EchoLoad(port, load, isRaw);
    case 'flow':
      return new FlowLoad(port, load);
    case 'broadcast':
      return new BroadcastLoad(port, load);
    case 'comings':
      return new ComingsLoad(port, load.atATime);
    case 'idle':
      return new IdleLoad(port);
  }
}

const loads = new Map<string, Load>();

answerLines({
  open({
    name,
    port,
    scenario,
    isRaw,
  }: {
    name: string;
    port: number;
    scenario: ServerScenario;
    isRaw: boolean;
  }) {
    const load = makeLoad(scenario, port, isRaw);
    loads.set(name, load);
    return load.open();
  },
  run: ({ name, messages }: { name: string; messages: number }) => loads.get(name)!.run(messages),
  close({ name }: { name: string }) {
    loads.get(name)!.close();
    loads.delete(name);
  },
});
