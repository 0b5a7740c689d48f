import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCodeBlocks } from './markdown.js';
import type { ExportedNames } from './public-names.js';
import { root } from './root.js';

/**
 * What a sample without imports may use beside the public names. Globals, so that a sample may declare the same names.
 * The list is documented in CONTRIBUTING.md.
 */
const prelude = `
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection, serve, Upgrader } from 'ants-ws';

declare global {
  const conn: Connection;
  const server: Awaited<ReturnType<typeof serve>>;
  const upgrader: Upgrader;
  const httpServer: HttpServer;
  const request: IncomingMessage;
  const socket: Duplex;
  const head: Buffer;
  const signal: AbortSignal;
}
`;

/** A piece of TypeScript from a page, laid out so that its line numbers are those of the page. */
export interface Sample {
  readonly page: string;
  readonly line: number;
  readonly text: string;
  /** Whether it has imports of its own and is a program as it stands. */
  readonly standsAlone: boolean;
}

/**
 * The samples of a page: one for each block that is marked `ts`. A block marked `ts continued` is read as more of the one
 * before it. A sample without imports is given those of all public names.
 *
 * @throws Error when a block is marked in a way that would hide it from the check.
 */
export function readSamples(page: string, text: string, names: ExportedNames): Sample[] {
  const found: { line: number; lines: string[] }[] = [];
  for (const { info, line, code } of readCodeBlocks(text)) {
    if (/^(typescript|tsx|mts|cts)\b/.test(info) || (/^ts\b/.test(info) && !/^ts( continued)?$/.test(info))) {
      throw new Error(`${page}:${line}: mark the block "ts" or "ts continued", not "${info}"`);
    }
    if (info !== 'ts' && info !== 'ts continued') continue;
    if (info === 'ts') found.push({ line, lines: [] });
    const sample = found.at(-1);
    if (sample === undefined) throw new Error(`${page}:${line}: there is no block before it to continue`);
    while (sample.lines.length < line) sample.lines.push('');
    sample.lines.push(...code);
  }
  return found.map(({ line, lines }) => {
    const standsAlone = lines.some((code) => /^import\b/.test(code));
    const declared = new Set(lines.map((code) => declaration.exec(code)?.[1]));
    const free = [...names.values, ...names.types.map((name) => `type ${name}`)].filter(
      (name) => !declared.has(name.replace('type ', '')),
    );
    // A fence stands before the code, so the first line of a page is free.
    lines[0] = standsAlone ? 'export {};' : `import { ${free.join(', ')} } from 'ants-ws'; export {};`;
    return { page, line, text: `${lines.join('\n')}\n`, standsAlone };
  });
}

const declaration =
  /^(?:export )?(?:declare )?(?:async )?(?:const|let|var|function\*?|class|interface|type)\s+(\w+)/;

/**
 * Type-checks the samples against this package, as its users would: strict, `module: nodenext`. Returns the compiler's
 * complaints, each as `page:line:column: message`.
 */
export async function checkSamples(samples: readonly Sample[]): Promise<string[]> {
  const complaints = await Promise.all([
    compile(
      'build/samples/standing-alone',
      samples.filter((sample) => sample.standsAlone),
    ),
    compile(
      'build/samples/with-prelude',
      samples.filter((sample) => !sample.standsAlone),
      prelude,
    ),
  ]);
  return complaints.flat();
}

async function compile(folder: string, samples: readonly Sample[], globals = ''): Promise<string[]> {
  const path = join(root, folder);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  const config = {
    compilerOptions: {
      target: 'ES2023',
      lib: ['ES2023', 'ESNext.Disposable'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      skipLibCheck: true,
      noEmit: true,
    },
    include: ['*.ts'],
  };
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(join(path, 'prelude.ts'), `${globals}\nexport {};\n`);
  for (const [index, { text }] of samples.entries()) writeFileSync(join(path, `sample-${index}.ts`), text);

  const output = await runCompiler(path);
  // "sample-3.ts(45,7): error TS2304: Cannot find name 'x'.", and indented lines that explain it.
  return output
    .split(/\n(?=\S)/)
    .map((complaint) => complaint.trim())
    .filter((complaint) => complaint !== '')
    .map((complaint) =>
      complaint.replace(
        /^sample-(\d+)\.ts\((\d+),(\d+)\)/,
        (_, index: string, line: string, column: string) =>
          `${samples[Number(index)]!.page}:${line}:${column}`,
      ),
    );
}

function runCompiler(folder: string): Promise<string> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [compiler, '--pretty', 'false'], { cwd: folder }, (error, stdout, stderr) => {
      // A failure that is not the compiler's verdict would otherwise pass for "no complaints".
      if (error !== null && stdout === '') reject(new Error(`tsc failed: ${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}
