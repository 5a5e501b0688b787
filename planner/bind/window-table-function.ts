/** FROM HOP(t, at, slide, size [, offset]) and its kin, positional or with named arguments. */
import type { FuncCall, Node, RangeFunction } from 'libpg-query';
import type { SqlType } from '../../common/types.ts';
import type { WindowSpecification } from '../../runtime/plan/query-plan.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import { OFFSET_MARKER } from '../parse/stream-clauses.ts';
import type { Notice } from './binding-context.ts';
import { column } from './bound.ts';
import { plainClause } from './clause.ts';
import { ExpressionBinder } from './expression-binder.ts';
import {
  aliasColumns,
  type FromBinder,
  isUnnameable,
  relationNode,
  startOf,
  streamOf,
} from './from-binder.ts';
import type { FromItem } from './from-item.ts';
import { Scope, type ScopeColumn } from './scope.ts';
import { cast } from './special-forms.ts';
import { leftmostLocation, stringOf } from './tree.ts';
import { windowColumns } from './window-clause.ts';
import { checkPanes, durationArgument } from './window-specification.ts';

export type WindowKind = 'hop' | 'tumble' | 'cumulate' | 'session';

/** Names of the arguments behind data and time column, in their order. */
const DURATIONS: Readonly<Record<WindowKind, readonly string[]>> = {
  hop: ['slide', 'size', 'offset'],
  tumble: ['size', 'offset'],
  cumulate: ['step', 'size', 'offset'],
  session: ['gap'],
};

export const isWindowKind = (name: string): name is WindowKind => Object.hasOwn(DURATIONS, name);

/** Arguments by name; 42883 with the spelling where they don't fit. */
function namedArguments(from: FromBinder, kind: WindowKind, call: FuncCall): ReadonlyMap<string, Node> {
  const order = ['data', 'timecol', ...DURATIONS[kind]];
  const given = new Map<string, Node>();
  const fail = (location: number | undefined): Error =>
    from.context.error(location, '42883', `function ${kind} does not take these arguments`, usage(kind));
  (call.args ?? []).forEach((arg, i) => {
    const isNamed = 'NamedArgExpr' in arg;
    const written = isNamed ? (arg.NamedArgExpr.name ?? '') : (order[i] ?? '');
    const name = written === OFFSET_MARKER ? 'offset' : written;
    if (!order.includes(name) || given.has(name)) throw fail(leftmostLocation(arg));
    given.set(name, isNamed ? (arg.NamedArgExpr.arg as Node) : arg);
  });
  const needed = order.filter((name) => name !== 'offset');
  if (needed.some((name) => !given.has(name))) throw fail(call.location);
  return given;
}

export const usage = (kind: WindowKind): string => {
  const durations = DURATIONS[kind].map((name) => (name === 'offset' ? '[, offset]' : `, ${name}`)).join('');
  const partition = kind === 'session' ? ' [PARTITION BY column, …]' : '';
  return `Write ${kind.toUpperCase()}(relation${partition}, time column${durations}).`;
};

export function bindWindowTableFunction(
  from: FromBinder,
  item: Extract<Node, { RangeFunction: unknown }>,
): FromItem {
  const { context } = from;
  const range: RangeFunction = item.RangeFunction;
  const list = range.functions?.[0];
  const call = list !== undefined && 'List' in list ? list.List.items?.[0] : undefined;
  if (call === undefined || !('FuncCall' in call) || (range.functions?.length ?? 0) > 1) {
    throw context.error(startOf(item), '0A000', 'this function in FROM is not supported');
  }
  const names = (call.FuncCall.funcname ?? []).map(stringOf);
  const kind = names.join('.');
  if (!isWindowKind(kind)) {
    throw context.error(
      call.FuncCall.location,
      '0A000',
      `function ${kind} is not supported in FROM`,
      'FROM takes HOP, TUMBLE, CUMULATE and SESSION.',
    );
  }
  if (range.lateral === true || range.ordinality === true || (range.coldeflist ?? []).length > 0) {
    throw context.error(
      call.FuncCall.location,
      '0A000',
      'LATERAL, WITH ORDINALITY and column definitions are not supported with windows',
    );
  }
  return bindWindow(from, kind, call.FuncCall, range);
}

function bindWindow(from: FromBinder, kind: WindowKind, call: FuncCall, range: RangeFunction): FromItem {
  const { context } = from;
  const location = call.location ?? 0;
  const given = namedArguments(from, kind, call);
  const data = bindData(from, given.get('data') as Node);
  const relation = { alias: data.name, original: null, schema: null, columns: data.columns };
  const scope = new Scope([relation], null);
  const binder = new ExpressionBinder(
    context,
    scope,
    plainClause('window arguments'),
    from.origins,
    from.environment,
  );
  const timed = bindTime(binder, data.node, given.get('timecol') as Node);
  const specification = windowSpecification(binder, kind, (name) => given.get(name), location);
  const partition = bindPartition(from, scope, location);
  const alias = range.alias?.aliasname ?? data.name;
  const kept = data.columns.filter((c) => c.name !== 'window_start' && c.name !== 'window_end');
  const columns = aliasColumns(
    context,
    alias,
    [...kept, ...windowColumns(timed.type)],
    (range.alias?.colnames ?? []).map(stringOf),
  );
  return {
    node: timed.node,
    relations: [{ alias, original: range.alias === undefined ? null : data.name, schema: null, columns }],
    window: {
      specification,
      time: timed.index,
      timeType: timed.type,
      spelling: 'table-function',
      partition,
      location,
    },
  };
}

type Data = Readonly<{ node: LogicalNode; name: string; columns: readonly ScopeColumn[] }>;

