import * as ants from 'ants-ws';
import { connectedPair } from 'ants-ws/testing';

if (typeof connectedPair !== 'function') throw new Error('ants-ws/testing is missing');
if (typeof ants.serve !== 'function' || typeof ants.dial !== 'function') throw new Error('names are missing');
console.log(`import: ${Object.keys(ants).length} names`);
