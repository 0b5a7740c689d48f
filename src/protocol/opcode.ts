/** The opcodes of RFC 6455 section 5.2. All others are reserved. */
export const Opcode = {
  Continuation: 0x0,
  Text: 0x1,
  Binary: 0x2,
  Close: 0x8,
  Ping: 0x9,
  Pong: 0xa,
} as const;

/** One of the defined opcodes. */
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Opcodes with the high bit set are control frames (RFC 6455 section 5.5). */
export function isControl(opcode: number): boolean {
  return opcode >= 0x8;
}

/** The largest payload of a control frame, in bytes (RFC 6455 section 5.5). */
export const maxControlPayload = 125;
