import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options?: { type: 'minor' }) => void;

let collect: Collect | undefined;

function collector(): Collect {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  return collect;
}

/** Collects what nobody refers to any more, now. */
export function collectGarbage(): void {
  collector()();
}

/** Collects the young generation only, as V8 mostly does; what is still referred to goes to the old one the second time. */
export function collectYoungGarbage(): void {
  collector()({ type: 'minor' });
}

/** Bytes of objects in the old generation. */
export function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size;
}
