/** What the startup packet asks for, checked and put into the session. */
import { SqlError } from '../../common/sql-error.ts';
import { DATABASE } from '../../runtime/plan/authorization.ts';
import type { Session } from '../session/session.ts';

export const PROTOCOL_MINOR = 2;
/** Parameters that are no settings. */
const RESERVED: ReadonlySet<string> = new Set(['user', 'database', 'options', 'replication']);

export type StartupRequest = Readonly<{
  user: string;
  database: string;
  settings: readonly (readonly [name: string, value: string])[];
  /** Protocol options (`_pq_.…`) that the server doesn't know. */
  unknownOptions: readonly string[];
}>;

/** 28000 without a user, 3D000 for another database. */
export function readStartup(parameters: ReadonlyMap<string, string>): StartupRequest {
  const user = parameters.get('user') ?? '';
  if (user === '') {
    throw new SqlError('28000', 'no PostgreSQL user name specified in startup packet', {
      hint: 'Any name will do: give the client a user, or set PGUSER.',
    });
  }
  const database = parameters.get('database') || user;
  if (database !== DATABASE.name && database !== user) {
    throw new SqlError('3D000', `database "${database}" does not exist`, {
      hint: `The one database is "${DATABASE.name}".`,
    });
  }
  const replication = parameters.get('replication');
  if (replication !== undefined && !['false', 'off', '0', 'no'].includes(replication)) {
    throw new SqlError('0A000', 'replication connections are not supported');
  }
  const settings: [string, string][] = parseOptions(parameters.get('options') ?? '');
  const unknownOptions: string[] = [];
  for (const [name, value] of parameters) {
    if (name.startsWith('_pq_.')) unknownOptions.push(name);
    else if (!RESERVED.has(name)) settings.push([name, value]);
  }
  return { user, database, settings, unknownOptions };
}

/** `-c name=value --name=value`; a backslash keeps a space or a backslash in a value. */
function parseOptions(text: string): [string, string][] {
  const words = splitWords(text);
  const settings: [string, string][] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    let assignment: string | undefined;
    if (word === '-c') assignment = words[++i];
    else if (word.startsWith('-c')) assignment = word.slice(2);
    else if (word.startsWith('--')) assignment = word.slice(2).replaceAll('-', '_');
    const equals = assignment?.indexOf('=') ?? -1;
    if (assignment === undefined || equals < 1) {
      throw new SqlError('42601', `invalid command-line argument for server process: ${word}`);
    }
    settings.push([assignment.slice(0, equals), assignment.slice(equals + 1)]);
  }
  return settings;
}

function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === ' ' || character === '\t' || character === '\n') {
      if (inside) words.push(word);
      word = '';
      inside = false;
      continue;
    }
    inside = true;
    word += character === '\\' && i + 1 < text.length ? text[++i]! : character;
  }
  if (inside) words.push(word);
  return words;
}

export function applySettings({ settings, isSuperuser }: Session, request: StartupRequest): void {
  for (const [name, value] of request.settings) settings.setAtStartup(name, value, isSuperuser);
}
