/** One SELECT: FROM, windows, WHERE, GROUP BY, HAVING, ranks, select list, DISTINCT, ORDER BY, LIMIT, in this order. */
import type { Node, SelectStmt } from 'libpg-query';
import type { Field } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { walkExpression } from '../../runtime/plan/expression.ts';
import type { SortKey } from '../../runtime/plan/query-plan.ts';
import { filter, type LogicalNode } from '../logical/logical-plan.ts';
import { propertiesOf } from '../logical/properties.ts';
import { limitRank } from '../logical/rank-limit.ts';
import type { BindingContext } from './binding-context.ts';
import type { BoundQuery } from './bound-query.ts';
import {
  type Bound,
  column,
  INT8,
  rewriteExpression,
  sameExpression,
  WINDOW_CALL_BASE,
  WINDOW_END,
  WINDOW_START,
} from './bound.ts';
import { type AggregateUse, type Clause, plainClause, type WindowUse } from './clause.ts';
import { settle } from './coerce.ts';
import type { BindEnvironment } from './environment.ts';
import { requireEquality, requireOrdering } from './equality.ts';
import { ExpressionBinder } from './expression-binder.ts';
import { bindFrom, type FromBinder } from './from-binder.ts';
import type { FromItem, PendingWindow } from './from-item.ts';
import { findGroupWindow, type GroupWindow } from './group-window.ts';
import { type Grouping, overGroups } from './grouping.ts';
import { bindLimit, type Limit } from './limit-clause.ts';
import { Scope } from './scope.ts';
import { bindTargets, type Target } from './select-targets.ts';
import { sortDirection } from './sort-direction.ts';
import { leftmostLocation, stringOf } from './tree.ts';

type SortItem = Readonly<{
  expression: Expression;
  descending: boolean;
  nullsFirst: boolean;
  location: number;
}>;

type Located = Readonly<{ expression: Expression; location: number }>;

