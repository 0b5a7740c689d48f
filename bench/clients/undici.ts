// The WebSocket of undici, which is also the one that Node has built in.
import { WebSocket } from 'undici';
import { measureStandard } from './standard.js';

measureStandard(WebSocket);
