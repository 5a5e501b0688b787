/**
 * The words of a file of rules, in pg_hba.conf's form: fields between blanks, each a list of words between commas.
 *
 *   hostssl  sales,"All"  +staff   10.0.0.0/8   scram-sha-256     # a comment
 *
 * A word in quotes is only itself: "all" is a role of that name. A line that ends with a backslash goes on in the next.
 */
import { ConfigError } from '../../settings/config-error.ts';

export type HbaWord = Readonly<{ text: string; quoted: boolean }>;
export type HbaLine = Readonly<{ number: number; fields: readonly (readonly HbaWord[])[] }>;

/** ConfigError for a quote that nothing ends. */
export function readHbaLines(text: string, path: string): readonly HbaLine[] {
  const lines: HbaLine[] = [];
  let number = 1;
  let start = 1;
  let pending = '';
  for (const line of text.split(/\r?\n/)) {
    if (line.endsWith('\\')) pending += line.slice(0, -1);
    else {
      const fields = readFields(pending + line, `${path} line ${start}`);
      if (fields.length > 0) lines.push({ number: start, fields });
      pending = '';
      start = number + 1;
    }
    number++;
  }
  const fields = readFields(pending, `${path} line ${start}`);
  if (fields.length > 0) lines.push({ number: start, fields });
  return lines;
}

const WORD = /([ \t]*)(,?)([ \t]*)(?:(#)|"((?:[^"]|"")*)"|([^\s,"#]+)|(")|$)/y;

function readFields(line: string, where: string): readonly (readonly HbaWord[])[] {
  const fields: HbaWord[][] = [];
  let at = 0;
  let continues = false;
  while (at < line.length) {
    WORD.lastIndex = at;
    const match = WORD.exec(line);
    const [whole = '', blank, comma, , comment, quoted, bare, open] = match ?? [];
    if (match === null || open !== undefined) throw new ConfigError(`${where}: a quote is not closed`);
    at += whole.length;
    continues ||= comma === ',';
    if (comment !== undefined || whole === '') break;
    const text = quoted?.replaceAll('""', '"') ?? bare;
    if (text === undefined) continue;
    const word = { text, quoted: quoted !== undefined };
    const last = fields.at(-1);
    if (last === undefined || (!continues && (blank !== '' || fields.length === 0))) fields.push([word]);
    else last.push(word);
    continues = false;
  }
  return fields;
}
