import * as ants from 'ants-ws';

if (typeof ants.serve !== 'function' || typeof ants.dial !== 'function') throw new Error('names are missing');
console.log(`import: ${Object.keys(ants).length} names`);
