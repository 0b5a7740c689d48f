import { expect } from 'chai';
import { readText } from './root.js';

interface Manifest {
  readonly version: string;
  readonly scripts: Record<string, string>;
  readonly [field: string]: unknown;
}

interface Lockfile {
  readonly packages: Record<
    string,
    { version?: string; resolved?: string; integrity?: string; dev?: boolean }
  >;
}

describe('package.json', () => {
  const manifest = JSON.parse(readText('package.json')) as Manifest;

  it('brings nothing into the tree of its users', () => {
    for (const field of [
      'dependencies',
      'peerDependencies',
      'optionalDependencies',
      'bundleDependencies',
      'bundledDependencies',
    ]) {
      expect(manifest).to.not.have.property(field);
    }
  });

  it('runs nothing on the machines of its users', () => {
    expect(manifest.scripts).to.not.have.any.keys('preinstall', 'install', 'postinstall', 'prepare');
    expect(manifest).to.not.have.property('bin');
  });

  it('pins its tools', () => {
    for (const [name, version] of Object.entries(manifest['devDependencies'] as Record<string, string>)) {
      expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
    }
  });

  it('has a place in the changelog for its version', () => {
    expect(readText('CHANGELOG.md')).to.include(`\n## [${manifest.version}]`);
  });
});

describe('what is published', () => {
  for (const [entry, file] of [
    ['ants-ws', 'index.js'],
    ['ants-ws/testing', 'testing/index.js'],
  ] as const) {
    it(`is ${entry} under the names of its modules`, async () => {
      const modules = (await import(entry)) as Record<string, unknown>;
      const place = new URL(`../../package/${file}`, import.meta.url);
      const published = (await import(place.href)) as Record<string, unknown>;
      const shown = (names: Record<string, unknown>) =>
        Object.entries(names).map(
          ([name, value]) => `${name}: ${typeof value} ${(value as { name?: string }).name}`,
        );
      expect(shown(published)).to.deep.equal(shown(modules));
    });
  }
});

describe('package-lock.json', () => {
  const { packages } = JSON.parse(readText('package-lock.json')) as Lockfile;
  const entries = Object.entries(packages).filter(([path]) => path !== '');

  it('names contents, not the addresses they came from', () => {
    expect(entries).to.not.have.length(0);
    for (const [path, entry] of entries) {
      expect(entry, path).to.not.have.property('resolved');
      expect(entry.integrity, path).to.match(/^sha512-/);
    }
  });

  it('holds development packages only', () => {
    for (const [path, entry] of entries) expect(entry.dev, path).to.equal(true);
  });
});
