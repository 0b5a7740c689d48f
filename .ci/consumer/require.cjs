const ants = require('ants-ws');
const testing = require('ants-ws/testing');

if (!(testing.connectedPair().client instanceof ants.Connection))
  throw new Error('two copies of the library');
Promise.all([import('ants-ws'), import('ants-ws/testing')]).then(([imported, importedTesting]) => {
  if (imported.dial !== ants.dial || typeof ants.serve !== 'function') throw new Error('not the same module');
  if (importedTesting.connectedPair !== testing.connectedPair)
    throw new Error('not the same module for tests');
  console.log(`require: ${Object.keys(ants).length} names, the same ones`);
});