export function bindPlainSelect(from: FromBinder, select: SelectStmt): BoundQuery {
  return new SelectBinder(from, select).bind();
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

  bind(): BoundQuery {
    const select = this.#select;
    this.#refuse();
    let item = bindFrom(this.#from, select.fromClause ?? []);
    const groupNodes = this.#groupNodes(item, select);
    const groupWindow = findGroupWindow(this.#binder(item, plainClause('GROUP BY')), item, groupNodes);
    if (groupWindow !== null) item = groupWindow.item;

    const clause: Clause = { name: 'SELECT', aggregates: this.#aggregates, windowUses: this.#windowUses };
    const targets = bindTargets(this.#binder(item, clause), select.targetList ?? []);
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

    const expressions = targets.map((t) => settle(this.#context, t.bound));
    const grouped = this.#applyGroups(item, groupWindow, where, groups, having !== null);
    const place = grouped.place;
    let node = grouped.node;
    const placed = expressions.map(place);
    if (having !== null) node = filter(node, place(having));
    const ranked = this.#applyRanks(node, this.#windowUses, place);
    node = ranked.node;
    const final = (e: Expression): Expression => ranked.place(place(e));
    return this.#finish({
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
      if (e.kind !== 'column' || e.index < 10_000_000 || e.index >= WINDOW_START) return;
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

  /** WHERE and the aggregation; `place` moves an expression of the input over the result. */
  #applyGroups(
    item: FromItem,
    groupWindow: GroupWindow | null,
    where: Expression | null,
    groups: readonly Expression[],
    hasHaving: boolean,
  ) {
    const { window } = item;
    const names = (index: number): boolean => groups.some((g) => g.kind === 'column' && g.index === index);
    const isGrouped =
      groups.length > 0 ||
      this.#aggregates.length > 0 ||
      hasHaving ||
      groupWindow !== null ||
      window?.spelling === 'window-clause';
    if (window !== null && isGrouped && this.#aggregatesByWindow(window, names)) {
      return this.#windowedReduce(item, window, groupWindow, where, groups);
    }
    if (window?.specification.kind === 'session') {
      throw this.#context.error(
        window.location,
        '0A000',
        'a query over SESSION must aggregate by its window',
        'Add window_end to GROUP BY.',
      );
    }
    let node = item.node;
    let place = (e: Expression): Expression => e;
    const width = node.schema.length;
    if (window !== null) {
      // Each row once per window it is in.
      const type = window.timeType;
      const schema: readonly Field[] = [
        ...node.schema,
        { name: 'window_start', type },
        { name: 'window_end', type },
      ];
      node = { kind: 'window', input: node, window: window.specification, time: window.time, schema };
      place = (e) => this.#moveWindowColumns(e, width, width + 1);
    }
    if (where !== null) node = this.#filter(node, place(where));
    if (!isGrouped) {
      const ends = window === null ? null : width + 1;
      return { node, place, windowStart: window === null ? null : width, windowEnd: ends };
    }
    const keys = uniqueExpressions(groups);
    const grouping: Grouping = {
      keys,
      windowStart: null,
      windowEnd: null,
      startExpression: null,
      aggregates: keys.length,
    };
    const over = (e: Expression): Expression => overGroups(this.#context, this.#from.origins, grouping, e);
    const placeAggregate = (a: AggregateUse): AggregateUse => ({
      ...a,
      args: a.args.map(place),
      filter: a.filter === null ? null : place(a.filter),
    });
    node = {
      kind: 'reduce',
      input: node,
      keys: keys.map(place),
      aggregates: this.#aggregates.map(placeAggregate),
      schema: [...this.#keyFields(keys), ...this.#aggregateFields()],
    };
    const windowKey = (index: number): number | null => {
      const at = keys.findIndex((k) => k.kind === 'column' && k.index === index);
      return at < 0 ? null : at;
    };
    return { node, place: over, windowStart: windowKey(WINDOW_START), windowEnd: windowKey(WINDOW_END) };
  }

  /** CUMULATE and SESSION windows are told apart by their ends only. */
  #aggregatesByWindow(window: PendingWindow, names: (index: number) => boolean): boolean {
    if (window.spelling !== 'table-function') return true;
    if (names(WINDOW_END)) return true;
    return (
      names(WINDOW_START) && (window.specification.kind === 'hop' || window.specification.kind === 'tumble')
    );
  }

  #windowedReduce(
    item: FromItem,
    window: PendingWindow,
    groupWindow: GroupWindow | null,
    where: Expression | null,
    groups: readonly Expression[],
  ) {
    const start = groupWindow?.start ?? null;
    const isWindowColumn = (e: Expression): boolean =>
      (e.kind === 'column' && (e.index === WINDOW_START || e.index === WINDOW_END)) ||
      (start !== null && sameExpression(e, start));
    const keys = uniqueExpressions(groups.filter((g) => !isWindowColumn(g)));
    this.#checkSessionKeys(window, keys);
    const grouping: Grouping = {
      keys,
      windowStart: keys.length,
      windowEnd: keys.length + 1,
      startExpression: start,
      aggregates: keys.length + 2,
    };
    const place = (e: Expression): Expression => overGroups(this.#context, this.#from.origins, grouping, e);
    const conjuncts = conjunctsOf(where);
    const before = conjuncts.filter((c) => !usesWindowColumns(c));
    const after = conjuncts.filter(usesWindowColumns);
    let node = before.length === 0 ? item.node : this.#filter(item.node, conjunction(before));
    const type = window.timeType;
    node = {
      kind: 'windowed-reduce',
      input: node,
      window: window.specification,
      time: window.time,
      keys,
      aggregates: this.#aggregates,
      schema: [
        ...this.#keyFields(keys),
        { name: 'window_start', type },
        { name: 'window_end', type },
        ...this.#aggregateFields(),
      ],
    };
    if (after.length > 0) node = filter(node, this.#windowCondition(place, conjunction(after), window));
    return { node, place, windowStart: keys.length, windowEnd: keys.length + 1 };
  }

  /** Conditions on the window hold for a whole group, if the rest of them is a key. */
  #windowCondition(
    place: (e: Expression) => Expression,
    condition: Expression,
    window: PendingWindow,
  ): Expression {
    try {
      return place(condition);
    } catch {
      throw this.#context.error(
        window.location,
        '0A000',
        'a condition of WHERE compares window_start or window_end with a column that is not in GROUP BY',
        'Compare window_start and window_end with constants and keys only, or use FILTER.',
      );
    }
  }

  /** One sequence of sessions for each partition: the keys must say the same. */
  #checkSessionKeys(window: PendingWindow, keys: readonly Expression[]): void {
    if (window.specification.kind !== 'session' || window.spelling !== 'table-function') return;
    const partition = new Set(window.partition ?? []);
    const grouped = new Set(keys.map((k) => (k.kind === 'column' ? k.index : -1)));
    const same = partition.size === grouped.size && [...partition].every((p) => grouped.has(p));
    if (same) return;
    throw this.#context.error(
      window.location,
      '0A000',
      'GROUP BY must name the same columns as PARTITION BY of SESSION, and window_end',
      'Write SESSION(relation PARTITION BY keys, time column, gap) and GROUP BY keys, window_end.',
    );
  }

  #filter(node: LogicalNode, predicate: Expression): LogicalNode {
    return limitRank(filter(node, predicate));
  }

  #moveWindowColumns(e: Expression, start: number, end: number): Expression {
    return rewriteExpression(e, (x) => {
      if (x.kind !== 'column') return null;
      if (x.index === WINDOW_START) return column(start, x.type);
      return x.index === WINDOW_END ? column(end, x.type) : null;
    });
  }

  #keyFields(keys: readonly Expression[]): readonly Field[] {
    return keys.map((k) => ({
      name: (this.#from.origins.get(k)?.name ?? 'key').split('.').at(-1) ?? 'key',
      type: k.type,
    }));
  }

  #aggregateFields(): readonly Field[] {
    return this.#aggregates.map((a) => ({ name: a.signature.name, type: { name: a.signature.result } }));
  }

  /** row_number(): the node gets a rank column behind its own and the helper columns. */
  #applyRanks(node: LogicalNode, uses: readonly WindowUse[], place: (e: Expression) => Expression) {
    const identity = (e: Expression): Expression => e;
    const [use, ...others] = uses;
    if (use === undefined) return { node, place: identity };
    if (others.length > 0) {
      throw this.#context.error(
        -1,
        '0A000',
        'a query can have one OVER only',
        'Put the other one into a sub-query.',
      );
    }
    const expressions: Expression[] = node.schema.map((f, i) => column(i, f.type));
    const names = node.schema.map((f) => f.name);
    const ordinalOf = (e: Expression): number => {
      const placed = place(e);
      const known = expressions.findIndex((x) => sameExpression(x, placed));
      if (known >= 0) return known;
      expressions.push(placed);
      names.push('sort');
      return expressions.length - 1;
    };
    const partition = use.partition.map(ordinalOf);
    const order: SortKey[] = use.order.map((o) => ({
      column: ordinalOf(o.expression),
      descending: o.descending,
      nullsFirst: o.nullsFirst,
    }));
    const input = projectUnlessIdentity(node, expressions, names);
    const top: LogicalNode = {
      kind: 'top-n',
      input,
      partition,
      order,
      limit: null,
      offset: 0,
      perWindow: windowEndAmong(input, partition),
      rank: true,
      schema: [...input.schema, { name: 'row_number', type: INT8 }],
    };
    const rank = top.schema.length - 1;
    const placeRank = (e: Expression): Expression =>
      rewriteExpression(e, (x) =>
        x.kind === 'column' && x.index >= WINDOW_CALL_BASE && x.index < WINDOW_START
          ? column(rank, INT8)
          : null,
      );
    return { node: top, place: placeRank };
  }

  #finish(parts: {
    node: LogicalNode;
    targets: readonly Target[];
    expressions: readonly Expression[];
    sort: readonly SortItem[];
    distinctOn: readonly Located[] | null;
    limit: Limit;
    windowStart: number | null;
    windowEnd: number | null;
    item: FromItem;
  }): BoundQuery {
    const { targets, expressions, sort, distinctOn, limit } = parts;
    const columns = targets.map((t, i) => ({ name: t.name, type: (expressions[i] as Expression).type }));
    const isDistinct = this.#select.distinctClause !== undefined && distinctOn === null;
    const all: Expression[] = [...expressions];
    const names = targets.map((t) => t.name);
    const ordinalOf = (e: Expression, location: number): number => {
      const known = all.findIndex((x) => sameExpression(x, e));
      if (known >= 0) return known;
      if (isDistinct) {
        throw this.#context.error(
          location,
          '42P10',
          'for SELECT DISTINCT, ORDER BY expressions must appear in select list',
        );
      }
      all.push(e);
      names.push('sort');
      return all.length - 1;
    };
    const order: SortKey[] = sort.map((s) => ({
      column: ordinalOf(s.expression, s.location),
      descending: s.descending,
      nullsFirst: s.nullsFirst,
    }));
    const onOrdinals = distinctOn?.map(({ expression }) => ordinalOf(expression, -1)) ?? null;
    if (onOrdinals !== null) this.#checkDistinctOn(onOrdinals, order, distinctOn?.[0]?.location);
    const perWindow = limit.perWindow ? this.#windowOrdinals(parts, all, names, ordinalOf) : null;
    // A hidden window_end lets views drop closed windows, and puts windows in order.
    const end = isDistinct || distinctOn !== null ? null : windowEndOf(parts.node);
    const type = end === null ? undefined : parts.node.schema[end]?.type;
    if (end !== null && type !== undefined) {
      const known = all.length;
      ordinalOf(column(end, type), -1);
      if (all.length > known) names[known] = 'window_end';
    }
    let node = projectUnlessIdentity(parts.node, all, names);
    if (isDistinct) {
      const keys = expressions.map((e, i) => column(i, e.type));
      for (const [i, e] of expressions.entries())
        requireEquality(this.#from, e, targets[i]?.bound.location ?? -1);
      node = { kind: 'reduce', input: node, keys, aggregates: [], schema: columns };
    }
    if (onOrdinals !== null) {
      node = {
        kind: 'top-n',
        input: node,
        partition: onOrdinals,
        order,
        limit: 1,
        offset: 0,
        perWindow: null,
        rank: false,
        schema: node.schema,
      };
    }
    if (perWindow !== null) {
      node = {
        kind: 'top-n',
        input: node,
        ...perWindow,
        order,
        limit: limit.limit,
        offset: limit.offset,
        rank: false,
        schema: node.schema,
      };
    }
    const windowFirst =
      perWindow === null ? [] : [{ column: perWindow.perWindow, descending: false, nullsFirst: false }];
    return {
      node,
      output: targets.map((_, i) => i),
      columns,
      order: [...windowFirst, ...order],
      limit: perWindow === null ? limit.limit : null,
      offset: perWindow === null ? limit.offset : 0,
      limitLocation: limit.location,
      open: targets.map((t) => (t.bound.open === null ? null : t.bound)),
      locations: targets.map((t) => t.bound.location),
    };
  }

  #checkDistinctOn(on: readonly number[], order: readonly SortKey[], location: number | undefined): void {
    if (order.slice(0, on.length).every((k) => on.includes(k.column))) return;
    throw this.#context.error(
      location,
      '42P10',
      'SELECT DISTINCT ON expressions must match initial ORDER BY expressions',
    );
  }

  /** LIMIT … PER WINDOW: the window of this query, or the input's window_start and window_end. */
  #windowOrdinals(
    parts: {
      node: LogicalNode;
      windowStart: number | null;
      windowEnd: number | null;
      item: FromItem;
      limit: Limit;
    },
    all: readonly Expression[],
    names: string[],
    ordinalOf: (e: Expression, location: number) => number,
  ) {
    const place = (own: number | null, name: string): number | null => {
      let index = own;
      if (
        index === null &&
        parts.windowEnd === null &&
        this.#aggregates.length === 0 &&
        (this.#select.groupClause ?? []).length === 0
      ) {
        const match = new Scope(parts.item.relations, null).findColumn(name);
        index = match.kind === 'column' ? match.column.index : null;
      }
      const type = index === null ? undefined : parts.node.schema[index]?.type;
      if (index === null || type === undefined) return null;
      const known = all.length;
      const at = ordinalOf(column(index, type), -1);
      if (at === known) names[at] = name;
      return at;
    };
    const end = place(parts.windowEnd, 'window_end');
    if (end === null) {
      throw this.#context.error(
        parts.limit.location,
        '0A000',
        'LIMIT … PER WINDOW needs a window',
        'Aggregate by a window, or read a relation that has window_end.',
      );
    }
    const start = place(parts.windowStart, 'window_start');
    return { partition: start === null ? [end] : [start, end], perWindow: end };
  }
}

