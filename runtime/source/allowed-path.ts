/** File connectors reach only below the directory that the server's configuration names (--files). */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { SqlError } from '../../common/sql-error.ts';

/** The real path; links that lead out of the directory are refused as the plain path would be. */
export function allowedPath(path: string, filesDirectory: string | null): string {
  if (filesDirectory === null) {
    throw new SqlError('22023', 'file connectors are not allowed', {
      hint: 'Start the server with --files DIR to allow files below DIR.',
    });
  }
  const root = realPath(resolve(filesDirectory));
  const wanted = realPath(isAbsolute(path) ? resolve(path) : resolve(root, path));
  if (wanted !== root && !wanted.startsWith(root + sep)) {
    throw new SqlError('22023', `path "${path}" is outside of the directory that file connectors may use`, {
      hint: 'The server was started with --files; paths must lie below that directory.',
    });
  }
  return wanted;
}

/** Of the part that exists; the rest as it is written. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}
