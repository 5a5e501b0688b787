import type { Schema } from '../../common/types.ts';
import type { ParsedStatement } from '../../planner/statement.ts';
import type { Outcome, RowsOutcome } from './outcome.ts';
import { presentRows } from './presented-rows.ts';
import { ResultCursor } from './result-cursor.ts';
import { ScrollCursor, type Scrolling } from './scroll-cursor.ts';
import type { Arguments } from './arguments.ts';
import type { Session } from './session.ts';

/** How DECLARE made a cursor. */
export type Declared = Readonly<{
  scrolling: Scrolling;
  hold: boolean;
  binary: boolean;
  /** What Bind gave; null for a cursor. */
  given: Arguments | null;
  parameterBytes: number;
}>;

export const UNDECLARED: Declared = {
  scrolling: 'none',
  hold: false,
  binary: false,
  given: null,
  parameterBytes: 0,
};

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
  #cursor: ScrollCursor | null = null;
  readonly #scrolling: Scrolling;
  #parameterBytes: number;
  finished = false;
  /** What DECLARE said. */
  readonly binary: boolean;
  readonly hold: boolean;
  readonly given: Arguments | null;
  /** A cursor WITH HOLD whose transaction has committed: it ends with the session, or by CLOSE. */
  held = false;
  /** In the order in which the session opened them. */
  number = 0;

  constructor(
    session: Session,
    parsed: ParsedStatement | null,
    columns: Schema | null,
    resultFormats: readonly number[],
    run: () => Promise<Outcome>,
    declared: Declared = UNDECLARED,
  ) {
    this.#session = session;
    this.#run = run;
    this.#scrolling = declared.scrolling;
    this.binary = declared.binary;
    this.hold = declared.hold;
    this.given = declared.given;
    this.parsed = parsed;
    this.columns = columns;
    this.resultFormats = resultFormats;
    session.held.take(declared.parameterBytes);
    this.#parameterBytes = declared.parameterBytes;
  }

  get started(): boolean {
    return this.#outcome !== null;
  }

  /** The first call runs the statement. */
  async outcome(): Promise<Outcome> {
    this.#outcome ??= await this.#run();
    return this.#outcome;
  }

  cursor(outcome: RowsOutcome): ScrollCursor {
    this.#cursor ??= new ScrollCursor(
      new ResultCursor(presentRows(outcome)),
      this.#scrolling,
      this.#session.held,
    );
    return this.#cursor;
  }

  /** Reads the rest, so that the cursor outlives its transaction. 53400 when that is too much. */
  async keep(): Promise<void> {
    const outcome = await this.outcome();
    if (outcome.kind !== 'rows') return;
    const session = this.#session;
    await this.cursor(outcome).keepAll(
      (ready) => session.interrupt.wait(ready),
      (slice) => {
        if (slice.kind === 'notice') session.notify(slice.notice);
      },
    );
    session.release(outcome.source);
  }

  close(): void {
    this.finished = true;
    this.#cursor?.close();
    this.#session.held.give(this.#parameterBytes);
    this.#parameterBytes = 0;
    if (this.#outcome?.kind === 'rows') this.#session.release(this.#outcome.source);
    if (this.#outcome?.kind === 'copy-out') this.#session.release(this.#outcome.rows.source);
    if (this.#outcome?.kind === 'copy-in') this.#outcome.ingest.abort();
  }
}
