// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs what the lockfile names when
// node_modules is missing or older than it, so that a bare clone needs no other step. Not `npm ci`: that refuses a
// lockfile which lacks an optional package of another platform, and which packages those are depends on the registry.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lockfile = `${root}package-lock.json`;
const installed = `${root}node_modules/.package-lock.json`;

const fresh = existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs;
if (!fresh) {
  process.stderr.write('millrace: installing dependencies (npm install), once\n');
  const windows = process.platform === 'win32';
  const run = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    // npm is a .cmd there, which only a shell starts
    shell: windows,
  });
  if (run.error !== undefined)
    process.stderr.write(`millrace: npm could not be started: ${run.error.message}\n`);
  if (run.status !== 0) process.exit(run.status ?? 1);
  // 2 s once, which the first question of the catalog would take else; where it fails it does
  spawnSync(`${root}node_modules/.bin/node`, [`${root}server/system-catalog/prepare-image.ts`], {
    stdio: 'ignore',
    shell: windows,
  });
}
