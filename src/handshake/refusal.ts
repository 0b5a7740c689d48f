/** The answer to a request that does not open a WebSocket. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number;
  /** Header names and values, alternating, that belong to this status beside those of any response. */
  readonly headers: readonly string[];
  /** The body: plain text that tells a person what is wrong and what to do. */
  readonly message: string;
}

/** What a check of a request came to. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** Passes a check. */
export function accept<T>(value: T): Checked<T> {
  return { ok: true, value };
}

/** Fails a check. */
export function refuse(
  status: number,
  message: string,
  headers: readonly string[] = [],
): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { status, headers, message } };
}

/**
 * A peer's string as a message shows it: in quotes, without control characters.
 *
 * @param most how many characters of it are shown
 */
export function quote(text: string, most = 100): string {
  const shown = text.length > most ? `${text.slice(0, most)}…` : text;
  return JSON.stringify(shown);
}