/** Calls that may be a window in GROUP BY, also by ordinal or output name. */
function isWindowLike(node: Node | undefined): boolean {
  if (node === undefined || !('FuncCall' in node)) return false;
  const name = (node.FuncCall.funcname ?? []).map(stringOf).at(-1) ?? '';
  return ['date_trunc', 'date_bin', 'hop', 'tumble', 'cumulate', 'windo_', 'session_window'].includes(name);
}

function uniqueExpressions(list: readonly Expression[]): readonly Expression[] {
  return list.filter((e, i) => list.findIndex((x) => sameExpression(x, e)) === i);
}

export const conjunctsOf = (e: Expression | null): readonly Expression[] =>
  e === null ? [] : e.kind === 'and' ? e.args.flatMap(conjunctsOf) : [e];

export function conjunction(parts: readonly Expression[]): Expression {
  const [first] = parts;
  return parts.length === 1 && first !== undefined
    ? first
    : { kind: 'and', args: parts, type: { name: 'bool' } };
}

function usesWindowColumns(e: Expression): boolean {
  let found = false;
  walkExpression(e, (x) => {
    if (x.kind === 'column' && (x.index === WINDOW_START || x.index === WINDOW_END)) found = true;
  });
  return found;
}

export function projectUnlessIdentity(
  node: LogicalNode,
  expressions: readonly Expression[],
  names: readonly string[],
): LogicalNode {
  const isIdentity =
    expressions.length === node.schema.length &&
    expressions.every((e, i) => e.kind === 'column' && e.index === i && node.schema[i]?.name === names[i]);
  if (isIdentity) return node;
  return {
    kind: 'project',
    input: node,
    expressions,
    schema: expressions.map((e, i) => ({ name: names[i] ?? '?column?', type: e.type })),
  };
}

/** The ordinal of the window_end by which the node's rows close. */
export function windowEndOf(node: LogicalNode): number | null {
  for (const [ordinal, role] of propertiesOf(node, 'close').times) if (role === 'window-end') return ordinal;
  return null;
}

/** The window_end among the partition's columns, if it is a time attribute of closed windows. */
function windowEndAmong(node: LogicalNode, partition: readonly number[]): number | null {
  const { times } = propertiesOf(node, 'close');
  return partition.find((p) => times.get(p) === 'window-end') ?? null;
}
