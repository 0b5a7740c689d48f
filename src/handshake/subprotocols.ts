import { isToken } from './tokens.js';

/**
 * How a server chooses the subprotocol: names that it speaks, of which the first that the client offers is taken, in the
 * client's order; or a function that answers one of `offered`, or undefined for none.
 */
export type Subprotocols<Request> =
  | readonly string[]
  | ((offered: readonly string[], request: Request) => string | undefined);

/** Answers one of `offered`, which holds at least one name, or undefined for none. */
export type SubprotocolChoice<Request> = (offered: readonly string[], request: Request) => string | undefined;

/**
 * Checks names of subprotocols: unique tokens (RFC 6455 section 4.1).
 *
 * @throws TypeError when they are not
 */
export function checkSubprotocols(names: readonly string[]): void {
  if (!Array.isArray(names)) throw new TypeError('subprotocols must be a list of names');
  for (const name of names as readonly unknown[]) {
    if (typeof name === 'string' && isToken(name)) continue;
    throw new TypeError(
      `subprotocols: ${JSON.stringify(name)} is not a name; use letters, digits and -._~!#$%&'*+^\`| only`,
    );
  }
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw new TypeError(`subprotocols: ${JSON.stringify(repeated)} occurs twice`);
}

/**
 * Makes the choice for the `subprotocols` option of a server. The choice throws what the option's function throws, and a
 * TypeError when that answers something that was not offered.
 *
 * @throws TypeError when a list holds something else than unique tokens
 */
export function compileSubprotocols<Request>(
  subprotocols: Subprotocols<Request> | undefined,
): SubprotocolChoice<Request> {
  if (subprotocols === undefined) return () => undefined;
  if (typeof subprotocols !== 'function') {
    checkSubprotocols(subprotocols);
    const spoken = new Set(subprotocols);
    return (offered) => offered.find((name) => spoken.has(name));
  }
  return (offered, request) => {
    const chosen = subprotocols(offered, request);
    if (chosen === undefined || offered.includes(chosen)) return chosen;
    throw new TypeError(
      `subprotocols: the function chose ${JSON.stringify(chosen)}, which the client did not offer`,
    );
  };
}
