// `ws` without compression, which its clients offer by default. It masks with the add-on `bufferutil` unless WS_NO_BUFFER_UTIL is set.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { beMeasured } from './measured.js';

beMeasured(async (url, take) => {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on('message', (message: Buffer) => take(message));
  await once(socket, 'open');
  return socket;
});
