/**
 * Configuration files, in PostgreSQL's form:
 *
 *   # a comment
 *   name = value          # the sign may be left out; the last of several lines counts
 *   name = 'any ''text'''
 */
import { ConfigError } from './config-error.ts';
import { readConfiguredFile } from './read-configured-file.ts';

export type FileLine = Readonly<{ name: string; value: string; line: number }>;

const LINE = /^\s*([A-Za-z_][\w.]*)\s*(?:=\s*|\s)\s*(?:'((?:[^'\\]|''|\\.)*)'|([^\s'#][^\s#]*))\s*(?:#.*)?$/;
const BLANK = /^\s*(?:#.*)?$/;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

const unquote = (text: string): string =>
  text.replace(/''|\\(.)/g, (match, escaped?: string) =>
    match === "''" ? "'" : (ESCAPES[escaped ?? ''] ?? escaped ?? ''),
  );

/** ConfigError names the line that can't be read. */
export function parseConfigurationFile(text: string, path: string): readonly FileLine[] {
  return text.split(/\r?\n/).flatMap((source, i) => {
    if (BLANK.test(source)) return [];
    const match = LINE.exec(source);
    if (match === null) throw new ConfigError(`${path} line ${i + 1} is not "name = value"`);
    const [, name = '', quoted, bare = ''] = match;
    return [{ name, value: quoted === undefined ? bare : unquote(quoted), line: i + 1 }];
  });
}

/** No lines where there is no file, unless it must be there. */
export function readConfigurationFile(path: string, required: boolean): readonly FileLine[] {
  return parseConfigurationFile(readConfiguredFile('configuration file', path, required), path);
}

/** A line that is read back as the same value. */
export function configurationLine(name: string, value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "''")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `${name} = '${escaped}'`;
}
