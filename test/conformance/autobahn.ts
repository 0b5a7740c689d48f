// The public Autobahn|Testsuite against our server and our client:
//
//   npm run conformance:autobahn [-- --role server --cases '1.*' --cases '7.*']
//
// It ends with 1 when a case is anything but OK or INFORMATIONAL.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Role } from 'ants-ws';
import { root } from '../house/root.js';
import { findSuite, runSuite } from './autobahn-suite.js';

const { values } = parseArgs({
  options: {
    role: { type: 'string', multiple: true, default: ['server', 'client'] },
    cases: { type: 'string', multiple: true, default: ['*'] },
  },
});
const isRole = (role: string): role is Role => role === 'server' || role === 'client';
const roles = values.role.filter(isRole);
if (roles.length < values.role.length) {
  console.error('--role must be server or client');
  process.exit(1);
}

const folder = join(root, '.cache/autobahn');
mkdirSync(folder, { recursive: true });
const suite = findSuite(folder);
if (suite === undefined) {
  console.error(`The Autobahn|Testsuite is not here. It runs with one of:
  Docker, as whoever may use it (https://docs.docker.com/engine/install/); the image crossbario/autobahn-testsuite is fetched by itself
  wstest on the PATH: in an environment of PyPy 2.7 or Python 2.7, pip install autobahntestsuite`);
  process.exit(1);
}
console.log(`All cases take their time; ${folder}/*.log says how far wstest is.`);
const isFine = await runSuite(suite, { folder, cases: values.cases, roles, print: console.log });
process.exitCode = isFine ? 0 : 1;
