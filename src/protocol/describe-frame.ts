import type { Buffer } from 'node:buffer';
import { Opcode } from './opcode.js';

/** How much of a payload is shown. */
const shownText = 40;
const shownBytes = 16;

const names = new Map<number, string>([
  [Opcode.Continuation, 'continuation'],
  [Opcode.Text, 'text'],
  [Opcode.Binary, 'binary'],
  [Opcode.Close, 'close'],
  [Opcode.Ping, 'ping'],
  [Opcode.Pong, 'pong'],
]);

/**
 * One line about a frame for people: `text 5 bytes "hello"`. Long payloads are elided, and what could disturb a terminal is escaped.
 *
 * @param length The length of the whole payload.
 * @param payload Its beginning, unmasked.
 */
export function describeFrame(opcode: number, fin: boolean, length: number, payload: Buffer): string {
  const name = names.get(opcode) ?? `opcode ${opcode}`;
  const head = `${name}${fin ? '' : ', more to come'}, ${length} ${length === 1 ? 'byte' : 'bytes'}`;
  if (length === 0) return head;
  return `${head}: ${describePayload(opcode, length, payload)}`;
}

function describePayload(opcode: number, length: number, payload: Buffer): string {
  if (opcode === Opcode.Text) return describeText(length, payload);
  if (opcode === Opcode.Close && payload.length >= 2) {
    const code = payload.readUInt16BE(0);
    return length === 2 ? `${code}` : `${code} ${describeText(length - 2, payload.subarray(2))}`;
  }
  const shown = payload.toString('hex', 0, shownBytes);
  return length * 2 > shown.length ? `${shown}…` : shown;
}

function describeText(length: number, payload: Buffer): string {
  const shown = payload.toString('utf8', 0, shownText);
  const quoted = JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return length > Math.min(payload.length, shownText) ? `${quoted}…` : quoted;
}
