import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { findBreaches, readImports } from './layer-rules.js';
import { listFiles, readText, root } from './root.js';

const sources = listFiles('src', '.ts');

describe('layers', () => {
  it('hold over src/: imports go one way, without cycles', () => {
    const files = new Map(sources.map((path) => [path, readText(path)]));
    expect(files.size).to.be.above(5);
    expect(findBreaches(files), 'see "Layers" in CONTRIBUTING.md').to.deep.equal([]);
  });

  it('have no top-level await, so that require() can load every module', () => {
    const modules = sources.map((path) => join(root, path.replace(/^src/, 'dist').replace(/\.ts$/, '.js')));
    const script = 'for (const path of process.argv.slice(1)) require(path)';
    execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script, ...modules]);
  });

  describe('are judged by rules that see', () => {
    const cases: readonly { name: string; files: Record<string, string>; breach: RegExp | undefined }[] = [
      {
        name: 'nothing wrong in an import from a lower layer',
        files: {
          'src/server/a.ts': "import { b } from '../protocol/b.js';\nimport net from 'node:net';",
          'src/protocol/b.ts': "import { Buffer } from 'node:buffer';",
        },
        breach: undefined,
      },
      {
        name: 'an import from a higher layer',
        files: { 'src/protocol/a.ts': "import { b } from '../connection/b.js';", 'src/connection/b.ts': '' },
        breach: /protocol must not import from connection/,
      },
      {
        name: 'a type from a higher layer',
        files: {
          'src/handshake/a.ts': "import type { B } from '../connection/b.js';",
          'src/connection/b.ts': '',
        },
        breach: /handshake must not import from connection/,
      },
      {
        name: 'a client that knows the server',
        files: { 'src/client/a.ts': "export * from '../server/b.js';", 'src/server/b.ts': '' },
        breach: /client must not import from server/,
      },
      {
        name: 'an import of the index',
        files: { 'src/testing/a.ts': "import { b } from '../index.js';", 'src/index.ts': '' },
        breach: /testing must not import from index/,
      },
      {
        name: 'an import over several lines',
        files: {
          'src/protocol/a.ts': "import {\n  b,\n  c,\n} from '../server/b.js';",
          'src/server/b.ts': '',
        },
        breach: /protocol must not import from server/,
      },
      {
        name: 'a dynamic import',
        files: {
          'src/protocol/a.ts': "const b = await import('../server/b.js');",
          'src/server/b.ts': '',
        },
        breach: /protocol must not import from server/,
      },
      {
        name: 'a cycle',
        files: { 'src/client/a.ts': "import './b.js';", 'src/client/b.ts': "import { a } from './a.js';" },
        breach: /import cycle: src\/client\/a.ts -> src\/client\/b.ts -> src\/client\/a.ts/,
      },
      {
        name: 'no cycle in imports of types',
        files: {
          'src/client/a.ts': "import type { B } from './b.js';",
          'src/client/b.ts': "import { a } from './a.js';",
        },
        breach: undefined,
      },
      {
        name: 'a socket in the wrong place',
        files: { 'src/connection/a.ts': "import type { Duplex } from 'node:stream';" },
        breach: /sockets and streams belong to/,
      },
      {
        name: 'a pure layer that is not',
        files: { 'src/protocol/a.ts': "import { randomFillSync } from 'node:crypto';" },
        breach: /protocol is pure/,
      },
      {
        name: 'a run-time package',
        files: { 'src/client/a.ts': "import ws from 'ws';" },
        breach: /imports the package ws/,
      },
      {
        name: 'nothing wrong in a package of types',
        files: { 'src/connection/a.ts': "import type TypedEmitter from 'typed-emitter';" },
        breach: undefined,
      },
      {
        name: 'a package of types that is imported for real',
        files: { 'src/connection/a.ts': "import TypedEmitter from 'typed-emitter';" },
        breach: /imports the package typed-emitter/,
      },
      {
        name: 'a module of Node without its prefix',
        files: { 'src/client/a.ts': "import net from 'net';" },
        breach: /written node:/,
      },
      {
        name: 'a layer that nobody placed',
        files: { 'src/pubsub/a.ts': '' },
        breach: /the layer pubsub is unknown/,
      },
      {
        name: 'a file that is missing',
        files: { 'src/client/a.ts': "import { b } from './b.js';" },
        breach: /not a file under src/,
      },
    ];
    for (const { name, files, breach } of cases) {
      it(name, () => {
        const breaches = findBreaches(new Map(Object.entries(files)));
        if (breach === undefined) {
          expect(breaches).to.deep.equal([]);
        } else {
          expect(breaches).to.have.length(1);
          expect(breaches[0]).to.match(breach);
        }
      });
    }

    it('no import in a comment or in a type', () => {
      const text =
        "/**\n * import { a } from 'b';\n * const a = import('b');\n */\nlet c: import('./d.js').D;";
      expect(readImports(text)).to.deep.equal([]);
    });
  });
});
