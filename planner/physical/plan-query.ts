/** A bound query to a plan: finite, or continuous in the mode that EMIT, or the default, says. */

import { type EmitMode, PLAN_VERSION, type QueryPlan, type SortKey } from '../../runtime/plan/query-plan.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { clauseDuration } from '../bind/window-specification.ts';
import { type LogicalNode, type LogicalQuery, someLogical, walkLogical } from '../logical/logical-plan.ts';
import { propertiesOf, type ReduceMode } from '../logical/properties.ts';
import type { EmitSyntax } from '../parse/statement-syntax.ts';
import { refuseClose } from './close-refusal.ts';
import { lower } from './lower.ts';
import { refuseOrderless } from './order-refusal.ts';
import type { OptionOwner, QueryOptions } from './query-options.ts';

export function planFinite(context: BindingContext, query: LogicalQuery): QueryPlan {
  walkLogical(query.node, (node) => {
    if (node.kind !== 'scan' || node.relation.kind !== 'stream' || !node.relation.retention.none) return;
    context.gathered.notices.push({
      severity: 'NOTICE',
      code: '00000',
      message: `stream "${node.relation.name}" retains no rows`,
      hint: 'Add EMIT to follow it, or create it WITH (retention = …).',
    });
  });
  const { order } = query;
  const finite = { kind: 'finite' } as const;
  if (order.length === 0 || !isLimited(query)) {
    return build(context, query, finite, DEFAULT_OPTIONS, {
      order,
      limit: query.limit,
      offset: query.offset,
    });
  }
  return build(context, limited(query), finite, DEFAULT_OPTIONS, { order, limit: null, offset: 0 });
}

export const DEFAULT_OPTIONS: QueryOptions = {
  backfill: true,
  partial: true,
  late: { kind: 'drop' },
  onError: 'reject',
  retention: null,
  changelog: null,
};

/** `emit` null: the default, ON WINDOW CLOSE where every row belongs to a window that closes. */
export function planContinuous(
  context: BindingContext,
  query: LogicalQuery,
  emit: EmitSyntax | null,
  options: QueryOptions,
  owner: OptionOwner,
): QueryPlan {
  refuseFiniteOnly(context, query.node, emit);
  const { closes } = propertiesOf(query.node, 'close');
  const mode = emit?.mode ?? (closes && !isLimited(query) ? 'close' : 'changes');
  const fail = (code: '0A000' | '22023', message: string, hint?: string): Error =>
    emit === null
      ? context.error(-1, code, message, hint)
      : context.errorAtOffset(emit.offset, code, message, hint);
  if (mode === 'close' && !closes) refuseClose(query.node, fail);
  refuseRetractions(context, query.node, mode === 'close' ? 'close' : 'changes');
  if (mode === 'close' && options.late.kind === 'correct') {
    throw fail(
      '22023',
      "late = 'correct' needs EMIT CHANGES",
      'Rows of ON WINDOW CLOSE are sent once and never corrected.',
    );
  }
  const ordered = query.order.length > 0;
  if (isLimited(query) && (owner === 'view' || owner === 'sink') && !ordered) {
    throw context.error(
      query.limitLocation,
      '0A000',
      'LIMIT without ORDER BY is not supported in views and sinks',
      'Add ORDER BY, or write LIMIT n PER WINDOW.',
    );
  }
  if (isLimited(query) && ordered && mode === 'close') {
    throw context.error(
      query.limitLocation,
      '0A000',
      'ORDER BY … LIMIT is not supported with EMIT ON WINDOW CLOSE',
      'Write LIMIT n PER WINDOW, or EMIT CHANGES for a maintained top-n.',
    );
  }
  const emitMode = emitModeOf(context, mode, emit);
  if (isLimited(query) && ordered) {
    return build(context, limited(query), emitMode, options, { order: query.order, limit: null, offset: 0 });
  }
  const order = owner === 'view' ? [] : query.order;
  return build(context, query, emitMode, options, { order, limit: query.limit, offset: query.offset });
}

const isLimited = (query: LogicalQuery): boolean => query.limit !== null || query.offset > 0;

/** ORDER BY … LIMIT as an operator: finite or maintained, ties are broken alike. */
function limited(query: LogicalQuery): LogicalQuery {
  const { node: input, order, limit, offset } = query;
  const place = { partition: [], order, limit, offset, perWindow: null, rank: false } as const;
  return { ...query, node: { kind: 'top-n', input, ...place, schema: input.schema } };
}

const ranksRows = (node: LogicalNode): boolean => someLogical(node, (n) => n.kind === 'top-n');

