import { areas } from './cases.js';

/** The largest messages, and a few of each area that need no options of their own: what stands for the cases of Autobahn in our tests. */
export const sampleCases = areas.flatMap(({ cases }) =>
  cases.filter(
    ({ name, options }, i) => options === undefined && (i % 50 === 0 || / 16777216 bytes$/.test(name)),
  ),
);
