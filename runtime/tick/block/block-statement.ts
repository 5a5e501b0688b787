/** One write statement inside a block: its plans run in slices between ticks, then its rows change the block at once. */
import { BLOCK_ROWS_MAX } from '../../../common/limits.ts';
import { SqlError } from '../../../common/sql-error.ts';
import type { Batch } from '../../batch/column.ts';
import { compactBatch } from '../../batch/concat.ts';
import type { BlockScope, WriteOperation, WriteResult } from '../../engine-client.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { type Block, tooMuchWritten } from './block.ts';
import { internalError } from '../engine-state.ts';
import type { FiniteTask } from '../finite/finite-queue.ts';
import type { FiniteRun } from '../finite/finite-run.ts';
import { carryOut, NOTHING_COLLECTED, planOf, type Written } from '../write.ts';

export type BlockStatementOptions = Readonly<{
  block: Block;
  scope: BlockScope;
  operations: readonly WriteOperation[];
  now: number;
  timeMicros: number;
  start: (plan: QueryPlan) => FiniteRun;
  resolve: (result: WriteResult) => void;
  reject: (error: SqlError) => void;
}>;

export class BlockStatement implements FiniteTask {
  readonly wantsMore = true;
  readonly #options: BlockStatementOptions;
  readonly #kept: number;
  readonly #written: Written[] = [];
  #run: FiniteRun | null = null;
  #batches: Batch[] = [];
  #rows = 0;

  constructor(options: BlockStatementOptions) {
    this.#options = options;
    this.#kept = options.block.statements;
  }

  advance(): boolean {
    const { operations, block, resolve } = this.#options;
    try {
      const operation = operations[this.#written.length];
      if (operation !== undefined) {
        this.#advance(operation);
        return true;
      }
      block.endStatement();
      resolve({
        tick: block.snapshot,
        rowCounts: this.#written.map((w) => w.rows),
        returned: this.#written.map((w) => w.returned),
      });
    } catch (error) {
      this.fail(internalError(error));
    }
    return false;
  }

  fail(error: SqlError): void {
    const { block, reject } = this.#options;
    block.keep(this.#kept);
    reject(error);
  }

  /** The client does not wait for it any more. */
  abort(): void {
    this.fail(new SqlError('57014', 'canceling statement due to user request'));
  }

  #advance(operation: WriteOperation): void {
    const plan = planOf(operation);
    if (plan === null) {
      this.#finish(operation, NOTHING_COLLECTED.subqueryValues);
      return;
    }
    this.#run ??= this.#options.start(plan);
    for (const batch of this.#run.advance()) {
      this.#rows += batch.rows;
      if (this.#rows > BLOCK_ROWS_MAX) throw tooMuchWritten();
      if (batch.rows > 0) this.#batches.push(compactBatch(plan.columns, batch));
    }
    if (this.#run.done) this.#finish(operation, this.#run.subqueryValues);
  }

  #finish(operation: WriteOperation, subqueryValues: readonly unknown[]): void {
    const { block, scope, now, timeMicros } = this.#options;
    const target = block.target(operation.relation, scope);
    if (target.kind === 'table')
      target.table.careful = operation.kind === 'insert' && operation.onConflict.kind !== 'error';
    const collected = { batches: this.#batches, subqueryValues };
    this.#written.push(carryOut(operation, target, collected, { now, timeMicros }));
    this.#run = null;
    this.#batches = [];
  }
}
