/** One SELECT: FROM, windows, WHERE, GROUP BY, HAVING, ranks, select list, DISTINCT, ORDER BY, LIMIT, in this order. */
import type { Node, SelectStmt } from 'libpg-query';
import { type Expression, walkExpression } from '../../runtime/plan/expression.ts';
import { filter } from '../logical/logical-plan.ts';
import { applyGroups } from './aggregation.ts';
import type { BindingContext } from './binding-context.ts';
import { AGGREGATE_BASE, type Bound, sameExpression, WINDOW_CALL_BASE, WINDOW_START } from './bound.ts';
import type { BoundQuery } from './bound-query.ts';
import { type AggregateUse, type Clause, plainClause, type WindowUse } from './clause.ts';
import { settle } from './coerce.ts';
import type { BindEnvironment } from './environment.ts';
import { requireEquality, requireOrdering } from './equality.ts';
import { ExpressionBinder } from './expression-binder.ts';
import { bindFrom, type FromBinder } from './from-binder.ts';
import type { FromItem } from './from-item.ts';
import { findGroupWindow } from './group-window.ts';
import { bindLimit } from './limit-clause.ts';
import { applyRanks } from './ranking.ts';
import { Scope } from './scope.ts';
import { finishSelect, type Located, type SortItem } from './select-output.ts';
import { bindTargets, type Target } from './select-targets.ts';
import { sortDirection } from './sort-direction.ts';
import { leftmostLocation, stringOf } from './tree.ts';

/** PostgreSQL's own bound of a select list. */
const TARGETS_MAX = 1664;

/** `keepsOpen`: parameters of the select list stay untyped, for whoever asks to type them. */
export function bindPlainSelect(from: FromBinder, select: SelectStmt, keepsOpen: boolean): BoundQuery {
  return new SelectBinder(from, select).bind(keepsOpen);
}

class SelectBinder {
  readonly #from: FromBinder;
  readonly #context: BindingContext;
  readonly #environment: BindEnvironment;
  readonly #select: SelectStmt;
  readonly #aggregates: AggregateUse[] = [];
  readonly #windowUses: WindowUse[] = [];

  constructor(from: FromBinder, select: SelectStmt) {
    this.#from = from;
    this.#context = from.context;
    this.#environment = from.environment;
    this.#select = select;
  }

