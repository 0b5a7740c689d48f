/** The public names of `ants-ws/testing`: what users need to test their own code without a network, and without waiting. */
export { type ChunkSizes, type Delay, seededChunks } from './chunking.js';
export { type ConnectedPair, connectedPair, type PairOptions } from './connected-pair.js';
export type { Line, LineOptions } from './line.js';
export { type MemoryTransport, memoryPair, type TransportCounts } from './memory-transport.js';
export { TestClock } from './test-clock.js';
