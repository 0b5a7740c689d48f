/** The public names of the library. */
export { Dialer, dial } from './client/dial.js';
export type { DialOptions } from './client/options.js';
export { Connection } from './connection/connection.js';
export type { Handler } from './connection/handler.js';
export type { ConnectionOptions, Role } from './connection/options.js';
export { HandshakeRequest } from './connection/request.js';
export type { Address } from './connection/transport.js';
export * from './errors.js';
export type { HeadersInput, RawHeaders } from './handshake/headers.js';
export type { Origins } from './handshake/origin.js';
export type { Subprotocols } from './handshake/subprotocols.js';
export { CloseCode } from './protocol/close-code.js';
export type { UpgradeHandler, UpgradeListener } from './server/listener.js';
export type { Authorize, AuthorizeContext, UpgraderOptions } from './server/options.js';
export { type ServeOptions, serve } from './server/serve.js';
export type { Server } from './server/server.js';
export { type CloseAllOptions, Upgrader, upgrade } from './server/upgrader.js';
