/** The shell's password: of the environment, of the file that psql reads, or typed. */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;
export type Target = Readonly<{ host: string; port: number; user: string; database: string }>;

/** PGPASSWORD, else PGPASSFILE or ~/.pgpass; null: none is known. */
export function knownPassword(target: Target, environment: Environment): string | null {
  const given = environment['PGPASSWORD'];
  if (given !== undefined && given !== '') return given;
  const path = environment['PGPASSFILE'] ?? join(homedir(), '.pgpass');
  try {
    // psql reads none that others can read either
    if ((statSync(path).mode & 0o077) !== 0) return null;
    return findPassword(readFileSync(path, 'utf8'), target);
  } catch {
    return null;
  }
}

/** `host:port:database:user:password` a line; `*` is any, a backslash keeps a colon. */
export function findPassword(text: string, { host, port, user, database }: Target): string | null {
  const wanted = [host, `${port}`, database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = splitFields(line);
    if (fields.length < 5) continue;
    if (wanted.every((value, i) => fields[i] === '*' || fields[i] === value)) return fields[4] ?? null;
  }
  return null;
}

function splitFields(line: string): string[] {
  const fields: string[] = [''];
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (character === ':' && fields.length < 5) fields.push('');
    else fields[fields.length - 1] += character === '\\' && i + 1 < line.length ? line[++i]! : character;
  }
  return fields;
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const END = ['\r', '\n', CTRL_C, CTRL_D];
const ERASE = ['\u0008', '\u007f'];

/** Asks on the terminal without showing what is typed; null where there is none, or on Ctrl-C. */
export function promptPassword(user: string): Promise<string | null> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return Promise.resolve(null);
  // Who is asked may answer at once: what is typed is hidden from before the question.
  stdin.setRawMode(true);
  stderr.write(`Password for user ${user}: `);
  stdin.setEncoding('utf8');
  return new Promise((resolve) => {
    let typed: string[] = [];
    const end = (password: string | null): void => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      resolve(password);
    };
    const onData = (chunk: string): void => {
      for (const character of chunk) {
        if (END.includes(character)) {
          end(character === CTRL_C || character === CTRL_D ? null : typed.join(''));
          return;
        }
        if (ERASE.includes(character)) typed = typed.slice(0, -1);
        else typed.push(character);
      }
    };
    stdin.on('data', onData);
  });
}
