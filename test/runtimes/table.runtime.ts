import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { readText, root } from '../house/root.js';

interface Runtime {
  /** As the first line of the table has it, before the version. */
  readonly name: string;
  readonly command: readonly string[];
}

const installed = join(root, '.cache/bench-peers/node_modules/.bin');
const runtimes: readonly Runtime[] = [
  { name: 'Node.js', command: [process.execPath] },
  { name: 'Bun', command: [join(installed, 'bun')] },
  { name: 'Deno', command: [join(installed, 'deno'), 'run', '--allow-all'] },
];

/** The table of runtimes in the docs: its first line, and its other lines by what they begin with. */
function readTable(): { head: string[]; rows: Map<string, string[]> } {
  const cells = readText('docs/reference/support.md')
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const start = cells.findIndex(([first]) => first === 'under');
  const [head, ...rows] = cells.slice(start).filter((row) => row.length === runtimes.length + 1);
  return { head: head!, rows: new Map(rows.map(([name, ...others]) => [name!, others])) };
}

const { head, rows } = readTable();

runtimes.forEach(({ name, command: [program, ...args] }, index) => {
  describe(`under ${name}`, function () {
    this.timeout(90_000);
    const running: ChildProcess[] = [];

    before(() => {
      if (!existsSync(program!)) throw new Error(`${name} is missing; npm run bench:peers installs it`);
    });
    afterEach(() => {
      for (const child of running.splice(0)) child.kill('SIGKILL');
    });

    /** Runs a built program; `line` waits for a line that it prints. */
    function run(command: readonly string[], ...rest: readonly string[]) {
      const [file, ...first] = command;
      const child = spawn(file!, [...first, ...rest], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' },
      });
      running.push(child);
      const lines: string[] = [];
      const reader = createInterface(child.stdout!);
      reader.on('line', (text) => lines.push(text));
      return {
        child,
        lines,
        ended: once(child, 'close'),
        async line(pattern: RegExp): Promise<RegExpExecArray> {
          for (;;) {
            for (const text of lines) {
              const match = pattern.exec(text);
              if (match !== null) return match;
            }
            if (child.exitCode !== null) throw new Error(`ended without ${pattern}: ${lines.join('\n')}`);
            await Promise.race([once(reader, 'line'), once(reader, 'close')]);
          }
        },
      };
    }
    const own = [program!, ...args];

    it('is of the version in the table', () => {
      if (index === 0) return expect(head[1]).to.match(/^Node\.js 20, 22, 24, 26$/);
      const version = execFileSync(program!, ['--version'], { encoding: 'utf8' });
      const [, expected] = /^\S+ (\d+\.\d+\.\d+)$/.exec(head[index + 1]!)!;
      return expect(version).to.include(expected);
    });

    it('does what the table says', async () => {
      const { lines, ended } = run(own, 'build/test/runtimes/checks.js');
      await ended;
      const problems = lines.map((line) => JSON.parse(line) as { name: string; problem?: string });
      const seen = problems.map(({ name: check, problem }) => [check, problem === undefined ? 'yes' : 'no']);
      const told = [...rows].slice(0, problems.length).map(([check, cells]) => [check, cells[index]]);
      expect(seen, JSON.stringify(problems.filter(({ problem }) => problem))).to.deep.equal(told);
    });

    it('runs the examples of a server and of a client', async () => {
      for (const [server, client] of [
        [own, [process.execPath]],
        [[process.execPath], own],
      ] as const) {
        const serving = run(server, 'build/examples/ants-server.js', '0');
        const [, url] = await serving.line(/^listening on (\S+)$/);
        const asking = run(client, 'build/examples/ants-client.js', url!);
        await asking.line(/^received: hello 2$/);
        asking.child.kill('SIGINT');
        await asking.ended;
        expect(asking.lines.at(-1)).to.equal('closed with 1000, clean');
        await serving.line(/^ant 1 left with 1000 "bye"$/);
        serving.child.kill('SIGINT');
        expect(await serving.ended).to.deep.equal([0, null]);
      }
    });
  });
});