/** A relation's name, or a sub-query in parentheses. */
function bindData(from: FromBinder, node: Node): Data {
  const { context } = from;
  if ('SubLink' in node && node.SubLink.subLinkType === 'EXPR_SUBLINK') {
    const input = from.bindSelectNode(context, node.SubLink.subselect as Node, from.environment, null);
    return {
      node: input,
      name: '',
      columns: input.schema.map((f, index) => ({ ...f, index, hidden: isUnnameable(f.name) })),
    };
  }
  if (!('ColumnRef' in node)) {
    throw context.error(
      leftmostLocation(node),
      '42601',
      'the first argument of a window function in FROM is a relation',
    );
  }
  const names = (node.ColumnRef.fields ?? []).map(stringOf);
  const name = names.at(-1) ?? '';
  const schema = names.at(-2) ?? null;
  const location = node.ColumnRef.location ?? 0;
  const common = schema === null ? from.environment.tables.get(name) : undefined;
  if (common !== undefined) {
    const environment = { ...from.environment, tables: common.tables };
    const input = from.bindSelectNode(
      common.context,
      { SelectStmt: common.select } as Node,
      environment,
      null,
    );
    const columns = input.schema.map((f, index) => ({ ...f, index, hidden: isUnnameable(f.name) }));
    return { node: input, name, columns: aliasColumns(context, name, columns, common.columns) };
  }
  const input = relationNode(from, schema, name, location);
  const width = streamOf(input)?.columns.length ?? input.schema.length;
  return {
    node: input,
    name,
    columns: input.schema.map((f, index) => ({
      ...f,
      index,
      hidden: index >= width || isUnnameable(f.name),
    })),
  };
}

export type TimedNode = Readonly<{ node: LogicalNode; index: number; type: SqlType }>;

/** The time column as an ordinal of the node; a date, or an expression, is computed below. */
export function bindTime(binder: ExpressionBinder, node: LogicalNode, argument: Node): TimedNode {
  const { context } = binder;
  const isDescriptor =
    'FuncCall' in argument && (argument.FuncCall.funcname ?? []).map(stringOf).join('.') === 'descriptor';
  const [inner, ...more] = isDescriptor ? (argument.FuncCall.args ?? []) : [argument];
  if (inner === undefined || more.length > 0) {
    throw context.error(leftmostLocation(argument), '42601', 'DESCRIPTOR takes one column');
  }
  const bound = binder.bind(inner);
  const { type } = bound.expression;
  if (bound.open !== null || !['timestamp', 'timestamptz', 'date'].includes(type.name)) {
    throw context.error(
      bound.location,
      '42804',
      'the time column of a window must be of type timestamp with time zone, timestamp or date',
    );
  }
  if (bound.expression.kind === 'column' && type.name !== 'date') {
    return { node, index: bound.expression.index, type };
  }
  const value = type.name === 'date' ? cast(bound.expression, 'timestamp') : bound.expression;
  const expressions = [...node.schema.map((f, i) => column(i, f.type)), value];
  const schema = [...node.schema, { name: 'time', type: value.type }];
  return {
    node: { kind: 'project', input: node, expressions, schema },
    index: schema.length - 1,
    type: value.type,
  };
}

/** It may be meant, to sample; more often the arguments have changed places. */
const GAPS: Notice = {
  severity: 'NOTICE',
  code: '00000',
  message: 'rows between two windows are in none: the slide is longer than the size',
  hint: 'HOP takes the slide before the size; window() takes the size first.',
};

export function windowSpecification(
  binder: ExpressionBinder,
  kind: WindowKind,
  argument: (name: string) => Node | undefined,
  location: number,
): WindowSpecification {
  const duration = (name: string, what: string): number =>
    durationArgument(binder, argument(name) as Node, what);
  const offset = argument('offset');
  const offsetMicros = offset === undefined ? 0 : durationArgument(binder, offset, 'window offset', false);
  let window: WindowSpecification;
  switch (kind) {
    case 'session':
      return { kind, gapMicros: duration('gap', 'session gap') };
    case 'tumble':
      window = { kind, sizeMicros: duration('size', 'window size'), offsetMicros };
      break;
    case 'hop': {
      const slideMicros = duration('slide', 'window slide');
      const sizeMicros = duration('size', 'window size');
      if (slideMicros > sizeMicros) binder.context.gathered.notices.push(GAPS);
      window = { kind, slideMicros, sizeMicros, offsetMicros };
      break;
    }
    case 'cumulate': {
      const stepMicros = duration('step', 'window step');
      window = { kind, stepMicros, sizeMicros: duration('size', 'window size'), offsetMicros };
    }
  }
  if (binder.context.parameters.bound || !binder.context.parameters.used) {
    checkPanes(window, (code, message, hint) => binder.context.error(location, code, message, hint));
  }
  return normalizeOffset(window);
}

/** 0 ≤ offset < slide: windows an offset apart by whole slides are the same ones. */
function normalizeOffset(window: Exclude<WindowSpecification, { kind: 'session' }>): WindowSpecification {
  const period = window.kind === 'hop' ? window.slideMicros : window.sizeMicros;
  const offsetMicros = ((window.offsetMicros % period) + period) % period;
  return { ...window, offsetMicros };
}

function bindPartition(from: FromBinder, scope: Scope, location: number): readonly number[] | null {
  const { context } = from;
  const written = context.clauses.partitions.get(context.offset(location));
  if (written === undefined) return null;
  return written.map(({ names, offset }) => {
    const name = names.at(-1) ?? '';
    const match = scope.findColumn(name);
    if (match.kind === 'column') return match.column.index;
    throw context.errorAtOffset(
      offset,
      '42703',
      `column "${name}" does not exist`,
      scope.suggestion(name, null),
    );
  });
}
