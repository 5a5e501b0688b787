/** The same statements to Millrace, over the wire, and to a real PostgreSQL: what each answers. */
import type { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';

/** Rows as lines, in any order; or the SQLSTATE. */
export type Answer = Readonly<{ tag: string; rows: readonly string[] }> | Readonly<{ code: string }>;

const line = (row: readonly unknown[]): string =>
  row.map((value) => (value === null ? 'NULL' : String(value))).join('|');

function answerOf(command: string | null, count: number | null | undefined, rows: unknown[][]): Answer {
  return { tag: `${command} ${count ?? ''}`.trim(), rows: rows.map(line).sort() };
}

const codeOf = (error: unknown): Answer => {
  const { code } = error as { code?: string };
  if (code === undefined) throw error;
  return { code };
};

const COUNTED = /^(INSERT|UPDATE|DELETE|SELECT)/;

export async function askMillrace(client: pg.Client, sql: string): Promise<Answer> {
  try {
    const { command, rowCount, rows } = await client.query({ text: sql, rowMode: 'array' });
    return answerOf(command, COUNTED.test(command) ? rowCount : null, rows as unknown[][]);
  } catch (error) {
    return codeOf(error);
  }
}

export async function askPostgres(database: PGlite, sql: string): Promise<Answer> {
  try {
    const answer = await database.query(sql, [], { rowMode: 'array' });
    const { command, rowCount } = answer as { command?: string; rowCount?: number };
    const words = command ?? '';
    return answerOf(words, COUNTED.test(words) ? rowCount : null, answer.rows as unknown[][]);
  } catch (error) {
    return codeOf(error);
  }
}
