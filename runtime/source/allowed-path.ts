/** File connectors reach only below the directory that the server's configuration names (--files). */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { SqlError } from '../../common/sql-error.ts';
import { isBelow } from './open-inside.ts';

/** The real path; links that lead out of the directory are refused as the plain path would be. */
export function allowedPath(path: string, filesDirectory: string | null): string {
  if (filesDirectory === null) {
    throw new SqlError('22023', 'file connectors are not allowed', {
      hint: 'Start the server with --files DIR to allow files below DIR.',
    });
  }
  const root = realPath(resolve(filesDirectory));
  const wanted = realPath(isAbsolute(path) ? resolve(path) : resolve(root, path));
  if (!isBelow(wanted, root)) {
    throw new SqlError('22023', `path "${path}" is outside of the directory that file connectors may use`, {
      hint: 'The server was started with --files; paths must lie below that directory.',
    });
  }
  return wanted;
}

/** Of the part that exists; the rest as it is written. 22023 for a link that leads nowhere: where it will lead is not known. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    if (isLink(path)) {
      throw new SqlError('22023', `path "${path}" is a link that leads nowhere`);
    }
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
