import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Role, serve } from 'ants-ws';
import { expect } from 'chai';
import { readText, root } from '../house/root.js';
import { startAnswerer } from './answer.js';
import { areas } from './cases.js';
import { type ConformanceResult, numbered, page, pagePath, resultPath } from './report.js';
import { ask } from './request-case.js';
import { requests } from './requests.js';
import { responses } from './responses.js';
import { type Bench, startBench } from './runner.js';

/** The server that gets the requests. */
const listening = { port: 0, host: '127.0.0.1', subprotocols: ['chat', 'superchat'], compression: true };
const roles: readonly Role[] = ['server', 'client'];

describe('conformance over real sockets', () => {
  const outcomes = new Map<string, string>();

  for (const role of roles) {
    describe(`as a ${role}`, () => {
      let bench: Bench;
      before(async () => {
        bench = await startBench(role);
      });
      after(() => bench.stop());

      for (const { title } of areas) {
        it(title, async function () {
          this.timeout(60_000);
          for (const { number, area, case: one } of numbered) {
            if (area !== title) continue;
            const script = one.script();
            const outcome = await bench.run(one, script);
            outcomes.set(`${role} ${number}`, outcome);
            expect(outcome, `${number} ${one.name}`).to.equal([...script.expected, 'FIN'].join(', '));
          }
        });
      }
    });
  }

  // In a block of their own: mocha runs tests before blocks, and these need what the blocks above have noted.
  describe('as a whole', () => {
    it('opening handshake, as a server', async function () {
      this.timeout(60_000);
      for (const [i, one] of requests.entries()) {
        const server = await serve({ ...listening, ...one.options }, () => {});
        const said = await ask(server.port!, one);
        await server.close({ timeout: 0 });
        outcomes.set(`request ${i}`, said);
        expect(said, one.name).to.equal(one.expected);
      }
    });

    it('opening handshake, as a client', async function () {
      this.timeout(60_000);
      const answerer = await startAnswerer();
      for (const [i, one] of responses.entries()) {
        const said = await answerer.answer(one);
        outcomes.set(`response ${i}`, said);
        expect(said, one.name).to.equal(one.expected);
      }
      await answerer.stop();
    });

    it('has the committed result, and the page made from it', () => {
      const count = 2 * numbered.length + requests.length + responses.length;
      expect(outcomes.size, 'every case ran').to.equal(count);
      const frames = areas.map(({ title }) => ({
        area: title,
        cases: numbered
          .filter(({ area }) => area === title)
          .map(({ number, case: { name, section } }) => ({
            number,
            name,
            section,
            server: outcomes.get(`server ${number}`)!,
            client: outcomes.get(`client ${number}`)!,
          })),
      }));
      const handshakes = [
        {
          area: 'Opening handshake: requests, to a server',
          cases: requests.map(({ name, section }, i) => ({
            number: `${areas.length + 1}.${i + 1}`,
            name,
            section,
            server: outcomes.get(`request ${i}`)!,
          })),
        },
        {
          area: 'Opening handshake: responses, to a client',
          cases: responses.map(({ name, section }, i) => ({
            number: `${areas.length + 2}.${i + 1}`,
            name,
            section,
            client: outcomes.get(`response ${i}`)!,
          })),
        },
      ];
      const now: ConformanceResult[] = [...frames, ...handshakes];
      if (process.env['UPDATE_SNAPSHOTS'] === '1') {
        writeFileSync(join(root, resultPath), `${JSON.stringify(now, undefined, 2)}\n`);
        writeFileSync(join(root, pagePath), page(now));
      }
      const hint = 'If that is meant, run "UPDATE_SNAPSHOTS=1 npm test" and commit the files.';
      expect(now, hint).to.deep.equal(JSON.parse(readText(resultPath)));
      expect(readText(pagePath), hint).to.equal(page(now));
    });
  });
});
