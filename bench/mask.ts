// Masking beside bufferutil, the native add-on of `ws`: nanoseconds of a call, and how many times faster ours is.
//
//   npm run bench:mask
//
// Each size in one buffer again and again, and in one that was never seen before, as chunks of a socket are.
import bufferutil from 'bufferutil';
import { median } from 'simple-statistics';
import { applyMask } from '#src/protocol/mask.js';

const sizes = [8, 32, 64, 96, 128, 256, 1024, 4096, 16 * 1024, 64 * 1024, 1024 * 1024];
const rounds = 9;
const key = 0x12345678;
const keyBytes = Buffer.alloc(4);

type Mask = (bytes: Buffer, start: number, end: number) => void;

const ours: Mask = (bytes, start, end) => applyMask(bytes, start, end, key, 0);
const theirs: Mask = (bytes, start, end) => {
  keyBytes.writeInt32LE(key);
  bufferutil.unmask(bytes.subarray(start, end), keyBytes);
};

/** Nanoseconds of a call. */
function time(mask: Mask, buffers: readonly Buffer[], size: number, calls: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) mask(buffers[i % buffers.length]!, 8, 8 + size);
  return Number(process.hrtime.bigint() - start) / calls;
}

console.log(
  `Node ${process.versions.node}: masking, ns a call\n\nbuffer        bytes     ours  bufferutil    times`,
);
for (const isFresh of [false, true]) {
  for (const size of sizes) {
    const count = isFresh ? Math.min(512, Math.max(4, Math.floor(2e6 / size))) : 1;
    const buffers = Array.from({ length: count }, () => Buffer.allocUnsafeSlow(size + 64));
    const calls = Math.ceil(Math.min(2e5, Math.max(40, 2e7 / size)));
    const samples = Array.from({ length: rounds }, () => ({
      ours: time(ours, buffers, size, calls),
      theirs: time(theirs, buffers, size, calls),
    }));
    console.log(
      (isFresh ? 'another' : 'the same').padEnd(10),
      `${size}`.padStart(8),
      median(samples.map((sample) => sample.ours))
        .toFixed(0)
        .padStart(8),
      median(samples.map((sample) => sample.theirs))
        .toFixed(0)
        .padStart(11),
      median(samples.map((sample) => sample.theirs / sample.ours))
        .toFixed(2)
        .padStart(8),
    );
  }
}
