/** The public names of the library. */
export { Dialer, dial } from './client/dial.js';
export type { DialOptions } from './client/options.js';
export { reconnect } from './client/reconnect.js';
export type {
  ReconnectAttempt,
  ReconnectContext,
  ReconnectOptions,
  ReconnectProvider,
  ReconnectTarget,
} from './client/reconnect-options.js';
export type { Clock } from './connection/clock.js';
export type { ConnectionState } from './connection/closing.js';
export {
  type CloseOptions,
  Connection,
  type ConnectionInit,
  type Handler,
} from './connection/connection.js';
export type { DiagnosticsMessages, FrameSeen, HandshakeTrace, Pressure } from './connection/diagnostics.js';
export type { CloseInfo, ConnectionEvents, TypedEvents } from './connection/events.js';
export type { IncomingBinary, IncomingStream, IncomingText } from './connection/incoming-stream.js';
export type { ConnectionOptions, Role, WhenSlow } from './connection/options.js';
export type { OutgoingData } from './connection/outgoing-data.js';
export type { SendStreamOptions } from './connection/outgoing-stream.js';
export { type PreparedMessage, type PrepareOptions, prepare } from './connection/prepared-message.js';
export type { ReceiveFileOptions } from './connection/receive-file.js';
export type { ReceiveStreamOptions } from './connection/receive-stream.js';
export { HandshakeRequest } from './connection/request.js';
export type { FileProgress, SendFileOptions } from './connection/send-file.js';
export type { SendOptions, SendPolicy } from './connection/send-options.js';
export type { ConnectionStats, ServerStats } from './connection/stats.js';
export type { StreamSource } from './connection/stream-source.js';
export type { Address, Transport, TransportHandler, Written } from './connection/transport.js';
export type { WaitOptions } from './connection/wait-options.js';
export type { Compression, CompressionOptions } from './deflate/options.js';
export * from './errors.js';
export type { HeadersInput, RawHeaders } from './handshake/headers.js';
export type { Origins } from './handshake/origin.js';
export type { Subprotocols } from './handshake/subprotocols.js';
export { CloseCode } from './protocol/close-code.js';
export type { Message } from './protocol/message-assembler.js';
export type { AdmissionOptions } from './server/admission.js';
export type { BroadcastData, BroadcastOptions } from './server/broadcast.js';
export type { TrustProxy } from './server/client-address.js';
export type { CloseAllOptions, CloseCounts } from './server/close-all.js';
export type { UpgradeHandler, UpgradeListener } from './server/listener.js';
export type { Authorize, AuthorizeContext, UpgraderOptions } from './server/options.js';
export { type ServeOptions, serve } from './server/serve.js';
export type { Server } from './server/server.js';
export { Upgrader, upgrade } from './server/upgrader.js';
export { type DuplexOptions, toDuplex } from './streams/duplex.js';
export { toWebStreams, type WebStreams } from './streams/web-streams.js';
