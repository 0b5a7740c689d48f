import { createHook } from 'node:async_hooks';
import { constants } from 'node:zlib';
import { expect } from 'chai';
import { countEngines, Engine } from '#src/deflate/engine.js';
import { Lender } from '#src/deflate/engines.js';
import { Job } from '#src/deflate/job.js';
import { settle, until } from '../support/connections.js';
import { collectGarbage } from '../support/garbage.js';
import { isPublic } from './agreements.js';

const settings = { windowBits: 15, level: 6, memLevel: 8 };
const line = Buffer.from('one line\n'.repeat(30_000));

/** Runs a job to its end. */
function run(
  engine: Engine,
  input: Uint8Array,
  flush: number = constants.Z_SYNC_FLUSH,
): Promise<{ output: Buffer; consumed: number }> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    new Job(engine, flush, input, {
      onOutput: (piece) => pieces.push(piece),
      onDone: (consumed) => resolve({ output: Buffer.concat(pieces), consumed }),
      onError: reject,
    });
  });
}

describe('engines', () => {
  it(`work at once: ${isPublic ? 'no' : 'yes'}`, () => {
    for (const engine of [Engine.deflate(settings), Engine.inflate(15)]) {
      expect(engine.isSync).to.equal(!isPublic);
      engine.close();
    }
  });

  it('are counted from their making to their close, however often they are reset or closed', async () => {
    const before = countEngines();
    const engine = Engine.inflate(15);
    expect(countEngines()).to.equal(before + 1);
    await run(engine, Buffer.from('0300aa', 'hex'));
    engine.reset();
    expect(countEngines()).to.equal(before + 1);
    engine.close();
    engine.close();
    expect(countEngines()).to.equal(before);
  });

  it('tell how much of the input was before the end of a DEFLATE stream', async () => {
    const engine = Engine.inflate(15);
    const { output, consumed } = await run(engine, Buffer.from('f348cdc9c90700aabbcc', 'hex'));
    expect([String(output), consumed]).to.deep.equal(['Hello', 7]);
    engine.reset();
    expect(await run(engine, Buffer.from('f248cdc9c90700', 'hex'))).to.deep.equal({
      output: Buffer.from('Hello'),
      consumed: 7,
    });
    engine.close();
  });

  it('can be used again after an error', async () => {
    const engine = Engine.inflate(15);
    let failure: unknown;
    await run(engine, Buffer.from('ffff', 'hex')).catch((error: unknown) => {
      failure = error;
    });
    expect(failure).to.be.instanceOf(Error).and.include({ code: 'Z_DATA_ERROR' });
    expect(engine.isBusy).to.equal(false);
    engine.reset();
    expect(String((await run(engine, Buffer.from('f248cdc9c90700', 'hex'))).output)).to.equal('Hello');
    engine.close();
  });

  it('hold their output back, and leave their place to others', async () => {
    const packed = Buffer.concat([(await compress(line)).output]);
    let size = 0;
    let isDone = false;
    const engine = Engine.inflate(15);
    const job = new Job(engine, constants.Z_SYNC_FLUSH, packed, {
      onOutput: (piece) => {
        size += piece.length;
        if (size === piece.length) job.pause();
      },
      onDone: () => {
        isDone = true;
      },
      onError: () => {},
    });
    await until(() => size > 0);
    // Twice is once.
    job.pause();
    await settle(20);
    expect(size).to.be.below(line.length);
    expect(isDone).to.equal(false);
    const others = await Promise.all(Array.from({ length: 6 }, () => compress(line)));
    expect(others).to.have.lengthOf(6);
    expect(size).to.be.below(line.length);
    job.resume();
    job.resume();
    await until(() => isDone);
    expect(size).to.equal(line.length);
    engine.close();
  });

  it('may be given up before their turn, while they work and while they are held', async () => {
    const engines = countEngines();
    for (const when of ['before', 'at work', 'held', 'about to go on']) {
      const packed = (await compress(line)).output;
      let told = 0;
      const jobs = Array.from({ length: 5 }, () => {
        const engine = Engine.inflate(15);
        const job: Job = new Job(engine, constants.Z_SYNC_FLUSH, packed, {
          onOutput: () => {
            told++;
            if (when !== 'at work') job.pause();
          },
          onDone: () => told++,
          onError: () => told++,
        });
        return { engine, job };
      });
      if (when !== 'before') await until(() => told >= (when === 'at work' ? 1 : 5));
      if (when === 'about to go on') for (const { job } of jobs) job.resume();
      for (const { engine, job } of jobs) {
        job.cancel();
        engine.close();
        job.pause();
        job.resume();
      }
      const soFar = told;
      // The places are free for as many as there are.
      await Promise.all(Array.from({ length: 4 }, () => compress(line)));
      expect(told, when).to.equal(soFar);
      expect(countEngines()).to.equal(engines);
    }
  });

  it('take their turn in the order of their coming, three at a time', async () => {
    const engines = Array.from({ length: 9 }, () => Engine.deflate(settings));
    const finished: number[] = [];
    const jobs = engines.map(async (engine, i) => {
      await run(engine, line);
      finished.push(i);
    });
    expect(engines.map(({ isBusy }) => isBusy)).to.deep.equal([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
    await Promise.all(jobs);
    expect(new Set(finished.slice(0, 5)).has(8)).to.equal(false);
    for (const engine of engines) engine.close();
  });

  it('give the memory of zlib back', async () => {
    // Each handle of zlib tells of its making and of its end.
    const alive = new Set<number>();
    let made = 0;
    const hook = createHook({
      init: (id, type) => {
        if (type !== 'ZLIB') return;
        made++;
        alive.add(id);
      },
      destroy: (id) => void alive.delete(id),
    });
    hook.enable();
    try {
      for (let i = 0; i < 30; i++) {
        const engine = i % 2 === 0 ? Engine.inflate(15) : Engine.deflate(settings);
        if (i % 3 === 0) await run(engine, Buffer.from('0300', 'hex'));
        if (i % 5 === 0) engine.reset();
        const job = new Job(engine, constants.Z_SYNC_FLUSH, line, {
          onOutput() {},
          onDone() {},
          onError() {},
        });
        if (i % 7 === 0) await settle(1);
        job.cancel();
        engine.close();
      }
      // Not those that are alive: V8 may have collected some on the way.
      expect(made).to.be.at.least(30);
      await until(() => {
        collectGarbage();
        return alive.size === 0;
      });
      expect(alive.size).to.equal(0);
    } finally {
      hook.disable();
    }
  });
});

describe('lenders', () => {
  it('keep a few, as new, and none that is at work', async () => {
    let made = 0;
    const before = countEngines();
    const lender = new Lender(() => {
      made++;
      return Engine.deflate(settings);
    });
    const leased = Array.from({ length: 6 }, () => lender.lease());
    for (const engine of leased) await run(engine, line.subarray(0, 100));
    for (const engine of leased) lender.release(engine);
    expect([made, countEngines() - before]).to.deep.equal([6, 4]);
    const engine = lender.lease();
    expect(made).to.equal(6);
    const { output } = await run(engine, Buffer.from('Hello'));
    expect(output.toString('hex')).to.equal('f248cdc9c907000000ffff');
    const job = new Job(engine, constants.Z_SYNC_FLUSH, line, { onOutput() {}, onDone() {}, onError() {} });
    job.cancel();
    lender.release(engine);
    expect(countEngines() - before).to.equal(3);
    for (let i = 0; i < 3; i++) lender.lease().close();
    expect(countEngines()).to.equal(before);
  });
});

async function compress(bytes: Buffer): Promise<{ output: Buffer; consumed: number }> {
  const engine = Engine.deflate(settings);
  try {
    return await run(engine, bytes);
  } finally {
    engine.close();
  }
}
