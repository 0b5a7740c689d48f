import { expect } from 'chai';
import { HandshakeError } from '#src/errors.js';
import { checkResponse } from '#src/handshake/client.js';
import type { Extension } from '#src/handshake/extensions.js';
import { compileOrigins } from '#src/handshake/origin.js';
import { checkUpgrade } from '#src/handshake/server.js';
import { compileSubprotocols } from '#src/handshake/subprotocols.js';
import { makeRequest, makeResponse, requestVectors, responseVectors, sampleKey } from './vectors.js';

const noExtensions: readonly Extension[] = [];

describe('handshake: requests', () => {
  for (const vector of requestVectors) {
    it(`${vector.name}: ${typeof vector.result === 'number' ? vector.result : 'accepted'}`, () => {
      const checked = checkUpgrade(makeRequest(vector), {
        checkOrigin: compileOrigins(vector.origins),
        chooseSubprotocol: compileSubprotocols(vector.speaks),
        extensions: noExtensions,
      });
      if (checked.ok) {
        expect(checked.value.subprotocol ?? 'none').to.equal(vector.result);
        expect(checked.value.key).to.equal(vector.headers?.['Sec-WebSocket-Key'] ?? sampleKey);
        expect(checked.value.extensions).to.deep.equal([]);
      } else {
        expect(checked.refusal.status).to.equal(vector.result);
        expect(checked.refusal.message).to.include(vector.says ?? '');
        expect(checked.refusal.message.length).to.be.within(1, 500);
      }
    });
  }
});

describe('handshake: responses', () => {
  for (const vector of responseVectors) {
    it(`${vector.name}: ${vector.result}`, () => {
      const request = {
        host: 'server.example.com',
        nonce: Buffer.from(sampleKey, 'base64'),
        origin: undefined,
        headers: [],
        subprotocols: vector.offers ?? [],
        extensions: noExtensions,
      };
      let result: string;
      try {
        result = checkResponse(makeResponse(vector), request).subprotocol ?? 'none';
      } catch (error) {
        if (!(error instanceof HandshakeError)) throw error;
        result = error.code;
        expect(error.message).to.include(vector.says ?? '');
        expect(error.message.length).to.be.within(1, 500);
        expect(error.status).to.equal(vector.status ?? 101);
      }
      expect(result).to.equal(vector.result);
    });
  }
});
