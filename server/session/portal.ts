import type { Schema } from '../../common/types.ts';
import type { ParsedStatement } from '../../planner/statement.ts';
import type { Outcome, RowsOutcome } from './outcome.ts';
import { presentRows } from './presented-rows.ts';
import { ResultCursor } from './result-cursor.ts';
import type { Session } from './session.ts';

/** An open result: a statement bound to its arguments and, once it runs, the place where its reader is. */
export class Portal {
  readonly #session: Session;
  readonly #run: () => Promise<Outcome>;
  /** null: an empty statement, or a cursor that DECLARE opened. */
  readonly parsed: ParsedStatement | null;
  /** Columns as Describe tells them; null where the statement gives no rows. */
  readonly columns: Schema | null;
  readonly resultFormats: readonly number[];
  #outcome: Outcome | null = null;
  #cursor: ResultCursor | null = null;
  finished = false;

  constructor(
    session: Session,
    parsed: ParsedStatement | null,
    columns: Schema | null,
    resultFormats: readonly number[],
    run: () => Promise<Outcome>,
  ) {
    this.#session = session;
    this.#run = run;
    this.parsed = parsed;
    this.columns = columns;
    this.resultFormats = resultFormats;
  }

  get started(): boolean {
    return this.#outcome !== null;
  }

  /** The first call runs the statement. */
  async outcome(): Promise<Outcome> {
    this.#outcome ??= await this.#run();
    return this.#outcome;
  }

  cursor(outcome: RowsOutcome): ResultCursor {
    this.#cursor ??= new ResultCursor(presentRows(outcome));
    return this.#cursor;
  }

  close(): void {
    this.finished = true;
    if (this.#outcome?.kind === 'rows') this.#session.release(this.#outcome.source);
    if (this.#outcome?.kind === 'copy-out') this.#session.release(this.#outcome.rows.source);
    if (this.#outcome?.kind === 'copy-in') this.#outcome.ingest.abort();
  }
}
