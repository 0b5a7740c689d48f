import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type UpgradeHandler, Upgrader, type UpgraderOptions } from 'ants-ws';
import type { Page } from 'playwright-core';
import { tls } from '../fixtures/tls.js';

const probe = readFileSync(new URL('../../../test/browser/probe.js', import.meta.url));

/** A page with the probe, and a WebSocket beside it. */
export interface Site {
  /** Of the page, `http:` or `https:`. */
  readonly url: string;
  /** Of the WebSocket. */
  readonly socketUrl: string;
  close(): Promise<void>;
}

/** Starts a site that upgrades with these options. */
export async function startSite(
  secure: boolean,
  options: UpgraderOptions,
  handler: UpgradeHandler<undefined>,
): Promise<Site> {
  const serve: RequestListener = ({ url }, response) => {
    if (url === '/probe.js') response.setHeader('Content-Type', 'text/javascript').end(probe);
    else if (url === '/')
      response.setHeader('Content-Type', 'text/html').end('<script src="probe.js"></script>');
    else response.writeHead(404).end();
  };
  const http = secure ? createSecureServer(tls, serve) : createServer(serve);
  const upgrader = new Upgrader(options);
  http.on('upgrade', upgrader.handler('/ants', handler));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url: `${secure ? 'https' : 'http'}://${host}/`,
    socketUrl: `${secure ? 'wss' : 'ws'}://${host}/ants`,
    async close() {
      const closed = once(http, 'close');
      http.close();
      await upgrader.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

/** What `talk` of the probe resolves to. */
export interface Seen {
  readonly opened: boolean;
  readonly protocol: string;
  readonly extensions: string;
  readonly messages: readonly (string | readonly number[])[];
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** What `talk` is told. */
export interface Script {
  readonly protocols?: readonly string[];
  readonly send?: readonly (string | readonly number[])[];
  /** How many messages to wait for before closing. */
  readonly messages?: number;
  readonly close?: readonly [code?: number, reason?: string];
}

/** Calls a function of the probe in the page. */
export function call<Result>(page: Page, name: string, ...args: readonly unknown[]): Promise<Result> {
  return page.evaluate(`${name}(...${JSON.stringify(args)})`);
}

/** Has the page talk to a WebSocket. */
export function talk(page: Page, url: string, script: Script = {}): Promise<Seen> {
  return call(page, 'talk', url, script);
}
