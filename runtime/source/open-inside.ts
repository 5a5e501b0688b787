/** Opening what a path still is: links may have been put in its place since it was allowed. */
import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';

/** A pipe that nobody writes to would hold the thread that opens it. */
const READING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Of real paths: whether one is the other or lies below it. */
export const isBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);

/** Whether `path` leads to the real path `inside` or below it. Throws where there is nothing. */
export const isInside = (path: string, inside: string): boolean => isBelow(realpathSync(path), inside);

/** For reading; of `inside`, a real path, or below it. Throws where it leads elsewhere or is no regular file. */
export function openInside(path: string, inside: string): number {
  if (!isInside(path, inside)) throw new Error('it leads out of where it may be');
  const real = realpathSync(path);
  const fd = openSync(real, READING);
  try {
    const [opened, found] = [fstatSync(fd), lstatSync(real)];
    if (!opened.isFile()) throw new Error('it is no regular file');
    // what stands there now is what was opened, and no link on the way leads elsewhere
    const same = opened.dev === found.dev && opened.ino === found.ino;
    if (!same || realpathSync(real) !== real || !isInside(real, inside))
      throw new Error('it changed while it was opened');
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