  bind(keepsOpen: boolean): BoundQuery {
    const select = this.#select;
    this.#refuse();
    let item = bindFrom(this.#from, select.fromClause ?? []);
    const groupNodes = this.#groupNodes(item, select);
    const groupWindow = findGroupWindow(this.#binder(item, plainClause('GROUP BY')), item, groupNodes);
    if (groupWindow !== null) item = groupWindow.item;

    const clause: Clause = { name: 'SELECT', aggregates: this.#aggregates, windowUses: this.#windowUses };
    const targets = bindTargets(this.#binder(item, clause), select.targetList ?? []);
    if (targets.length > TARGETS_MAX) {
      throw this.#context.error(-1, '54011', `target lists can have at most ${TARGETS_MAX} entries`);
    }
    const where = this.#condition(item, select.whereClause, plainClause('WHERE'), 'WHERE');
    const having = this.#condition(
      item,
      select.havingClause,
      { ...plainClause('HAVING'), aggregates: this.#aggregates },
      'HAVING',
    );
    const sort = this.#sortItems(item, targets);
    const groups = groupNodes
      .filter((node) => node !== groupWindow?.group)
      .map((node) => this.#groupKey(item, targets, node));
    const distinctOn = this.#distinctOn(item, targets);
    const limit = bindLimit(this.#context, select, this.#environment);

    const expressions = targets.map(({ bound }) =>
      keepsOpen && bound.open?.kind === 'parameter' ? bound.expression : settle(this.#context, bound),
    );
    const surroundings = {
      context: this.#context,
      origins: this.#from.origins,
      select,
      aggregates: this.#aggregates,
    };
    const grouped = applyGroups(surroundings, item, groupWindow, where, groups, having !== null);
    const place = grouped.place;
    let node = grouped.node;
    const placed = expressions.map(place);
    if (having !== null) node = filter(node, place(having));
    const ranked = applyRanks(surroundings, node, this.#windowUses, place);
    node = ranked.node;
    const final = (e: Expression): Expression => ranked.place(place(e));
    return finishSelect(surroundings, {
      node,
      targets,
      expressions: placed.map(ranked.place),
      sort: sort.map((s) => ({ ...s, expression: final(s.expression) })),
      distinctOn:
        distinctOn?.map(({ expression, location }) => ({ expression: final(expression), location })) ?? null,
      limit,
      windowStart: grouped.windowStart,
      windowEnd: grouped.windowEnd,
      item,
    });
  }

  #refuse(): void {
    const { intoClause, lockingClause, windowClause, groupDistinct } = this.#select;
    const fail = (location: number | undefined, message: string, hint?: string): Error =>
      this.#context.error(location, '0A000', message, hint);
    if (intoClause !== undefined) {
      throw fail(
        intoClause.rel?.location,
        'SELECT INTO is not supported',
        'Use CREATE TABLE and INSERT INTO … SELECT.',
      );
    }
    if (lockingClause !== undefined) throw fail(-1, 'FOR UPDATE and FOR SHARE are not supported');
    if (windowClause !== undefined)
      throw fail(leftmostLocation(windowClause[0]), 'the WINDOW clause with named windows is not supported');
    if (groupDistinct === true) throw fail(-1, 'GROUP BY DISTINCT is not supported');
  }

  #binder(item: FromItem, clause: Clause): ExpressionBinder {
    const scope = new Scope(item.relations, this.#from.outer);
    return new ExpressionBinder(this.#context, scope, clause, this.#from.origins, this.#environment);
  }

  #condition(item: FromItem, node: Node | undefined, clause: Clause, name: string): Expression | null {
    return node === undefined ? null : this.#binder(item, clause).bindBoolean(node, name);
  }

  /** GROUP BY's items; ordinals and output names are replaced by what they mean. */
  #groupNodes(item: FromItem, select: SelectStmt): readonly Node[] {
    const scope = new Scope(item.relations, null);
    return (select.groupClause ?? []).map((node) => {
      if ('GroupingSet' in node) {
        throw this.#context.error(
          node.GroupingSet.location,
          '0A000',
          'GROUPING SETS, ROLLUP and CUBE are not supported',
          'Write one query for each grouping and put UNION ALL between them.',
        );
      }
      if ('ColumnRef' in node && node.ColumnRef.fields?.length === 1) {
        const name = stringOf(node.ColumnRef.fields[0] as Node);
        const named = (select.targetList ?? []).find((t) => 'ResTarget' in t && t.ResTarget.name === name);
        const isColumn = scope.findColumn(name).kind !== 'missing';
        if (!isColumn && named !== undefined && 'ResTarget' in named && isWindowLike(named.ResTarget.val))
          return named.ResTarget.val as Node;
      }
      const target =
        'A_Const' in node && node.A_Const.ival !== undefined
          ? select.targetList?.[(node.A_Const.ival.ival ?? 0) - 1]
          : undefined;
      if (target !== undefined && 'ResTarget' in target && isWindowLike(target.ResTarget.val))
        return target.ResTarget.val as Node;
      return node;
    });
  }

  #groupKey(item: FromItem, targets: readonly Target[], node: Node): Expression {
    const binder = this.#binder(item, plainClause('GROUP BY'));
    const bound =
      this.#ordinal(targets, node, 'GROUP BY') ??
      this.#outputName(item, targets, node, true) ??
      binder.bind(node);
    const expression = settle(this.#context, bound);
    walkExpression(expression, (e) => {
      if (e.kind !== 'column' || e.index < AGGREGATE_BASE || e.index >= WINDOW_START) return;
      const isWindow = e.index >= WINDOW_CALL_BASE;
      throw this.#context.error(
        bound.location,
        isWindow ? '42P20' : '42803',
        isWindow
          ? 'window functions are not allowed in GROUP BY'
          : 'aggregate functions are not allowed in GROUP BY',
      );
    });
    requireEquality(binder, expression, bound.location);
    return expression;
  }

  /** A number in GROUP BY, ORDER BY, DISTINCT ON is a place in the select list. */
  #ordinal(targets: readonly Target[], node: Node, clause: string): Bound | null {
    if (!('A_Const' in node)) return null;
    const location = node.A_Const.location ?? 0;
    const { ival } = node.A_Const;
    if (ival === undefined) throw this.#context.error(location, '42601', `non-integer constant in ${clause}`);
    const target = targets[(ival.ival ?? 0) - 1];
    if (target === undefined) {
      throw this.#context.error(
        location,
        '42P10',
        `${clause} position ${ival.ival ?? 0} is not in select list`,
      );
    }
    return target.bound;
  }

  /** ORDER BY looks at output names first, GROUP BY at the input's columns. */
  #outputName(item: FromItem, targets: readonly Target[], node: Node, inputFirst: boolean): Bound | null {
    if (!('ColumnRef' in node) || node.ColumnRef.fields?.length !== 1) return null;
    const name = stringOf(node.ColumnRef.fields[0] as Node);
    if (inputFirst && new Scope(item.relations, null).findColumn(name).kind !== 'missing') return null;
    const matches = targets.filter((t) => t.name === name);
    const [first] = matches;
    if (first === undefined) return null;
    if (matches.some((m) => !sameExpression(m.bound.expression, first.bound.expression))) {
      const clause = inputFirst ? 'GROUP BY' : 'ORDER BY';
      throw this.#context.error(node.ColumnRef.location, '42702', `${clause} "${name}" is ambiguous`);
    }
    return first.bound;
  }

  #sortItems(item: FromItem, targets: readonly Target[]): readonly SortItem[] {
    const clause: Clause = { name: 'ORDER BY', aggregates: this.#aggregates, windowUses: this.#windowUses };
    return (this.#select.sortClause ?? []).flatMap((node) => {
      if (!('SortBy' in node)) return [];
      const key = node.SortBy.node as Node;
      const binder = this.#binder(item, clause);
      const bound =
        this.#ordinal(targets, key, 'ORDER BY') ??
        this.#outputName(item, targets, key, false) ??
        binder.bind(key);
      const expression = settle(this.#context, bound);
      requireOrdering(binder, expression, leftmostLocation(key));
      return [{ expression, ...sortDirection(this.#context, node.SortBy), location: leftmostLocation(key) }];
    });
  }

  /** null: no DISTINCT ON. DISTINCT alone has one empty node in the tree. */
  #distinctOn(item: FromItem, targets: readonly Target[]): readonly Located[] | null {
    const nodes = this.#select.distinctClause ?? [];
    const [first] = nodes;
    if (first === undefined || Object.keys(first).length === 0) return null;
    const clause: Clause = {
      name: 'DISTINCT ON',
      aggregates: this.#aggregates,
      windowUses: this.#windowUses,
    };
    return nodes.map((node) => {
      const binder = this.#binder(item, clause);
      const bound =
        this.#ordinal(targets, node, 'DISTINCT ON') ??
        this.#outputName(item, targets, node, false) ??
        binder.bind(node);
      const expression = settle(this.#context, bound);
      requireEquality(binder, expression, bound.location);
      return { expression, location: leftmostLocation(node) };
    });
  }
}

/** Calls that may be a window in GROUP BY, also by ordinal or output name. */
function isWindowLike(node: Node | undefined): boolean {
  if (node === undefined || !('FuncCall' in node)) return false;
  const name = (node.FuncCall.funcname ?? []).map(stringOf).at(-1) ?? '';
  return ['date_trunc', 'date_bin', 'hop', 'tumble', 'cumulate', 'windo_', 'session_window'].includes(name);
}
