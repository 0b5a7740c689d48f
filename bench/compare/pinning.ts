import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Command prefixes that keep the measured process and the load generator from each other's processors. */
export interface Pinning {
  readonly measured: readonly string[];
  readonly load: readonly string[];
}

/** With `taskset`, one half of the processors for each; without it, or with one processor, nothing. */
export function findPinning(): Pinning {
  const processors = allowedProcessors();
  const half = Math.floor(processors.length / 2);
  if (half === 0) return { measured: [], load: [] };
  const on = (some: readonly number[]) => ['taskset', '--cpu-list', some.join(',')];
  return { measured: on(processors.slice(half)), load: on(processors.slice(0, half)) };
}

/** The processors that this process may run on, as Linux tells; none where it doesn't, or where there is no `taskset`. */
function allowedProcessors(): number[] {
  let list: string;
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
  } catch {
    return [];
  }
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}
