// Installs the foreign clients that the tests speak to the server with: Python's drivers, Prisma, Kysely and Knex, Go's pgx, the JDBC driver, each
// at a pinned version, into .clients. What a machine has no runtime for, or can't fetch, is left out and said: the tests
// of that client are skipped then.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, '.clients');
const LIMIT_MS = 240_000;

function run(command, args, options = {}) {
  const { status, error, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    ...options,
  });
  if (status !== 0) throw new Error(error?.message ?? stderr.trim().split('\n').slice(-2).join(' '));
}

const clients = {
  python: {
    files: ['requirements.txt'],
    install(source, directory) {
      run('python3', ['-m', 'venv', directory]);
      run(join(directory, 'bin/pip'), [
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '-r',
        join(source, 'requirements.txt'),
      ]);
    },
  },
  npm: {
    files: [
      'package.json',
      'prisma.config.mjs',
      'prisma/schema.prisma',
      'prisma-session.mjs',
      'kysely-session.mjs',
      'knex-session.mjs',
    ],
    install(source, directory) {
      cpSync(source, directory, { recursive: true });
      run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'], {
        cwd: directory,
      });
      // its engine, which can be fetched from nowhere, is not needed to generate the client; any file will do for it
      const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
      run('npx', ['prisma', 'generate'], { cwd: directory, env });
    },
  },
  go: {
    files: ['go.mod', 'go.sum', 'main.go'],
    install(source, directory) {
      run('go', ['build', '-o', join(directory, 'session'), '.'], { cwd: source });
    },
  },
  java: {
    files: ['driver.txt', 'Session.java'],
    install(source, directory) {
      const artifact = readFileSync(join(source, 'driver.txt'), 'utf8').trim();
      const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';
      run('mvn', [
        '-q',
        plugin,
        `-Dartifact=${artifact}`,
        `-DoutputDirectory=${directory}`,
        '-Dmdep.stripVersion=true',
      ]);
      const driver = join(directory, 'postgresql.jar');
      run('javac', ['-cp', driver, '-d', directory, join(source, 'Session.java')]);
    },
  },
};

for (const [name, { files, install }] of Object.entries(clients)) {
  const source = join(root, 'test/client', name);
  const directory = join(target, name);
  const stamp = join(target, `${name}.stamp`);
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(source, file)));
  const wanted = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) continue;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  try {
    install(source, directory);
    writeFileSync(stamp, wanted);
    console.log(`clients: ${name} is installed`);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    console.log(`clients: ${name} is left out: ${error.message}`);
  }
}
