import type { Parameters } from 'fast-check';

/**
 * The same runs every time; fast-check prints the seed and the path of a failure. Another seed, or more runs:
 * `PROPERTY_SEED=1 PROPERTY_RUNS=10000 npm test`.
 */
export function runs(count: number): Parameters<unknown> {
  const { PROPERTY_SEED = '6455', PROPERTY_RUNS } = process.env;
  return { seed: Number(PROPERTY_SEED), numRuns: Number(PROPERTY_RUNS ?? count) };
}
