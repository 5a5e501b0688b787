/**
 * Test scripts (test/sql/*.slt): sqllogictest with streams.
 *
 *   statement ok                      the SQL that follows, up to an empty line
 *   statement error 42P01 [text]      it fails with this SQLSTATE (and this text in its message)
 *   query [rowsort]                   SQL, then ----, then the rows: values separated by |, NULL as NULL, empty as (empty)
 *   feed <stream>                     rows as VALUES tuples, one a line; cut into ticks as the life says
 *   changes <name> <sql>              starts following the query (SELECT … EMIT or SUBSCRIBE)
 *   consolidated <name>               ----, then the rows that its changes add up to, sorted
 *   restart                           a stop and a start (every life that keeps files)
 *   crash                             the files as they are now, and a start (likewise)
 *   advance <stream> to <time>        the clock goes on until the stream's watermark is there (IDLE AFTER, arrived_at)
 *   advance clock by <ms>             the clock goes on; both need a life in the test's own thread
 *   only <life> …                     the next record runs in these lives only
 *   lives <life> …                    first in the file: the whole script runs in these lives only
 *   # a comment
 */
export type ScriptRecord = Readonly<{ line: number; only: readonly string[] }> &
  (
    | Readonly<{ kind: 'statement'; sql: string; error: string | null; text: string }>
    | Readonly<{ kind: 'query'; sql: string; sort: boolean; rows: readonly string[] }>
    | Readonly<{ kind: 'feed'; stream: string; rows: readonly string[] }>
    | Readonly<{ kind: 'changes'; name: string; sql: string }>
    | Readonly<{ kind: 'consolidated'; name: string; rows: readonly string[] }>
    | Readonly<{ kind: 'restart' | 'crash' }>
    | Readonly<{ kind: 'advance'; stream: string; to: string }>
    | Readonly<{ kind: 'clock'; byMs: number }>
  );

export function parseScript(source: string): ScriptRecord[] {
  const lines = source.split('\n');
  const out: ScriptRecord[] = [];
  let only: readonly string[] = [];
  for (let at = 0; at < lines.length; ) {
    const head = lines[at]!.trim();
    const line = at + 1;
    at++;
    if (head === '' || head.startsWith('#') || head.startsWith('lives ')) continue;
    const body: string[] = [];
    while (at < lines.length && lines[at]!.trim() !== '') body.push(lines[at++]!);
    const [word, ...rest] = head.split(/\s+/);
    if (word === 'only') {
      only = rest;
      at -= body.length;
      continue;
    }
    out.push({ line, only, ...recordOf(word!, rest, body, line) } as ScriptRecord);
    only = [];
  }
  return out;
}

function recordOf(word: string, rest: readonly string[], body: readonly string[], line: number): object {
  const divider = body.indexOf('----');
  const sql = (divider < 0 ? body : body.slice(0, divider)).join('\n');
  const rows = divider < 0 ? [] : body.slice(divider + 1);
  switch (word) {
    case 'statement':
      return {
        kind: 'statement',
        sql,
        error: rest[0] === 'error' ? (rest[1] ?? '') : null,
        text: rest.slice(2).join(' '),
      };
    case 'query':
      if (divider < 0) throw new Error(`line ${line}: a query needs ---- and its rows`);
      return { kind: 'query', sql, sort: rest.includes('rowsort'), rows };
    case 'feed':
      return { kind: 'feed', stream: rest[0], rows: body };
    case 'changes':
      return { kind: 'changes', name: rest[0], sql };
    case 'consolidated':
      return { kind: 'consolidated', name: rest[0], rows };
    case 'restart':
    case 'crash':
      return { kind: word };
    case 'advance':
      if (rest[0] === 'clock' && rest[1] === 'by') return { kind: 'clock', byMs: Number(rest[2]) };
      if (rest[1] !== 'to')
        throw new Error(`line ${line}: advance <stream> to <time>, or advance clock by <ms>`);
      return { kind: 'advance', stream: rest[0], to: rest.slice(2).join(' ') };
    default:
      throw new Error(`line ${line}: unknown record ${word}`);
  }
}

/** A value as scripts write it. */
export const shown = (value: string | null): string =>
  value === null ? 'NULL' : value === '' ? '(empty)' : value.replaceAll('\n', '\\n');

/** The lives that the script asks for; null: all. */
export function livesOf(source: string): readonly string[] | null {
  const line = source.split('\n').find((text) => text.startsWith('lives '));
  return line === undefined ? null : line.split(/\s+/).slice(1);
}
