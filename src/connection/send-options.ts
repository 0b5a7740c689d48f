import { showValue } from '../protocol/show-value.js';
import { checkWhenSlow, type WhenSlow } from './options.js';
import type { WaitOptions } from './wait-options.js';

/** What is to be done with a message. */
export interface SendPolicy {
  /** Instead of the connection's option. */
  whenSlow?: WhenSlow | undefined;
  /**
   * Whether the message is compressed, if that was agreed on. Default: when it has as many bytes as the option
   * `compression.threshold`.
   */
  compress?: boolean | undefined;
}

/** How a message is sent. */
export interface SendOptions extends SendPolicy, WaitOptions {}

/** @throws TypeError when an option has a value that it can't have. */
export function checkSendPolicy({ whenSlow, compress }: SendPolicy): void {
  if (whenSlow !== undefined) checkWhenSlow(whenSlow);
  if (compress !== undefined && typeof compress !== 'boolean') {
    throw new TypeError(`compress must be true or false; it is ${showValue(compress)}`);
  }
}
