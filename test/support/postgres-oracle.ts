/** A real PostgreSQL in the test's process: what an expression gives there, as text or as its SQLSTATE. */
import { PGlite } from '@electric-sql/pglite';

export type OracleAnswer = Readonly<{ text: string | null; code: string | null; message: string | null }>;

const SAFE = `create function pg_temp.safely(expression text) returns text[] language plpgsql as $$
  declare answer text;
  begin
    execute 'select (' || expression || ')::text' into answer;
    return array[answer, null, null];
  exception when others then
    return array[null, sqlstate, sqlerrm];
  end $$`;

const BATCH = 400;

export class PostgresOracle {
  readonly #database: PGlite;

  private constructor(database: PGlite) {
    this.#database = database;
  }

  static async start(timeZone = 'UTC'): Promise<PostgresOracle> {
    const database = new PGlite();
    await database.exec(`set timezone = '${timeZone}'; ${SAFE}`);
    return new PostgresOracle(database);
  }

  /** Each expression alone, so that the error of one does not hide the others. */
  async evaluate(expressions: readonly string[]): Promise<readonly OracleAnswer[]> {
    const answers: OracleAnswer[] = [];
    for (let at = 0; at < expressions.length; at += BATCH) {
      const { rows } = await this.#database.query<{ answer: (string | null)[] }>(
        'select pg_temp.safely(e) as answer from unnest($1::text[]) with ordinality as t(e, n) order by n',
        [expressions.slice(at, at + BATCH)],
      );
      for (const { answer } of rows) {
        answers.push({ text: answer[0] ?? null, code: answer[1] ?? null, message: answer[2] ?? null });
      }
    }
    return answers;
  }

  async run(sql: string): Promise<void> {
    await this.#database.exec(sql);
  }

  async stop(): Promise<void> {
    await this.#database.close();
  }
}
