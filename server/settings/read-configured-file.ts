import { readFileSync } from 'node:fs';
import { CONFIGURED_FILE_BYTES_MAX } from '../limits.ts';
import { ConfigError } from './config-error.ts';

/**
 * The text of a file that a setting names, '' where there is none and it need not be there. `what` it is stands in the
 * ConfigError.
 */
export function readConfiguredFile(what: string, path: string, required = true): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!required && (code === 'ENOENT' || code === 'ENOTDIR')) return '';
    throw new ConfigError(`${what} ${path} cannot be read: ${code ?? error}`);
  }
  if (text.length > CONFIGURED_FILE_BYTES_MAX) throw new ConfigError(`${what} ${path} is too large`);
  return text;
}
