/** The close codes of the IANA registry (RFC 6455 section 7.4.1 and section 11.7), by name. */
export const CloseCode = {
  NormalClosure: 1000,
  GoingAway: 1001,
  ProtocolError: 1002,
  UnsupportedData: 1003,
  /** Reported when a Close frame carried no code; never travels. */
  NoStatusReceived: 1005,
  /** Reported when the connection ended without a Close frame; never travels. */
  AbnormalClosure: 1006,
  InvalidFramePayloadData: 1007,
  PolicyViolation: 1008,
  MessageTooBig: 1009,
  MandatoryExtension: 1010,
  InternalError: 1011,
  ServiceRestart: 1012,
  TryAgainLater: 1013,
  BadGateway: 1014,
  /** Reported when a TLS handshake failed; never travels. */
  TlsHandshake: 1015,
} as const;

/** One of the registered close codes. */
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

const names = new Map<number, string>(Object.entries(CloseCode).map(([name, code]) => [code, name]));

/** The registered name of a close code, or what range it belongs to. */
export function closeCodeName(code: number): string {
  const name = names.get(code);
  if (name !== undefined) return name;
  if (code >= 3000 && code <= 3999) return 'registered';
  if (code >= 4000 && code <= 4999) return 'private use';
  return 'not allowed';
}

/**
 * Whether a code may stand in a Close frame: RFC 6455 section 7.4 reserves 0-999, 1004-1006, 1015 and the undefined rest
 * of 1000-2999, and leaves 3000-4999 to libraries and applications.
 */
export function mayTravel(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
