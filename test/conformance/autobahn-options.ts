import type { DialOptions } from 'ants-ws';

/** The name under which the reports speak of us. */
export const agent = 'ants-ws';

/** What the cases need of either end: messages of 16 MiB, 65,536 fragments, any kind of compression, and nothing that is not asked for. */
export const options = {
  maxMessageSize: 2 ** 24,
  maxFragments: 2 ** 17,
  compression: { threshold: 0 },
  heartbeatInterval: Infinity,
} satisfies DialOptions;
