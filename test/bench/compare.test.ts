import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { makePlot } from '../../bench/compare/plots.js';
import { type Results, tablesOf, versionTables } from '../../bench/compare/results.js';
import { clientScenarios, serverScenarios } from '../../bench/compare/scenarios.js';
import { Program } from '../../bench/support/program.js';
import { root } from '../house/root.js';

const program = join(root, 'build', 'bench', 'compare.js');

describe('bench: compare', () => {
  it('runs every scenario, and every byte that comes back is right', async function () {
    this.timeout(60_000);
    const folder = await mkdtemp(join(tmpdir(), 'ants-bench-'));
    try {
      const json = join(folder, 'results.json');
      const args = [program, '--smoke', '--peers', '^(ants|net|ws)$', '--json', json];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      expect(stdout).to.match(/everything was answered as it should be\n$/);
      const { rows } = JSON.parse(await readFile(json, 'utf8')) as Results;
      expect(rows.map(({ name }) => name)).to.deep.equal(
        [...serverScenarios, ...clientScenarios].map(({ name }) => name),
      );
      for (const { kind, name, samples } of rows) {
        const hasRaw = kind === 'client' || serverScenarios.some((one) => one.name === name && !one.notRaw);
        const peers = hasRaw ? ['ants', 'net', 'ws'] : ['ants', 'ws'];
        expect(Object.keys(samples).sort(), name).to.deep.equal(peers);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('fails when an answer is wrong', async () => {
    const server = new Program('net', [
      process.execPath,
      join(root, 'build', 'bench', 'servers', 'net.js'),
      'echo',
    ]);
    try {
      // A server of bytes does not answer in frames.
      const code = `
        import { EchoLoad } from '${new URL('../../bench/load/echo.js', import.meta.url)}';
        const shape = { size: 64, isText: false, connections: 1, inFlight: 1 };
        const load = new EchoLoad(${await server.ask<number>('port')}, shape, false);
        await load.open();
        await load.run(1);`;
      const args = ['--input-type=module', '-e', code];
      const failed = await promisify(execFile)(process.execPath, args).catch((error) => error);
      expect(failed).to.have.property('code', 1);
      expect(failed.stderr).to.include('a reply is wrong behind byte 0');
    } finally {
      await server.stop();
    }
  });

  it('shows medians, and multiples round by round', () => {
    const results: Results = {
      date: '2026-01-01',
      command: 'npm run bench',
      machine: 'one',
      rounds: 3,
      versions: {},
      rows: [
        {
          kind: 'server',
          name: 'echo',
          title: 'an echo',
          unit: 'µs',
          samples: { ants: [1, 2, 4], ws: [3, 8, 4] },
        },
      ],
    };
    const tables = tablesOf(results).replaceAll(/ +/g, ' ');
    expect(tables).to.include('| an echo | 2.00 [1.20–3.60] | 4.00 [3.20–7.20] |');
    // Of 3, 4 and 1; the ratio of the medians is 2.
    expect(tables)
      .to.include('times better than ws | ants |')
      .and.to.include('| an echo | 3.00 [1.40–3.80] |');
  });

  it('sets versions of Node side by side', () => {
    const on = (version: string, ants: number, doc?: number): Results => {
      const samples = { ants: [ants], ws: [6], ...(doc === undefined ? {} : { 'ants-doc': [doc] }) };
      const row = { kind: 'server', name: 'echo', title: 'an echo', unit: 'µs', samples } as const;
      const versions = { Node: version };
      return { date: '', command: '', machine: '', rounds: 1, versions, rows: [row] };
    };
    const tables = versionTables([on('20.1.0', 2, 4), on('22.2.0', 3)]).replaceAll(/ +/g, ' ');
    expect(tables).to.include('| Times better than ws: ants | Node 20.1.0 | Node 22.2.0 |');
    expect(tables).to.include('| an echo | 3.00 [3.00–3.00] | 2.00 [2.00–2.00] |');
    expect(tables).to.include('| an echo | 1.50 [1.50–1.50] | – |');
  });

  it('draws each row, with a bar for each peer but the reference', () => {
    const svg = makePlot([
      {
        kind: 'server',
        name: 'echo',
        title: 'an echo',
        unit: 'µs',
        samples: { ants: [1], net: [2], ws: [3] },
      },
      { kind: 'server', name: 'flow', title: 'a flow', unit: 'µs', samples: { ants: [1], ws: [0.5] } },
    ]);
    expect(svg).to.match(/^<svg .*<\/svg>\n$/s);
    for (const text of ['an echo', 'a flow', 'ants', 'net']) expect(svg).to.include(`>${text}</text>`);
    expect(svg).to.not.include('>ws</text>');
  });
});
