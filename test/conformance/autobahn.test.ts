import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Role } from 'ants-ws';
import { expect } from 'chai';
import { inOrder, killAll, start } from '../examples/program.js';
import { agent } from './autobahn-options.js';
import { problemsOf, readReport, sayReport } from './autobahn-report.js';
import { dockerSuite, localSuite, runSuite } from './autobahn-suite.js';
import { startFuzzingServer } from './fuzzing-server.js';
import { playToServer } from './runner.js';
import { sampleCases } from './sample-cases.js';

const path = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
const program = (name: string) => `../test/conformance/${name}`;

describe('running Autobahn', function () {
  this.timeout(60_000);
  afterEach(killAll);

  it('has a server that passes cases, and stops in order', async () => {
    const server = start(program('autobahn-server'), ['--port', '0']);
    const { port } = new URL(await server.url());
    for (const one of sampleCases) {
      const script = one.script();
      const outcome = await playToServer(Number(port), one, script);
      expect(outcome, one.name).to.equal([...script.expected, 'FIN'].join(', '));
    }
    expect(await server.interrupt()).to.deep.equal(inOrder);
  });

  it('has a client that runs every case once, and then asks for the reports', async () => {
    let updates = 0;
    const fuzzing = await startFuzzingServer(sampleCases, () => updates++);
    const client = start(program('autobahn-client'), ['--url', `${fuzzing.url}/`]);
    expect(await client.exited, client.output).to.deep.equal(inOrder);
    await fuzzing.stop();
    expect(fuzzing.paths).to.deep.equal([
      '/getCaseCount',
      ...sampleCases.map((_, i) => `/runCase?case=${i + 1}&agent=ants-ws`),
      '/updateReports?agent=ants-ws',
    ]);
    for (const [i, { outcome, expected }] of fuzzing.results.entries()) {
      expect(outcome, sampleCases[i]!.name).to.equal(expected);
    }
    expect(updates).to.equal(1);
  });

  it('has a client that gives up when there is no server', async () => {
    const client = start(program('autobahn-client'), ['--url', 'ws://127.0.0.1:1', '--wait', '0']);
    expect(await client.exited).to.have.property('code', 1);
    expect(client.output).to.include('cannot connect to 127.0.0.1:1');
  });

  describe('as a whole', () => {
    const roles = ['server', 'client'] as const;
    let folder: string;
    let lines: string[];

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'ants-autobahn-'));
      lines = [];
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    function run(cases: readonly string[], as: readonly Role[] = roles): Promise<boolean> {
      const suite = localSuite([process.execPath, path('fake-wstest')], folder);
      return runSuite(suite, { folder, cases, roles: as, print: (line) => lines.push(line) });
    }

    it('is fine when all cases are', async () => {
      expect(await run(['*'])).to.equal(true);
      const count = sampleCases.length;
      expect(lines).to.deep.equal([
        ...roles.map((role) => `as a ${role}: ${count} cases: ${count} OK`),
        `reports: ${roles.map((role) => join(folder, role, 'index.html')).join(', ')}`,
      ]);
    });

    it('is not fine when one is NON-STRICT', async () => {
      expect(await run(['bad'], ['server'])).to.equal(false);
      expect(lines).to.include('  6.4.1: NON-STRICT, close OK: ants_ws_case_6_4_1.json');
    });

    for (const [i, mode] of ['fuzzingclient', 'fuzzingserver'].entries()) {
      it(`says when the suite itself fails, as ${mode}`, async () => {
        const error = await run(['crash'], [roles[i]!]).catch((reason: unknown) => reason);
        expect(`${error}`).to.equal(`Error: wstest ended with 3, see ${join(folder, `${mode}.log`)}`);
      });
    }

    it('runs in a container that sees the folder, and is reached and reaches us', () => {
      const { command, ...suite } = dockerSuite('/reports');
      expect(command(5000).join(' '))
        .to.match(/^docker run --rm --init .*crossbario\/autobahn-testsuite wstest$/)
        .and.include('--volume /reports:/autobahn --publish 127.0.0.1:5000:5000')
        .and.include('--add-host host.docker.internal:host-gateway');
      const ourHost = ['0.0.0.0', 'host.docker.internal'];
      expect(suite).to.deep.equal({ folder: '/autobahn', ownHost: '0.0.0.0', ourHost });
    });

    it('says what to install when there is nothing to run', () => {
      const { status, stderr } = spawnSync(process.execPath, [path('autobahn')], {
        encoding: 'utf8',
        env: { ...process.env, PATH: '' },
      });
      expect(status).to.equal(1);
      expect(stderr).to.include('crossbario/autobahn-testsuite').and.include('pip install autobahntestsuite');
    });
  });

  describe('reads reports', () => {
    const one = (behavior: string, behaviorClose = 'OK') => ({
      behavior,
      behaviorClose,
      duration: 2,
      remoteCloseCode: 1000,
      reportfile: `ants_ws_case_${behavior}.json`,
    });
    const json = (cases: object) => JSON.stringify({ [agent]: cases, other: { '1.1.1': one('FAILED') } });

    it('in the order of the cases', () => {
      const verdicts = readReport(
        json({ '9.10.1': one('OK'), '10.1.1': one('OK'), '9.2.1': one('OK') }),
        agent,
      );
      expect(verdicts.map(({ id }) => id)).to.deep.equal(['9.2.1', '9.10.1', '10.1.1']);
      expect(problemsOf(verdicts)).to.deep.equal([]);
    });

    it('and finds whatever is neither OK nor INFORMATIONAL', () => {
      const bad = [
        'NON-STRICT',
        'UNIMPLEMENTED',
        'FAILED',
        'WRONG CODE',
        'UNCLEAN',
        'FAILED BY CLIENT',
        'new',
      ];
      const cases = Object.fromEntries([
        ['1.1.1', one('OK')],
        ['1.1.2', one('INFORMATIONAL', 'INFORMATIONAL')],
        ...bad.map((behavior, i) => [`2.${i + 1}`, one(behavior)]),
        ...bad.map((behavior, i) => [`3.${i + 1}`, one('OK', behavior)]),
      ]);
      const verdicts = readReport(json(cases), agent);
      expect(problemsOf(verdicts).map(({ id }) => id)).to.deep.equal([
        ...bad.map((_, i) => `2.${i + 1}`),
        ...bad.map((_, i) => `3.${i + 1}`),
      ]);
      const [sum, first] = sayReport('as a server', verdicts);
      expect(sum).to.match(/^as a server: 16 cases: 8 OK, 1 INFORMATIONAL, 1 NON-STRICT, /);
      expect(first).to.equal('  2.1: NON-STRICT, close OK: ants_ws_case_NON-STRICT.json');
    });

    it('and refuses what is none', () => {
      expect(() => readReport('{}', agent)).to.throw('no cases of "ants-ws"');
      expect(() => readReport(json({}), agent)).to.throw('no cases of "ants-ws"');
      expect(() => readReport('null', agent)).to.throw('no cases');
      expect(() => readReport(json({ '1.1': { behavior: 'OK' } }), agent)).to.throw('case 1.1');
    });
  });
});
