import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Role, serve } from 'ants-ws';
import { expect } from 'chai';
import { readText, root } from '../house/root.js';
import { areas } from './cases.js';
import { type ConformanceResult, numbered, page, pagePath, resultPath } from './report.js';
import { ask, requests } from './requests.js';
import { type Bench, startBench } from './runner.js';

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
            const outcome = await bench.run(one);
            outcomes.set(`${role} ${number}`, outcome);
            expect(outcome, `${number} ${one.name}`).to.equal([...one.expected, 'FIN'].join(', '));
          }
        });
      }
    });
  }

  // In a block of their own: mocha runs tests before blocks, and these need what the blocks above have noted.
  describe('as a whole', () => {
    it('opening handshake, as a server', async () => {
      const server = await serve({ port: 0, host: '127.0.0.1' }, () => {});
      for (const [i, { name, request, expected }] of requests.entries()) {
        const status = await ask(server.port!, request);
        outcomes.set(`request ${i}`, status);
        expect(status, name).to.equal(expected);
      }
      await server.close();
    });

    it('has the committed result, and the page made from it', () => {
      expect(outcomes.size, 'every case ran').to.equal(2 * numbered.length + requests.length);
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
      const handshake = {
        area: 'Opening handshake: requests',
        cases: requests.map(({ name, section }, i) => ({
          number: `${areas.length + 1}.${i + 1}`,
          name,
          section,
          server: outcomes.get(`request ${i}`)!,
        })),
      };
      const now: ConformanceResult[] = [...frames, handshake];
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