function emitModeOf(context: BindingContext, mode: EmitSyntax['mode'], emit: EmitSyntax | null): EmitMode {
  if (mode !== 'every') return { kind: mode };
  if (emit?.period == null) return { kind: 'changes' };
  return { kind: 'every', periodMicros: clauseDuration(context, emit.period, 'EMIT EVERY period') };
}

/** What only finite queries can do. A view or sink may have no EMIT that could be left out. */
function refuseFiniteOnly(context: BindingContext, node: LogicalNode, emit: EmitSyntax | null): void {
  const { gathered } = context;
  if (gathered.subqueries.length > 0) {
    throw context.error(
      gathered.firstSubquery ?? -1,
      '0A000',
      'sub-queries in expressions are not supported in continuous queries',
      emit === null
        ? 'Join with the relation FOR SYSTEM_TIME AS OF PROCTIME().'
        : 'Join with the relation FOR SYSTEM_TIME AS OF PROCTIME(), or leave EMIT out.',
    );
  }
  walkLogical(node, (n) => {
    if (n.kind === 'system-scan') {
      throw context.error(
        -1,
        '0A000',
        `millrace.${n.view} is not supported in continuous queries`,
        emit === null ? 'Poll it with SELECT.' : 'Leave EMIT out, and poll it.',
      );
    }
    if (n.kind === 'top-n' && n.rank && n.limit === null) {
      throw context.error(
        -1,
        '0A000',
        'row_number() without a bound is not supported in continuous queries',
        'Bound it in the outer query: WHERE row_number <= n.',
      );
    }
  });
}

/**
 * Operators that can't take rows back. A joined row is fixed to the table as it was: when the input takes its row back,
 * what it was joined with is unknown. A session that loses a row may fall apart, and its rows are not kept.
 */
function refuseRetractions(context: BindingContext, node: LogicalNode, mode: ReduceMode): void {
  walkLogical(node, (n) => {
    if (n.kind === 'table-join' && !propertiesOf(n.input, mode).appendOnly) {
      throw context.error(
        -1,
        '0A000',
        'FOR SYSTEM_TIME AS OF PROCTIME() needs rows that are never taken back',
        'Join the stream first and aggregate what is joined; a finite query takes any relation.',
      );
    }
    const isSession = n.kind === 'windowed-reduce' && n.window.kind === 'session';
    if (isSession && !propertiesOf(n.input, mode).appendOnly) {
      throw context.error(
        -1,
        '0A000',
        'SESSION needs rows that are never taken back',
        'Make sessions of a stream; a finite query takes any relation.',
      );
    }
  });
}

type Tail = Readonly<{ order: readonly SortKey[]; limit: number | null; offset: number }>;

function build(
  context: BindingContext,
  query: LogicalQuery,
  emit: EmitMode,
  options: QueryOptions,
  tail: Tail,
): QueryPlan {
  const mode: ReduceMode = emit.kind === 'close' ? 'close' : 'changes';
  const needed = new Set([...query.output, ...tail.order.map((o) => o.column)]);
  const properties = propertiesOf(query.node, mode);
  // A continuous result carries its window_end, by which views forget and windows are put in order; where rows are
  // ranked, a finite one too, for ties are broken by the whole row.
  if (emit.kind !== 'finite' || ranksRows(query.node)) {
    for (const [ordinal, role] of properties.times) if (role === 'window-end') needed.add(ordinal);
  }
  const { node: root, at } = lower(query.node, needed, {
    mode,
    late: options.late,
    partial: options.partial,
  });
  refuseOrderless(root, (message, hint) => context.error(-1, '0A000', message, hint));
  const place = (ordinal: number): number => at.get(ordinal) ?? -1;
  const { gathered } = context;
  return {
    version: PLAN_VERSION,
    root,
    output: query.output.map(place),
    columns: query.columns,
    emit,
    order: tail.order.map((o) => ({ ...o, column: place(o.column) })),
    limit: tail.limit,
    offset: tail.offset,
    subqueries: gathered.subqueries,
    key: keyOf(query, properties.keys),
    relations: [...gathered.relations].sort((a, b) => a - b),
    backfill: options.backfill,
    onError: options.onError,
    timeZone: context.timeZone,
  };
}

/** The shortest key that is wholly in the output, as positions of `columns`. */
function keyOf(query: LogicalQuery, keys: readonly (readonly number[])[]): readonly number[] | null {
  const visible = keys.filter((key) => key.every((k) => query.output.includes(k)));
  const [first] = visible.toSorted((a, b) => a.length - b.length);
  return first === undefined ? null : first.map((k) => query.output.indexOf(k));
}
