// The WebSocket that is built into Bun or Deno; to be run by them.
import { measureStandard } from './standard.js';

const { Bun, Deno, WebSocket } = globalThis as unknown as {
  Bun?: { version: string };
  Deno?: { version: { deno: string } };
  WebSocket: Parameters<typeof measureStandard>[0];
};
measureStandard(WebSocket, Bun === undefined ? `Deno ${Deno!.version.deno}` : `Bun ${Bun.version}`);
