/**
 * Materialized views as a transaction block sees them. One below which the block wrote a table is not maintained for the
 * block: its query is run afresh over what the block sees, which by the law gives the same. Where the law needs more than
 * is kept (rows of streams that retention took away, windows that rows were late for, now()), reading it is refused.
 */
import { SqlError } from '../../../common/sql-error.ts';
import type { QueryContext } from '../../dstream/dstream.ts';
import type { Scan } from '../../dstream/scan.ts';
import { type Expression, someExpression } from '../../plan/expression.ts';
import { expressionsOf, walkPlan } from '../../plan/plan-nodes.ts';
import type { PlanNode } from '../../plan/query-plan.ts';
import type { Oid } from '../../plan/relation.ts';
import { relationDelta, type RelationDelta } from '../../source/admitted.ts';
import { AffectedViews } from '../affected-views.ts';
import type { Block } from './block.ts';
import type { EngineState } from '../engine-state.ts';
import { partsUpTo } from '../finite/finite-parts.ts';
import { type FiniteInput, FiniteRun } from '../finite/finite-run.ts';
import type { RunningView } from '../relation-set.ts';

/** As in the view: a row that fails is left out. It was noted, or will be, by the view itself. */
const LEAVES_OUT: QueryContext = {
  reject: () => undefined,
  late: () => undefined,
  notice: () => undefined,
};

export class BlockViews {
  readonly #state: EngineState;
  readonly #block: Block;
  readonly #read: (node: Scan['node']) => FiniteInput;
  readonly #affected: AffectedViews;

  /** `read`: what the block sees of tables and views. */
  constructor(state: EngineState, block: Block, read: (node: Scan['node']) => FiniteInput) {
    this.#state = state;
    this.#block = block;
    this.#read = read;
    this.#affected = new AffectedViews(state.relations, (table) => block.changed(table) !== null);
  }

  /** Whether the view shows something that the block wrote. */
  isAffected(view: Oid): boolean {
    return this.#affected.isAffected(view);
  }

  /** 0A000 where it can't be told. */
  *evaluate({ view }: RunningView): Generator<RelationDelta> {
    const { plan } = view.definition;
    this.#requireLawful(view.name, plan.root, plan.backfill);
    const { tick, relations } = this.#state;
    const run = new FiniteRun({
      plan,
      tick,
      now: tick.time,
      inputOf: ({ node }) => {
        const stream = relations.streams.get(node.relation);
        if (stream === undefined) return this.#read(node);
        // the view has rows also of an age that finite queries no longer show
        return { parts: partsUpTo(stream.history(Number.NEGATIVE_INFINITY), this.#block.snapshot) };
      },
      ...(plan.onError === 'fail' ? {} : { context: LEAVES_OUT }),
    });
    while (!run.done) yield relationDelta(run.advance(), new Map(), false);
  }

  #requireLawful(name: string, root: PlanNode, backfill: boolean): void {
    const { relations } = this.#state;
    let partial = !backfill;
    let windows = false;
    let streams = false;
    walkPlan(root, (node) => {
      if (expressionsOf(node).some(usesNow)) throw unreadable(name, 'It uses now().');
      windows ||= node.kind === 'windowed-reduce' || node.kind === 'window';
      windows ||= node.kind === 'top-n' && node.perWindow !== null;
      if (node.kind !== 'scan') return;
      const stream = relations.streams.get(node.relation);
      const view = relations.views.get(node.relation)?.view;
      streams ||= stream !== undefined || view?.isAppendOnly === true;
      partial ||= stream?.isWhole === false || view?.isWhole === false;
    });
    if (!streams) return;
    if (windows) throw unreadable(name, 'It has windows over a stream.');
    if (partial) throw unreadable(name, 'Not all rows of the stream below it are kept.');
  }
}

const usesNow = (expression: Expression): boolean => someExpression(expression, (e) => e.kind === 'now');

const unreadable = (name: string, detail: string): SqlError =>
  new SqlError(
    '0A000',
    `reading "${name}" after writing a table below it in the same transaction block is not supported`,
    { detail, hint: 'Read it before the write, or after COMMIT.' },
  );
