const { connectedPair } = require('ants-ws/testing');
const { Connection } = require('ants-ws');

const { client } = connectedPair();
if (!(client instanceof Connection)) throw new Error('two copies of the library');
client.terminate();
console.log('bundled to CommonJS');
