// The client that all of this is about, with its default options.
import { dial } from '../support/packed.js';
import { beMeasured } from './measured.js';

beMeasured(async (url, take) => {
  const conn = await dial(url);
  conn.on('message', (message) => take(message as Buffer));
  return conn;
});
