const ants = require('ants-ws');

import('ants-ws').then((imported) => {
  if (imported.dial !== ants.dial || typeof ants.serve !== 'function') throw new Error('not the same module');
  console.log(`require: ${Object.keys(ants).length} names, the same ones`);
});
