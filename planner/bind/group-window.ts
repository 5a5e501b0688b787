/** Windows named in GROUP BY: HOP, TUMBLE, window(), session_window(), and date_bin and date_trunc of fixed width. */
import type { FuncCall, Node } from 'libpg-query';
import { parseInterval } from '../../common/interval-parse.ts';
import { timeZone } from '../../common/time-zone.ts';
import { parseTimestamp, parseTimestamptz } from '../../common/timestamp-parse.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { WindowSpecification } from '../../runtime/plan/query-plan.ts';
import { propertiesOf } from '../logical/properties.ts';
import { plainClause } from './clause.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import type { FromItem, PendingWindow } from './from-item.ts';
import { Scope, type ScopeRelation } from './scope.ts';
import { leftmostLocation, stringOf } from './tree.ts';
import { windowColumns, withWindowColumns } from './window-clause.ts';
import { bindTime, type WindowKind, windowSpecification } from './window-table-function.ts';

export type GroupWindow = Readonly<{
  item: FromItem;
  /** The tree node of GROUP BY that is the window. */
  group: Node;
  /** date_bin, date_trunc: the expression that equals window_start. */
  start: Expression | null;
}>;

const HINT = 'Put the inner window into a sub-query.';

/** The window among the group items; null where there is none. */
export function findGroupWindow(
  binder: ExpressionBinder,
  item: FromItem,
  groups: readonly Node[],
): GroupWindow | null {
  let found: GroupWindow | null = null;
  for (const group of groups) {
    const window: GroupWindow | null =
      explicitWindow(binder, item, group) ?? (found === null ? calendarWindow(binder, item, group) : null);
    if (window === null) continue;
    if (found?.start !== null && found !== null) {
      throw binder.context.error(leftmostLocation(group), '0A000', 'a query can have one window only', HINT);
    }
    found = window;
  }
  if (found !== null && item.window !== null) {
    if (found.start !== null) return null;
    throw binder.context.error(
      leftmostLocation(found.group),
      '0A000',
      'a query can have one window only',
      HINT,
    );
  }
  return found;
}

const KINDS: Readonly<Record<string, WindowKind>> = {
  hop: 'hop',
  tumble: 'tumble',
  cumulate: 'cumulate',
  windo_: 'hop',
  session: 'session',
  session_window: 'session',
};

/** Arguments behind the time column, by position. */
const POSITIONS: Readonly<Record<string, readonly string[]>> = {
  hop: ['slide', 'size', 'offset'],
  tumble: ['size', 'offset'],
  cumulate: ['step', 'size', 'offset'],
  windo_: ['size', 'slide', 'offset'],
  session: ['gap'],
  session_window: ['gap'],
};

function explicitWindow(binder: ExpressionBinder, item: FromItem, group: Node): GroupWindow | null {
  if (!('FuncCall' in group)) return null;
  const call: FuncCall = group.FuncCall;
  const name = (call.funcname ?? []).map(stringOf).join('.');
  let kind = KINDS[name];
  const positions = POSITIONS[name];
  if (kind === undefined || positions === undefined) return null;
  const { context } = binder;
  const location = call.location ?? 0;
  const [time, ...durations] = call.args ?? [];
  const shown = name === 'windo_' ? 'window' : name;
  // window(at, size) is a tumbling one.
  if (name === 'windo_' && durations.length === 1) kind = 'tumble';
  const least = name === 'windo_' ? 1 : positions.filter((p) => p !== 'offset').length;
  if (time === undefined || durations.length < least || durations.length > positions.length) {
    throw context.error(
      location,
      '42883',
      `function ${shown} does not take these arguments`,
      `Write ${shown}(time column, ${positions.join(', ')}) in GROUP BY.`,
    );
  }
  const inner = binder.within(plainClause('window arguments'));
  const timed = bindTime(inner, item.node, time);
  const specification = windowSpecification(
    inner,
    kind,
    (wanted) => durations[positions.indexOf(wanted)],
    location,
  );
  const window: PendingWindow = {
    specification,
    time: timed.index,
    timeType: timed.type,
    spelling: 'group-by',
    partition: null,
    location,
  };
  return {
    item: { node: timed.node, ...withWindowColumns(item.relations, timed.type), window },
    group,
    start: null,
  };
}

/** date_trunc(unit, at) and date_bin(stride, at, origin) over a time attribute; ordinary keys otherwise. */
function calendarWindow(binder: ExpressionBinder, item: FromItem, group: Node): GroupWindow | null {
  if (!('FuncCall' in group)) return null;
  const name = (group.FuncCall.funcname ?? []).map(stringOf).at(-1);
  if (name !== 'date_trunc' && name !== 'date_bin') return null;
  const bound = binder.within(plainClause('GROUP BY')).bind(group);
  const call = bound.expression;
  if (call.kind !== 'call') return null;
  const [first, at, third] = call.args;
  if (at?.kind !== 'column' || !['timestamp', 'timestamptz'].includes(at.type.name)) return null;
  if (!propertiesOf(item.node, 'close').times.has(at.index)) return null;
  const zone =
    at.type.name === 'timestamp'
      ? 'UTC'
      : third !== undefined && name === 'date_trunc'
        ? constantOf(third)
        : binder.context.timeZone;
  const unit = first === undefined ? null : constantOf(first);
  if (unit === null || zone === null) return null;
  const specification =
    name === 'date_trunc'
      ? truncation(unit.toLowerCase(), zone)
      : binning(unit, third === undefined ? null : constantOf(third), at.type.name === 'timestamptz');
  if (specification === null) return null;
  const window: PendingWindow = {
    specification,
    time: at.index,
    timeType: at.type,
    spelling: 'group-by',
    partition: null,
    location: group.FuncCall.location ?? 0,
  };
  return { item: { ...item, relations: addedColumns(item.relations, at), window }, group, start: call };
}

/** The input's own window_start and window_end keep their meaning. */
function addedColumns(relations: readonly ScopeRelation[], at: Expression): readonly ScopeRelation[] {
  const scope = new Scope(relations, null);
  const columns = windowColumns(at.type).filter((c) => scope.findColumn(c.name).kind === 'missing');
  return [...relations, { alias: '', original: null, schema: null, columns }];
}

const constantOf = (e: Expression): string | null => (e.kind === 'constant' ? e.text : null);

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
const WIDTHS: Readonly<Record<string, number>> = {
  microsecond: 1,
  microseconds: 1,
  millisecond: 1000,
  milliseconds: 1000,
  second: SECOND,
  minute: 60 * SECOND,
  hour: 3600 * SECOND,
  day: DAY,
  week: 7 * DAY,
};

/** The epoch was a Thursday, weeks begin on Monday. Zones whose offset ever changes have no fixed hours or days. */
function truncation(unit: string, zoneName: string): WindowSpecification | null {
  const width = WIDTHS[unit];
  if (width === undefined) return null;
  const offsetSeconds = timeZone(zoneName).fixedSeconds;
  if (offsetSeconds === null && width > SECOND) return null;
  const local = (unit === 'week' ? 4 * DAY : 0) - (offsetSeconds ?? 0) * SECOND;
  return { kind: 'tumble', sizeMicros: width, offsetMicros: modulo(local, width) };
}

function binning(strideText: string, originText: string | null, zoned: boolean): WindowSpecification | null {
  if (originText === null) return null;
  const stride = parseInterval(strideText);
  const sizeMicros = stride.days * DAY + stride.micros;
  if (stride.months !== 0 || sizeMicros <= 0) return null;
  const settings = { zone: timeZone('UTC'), order: 'mdy', now: () => 0 } as const;
  const origin = zoned ? parseTimestamptz(originText, settings) : parseTimestamp(originText, settings);
  if (!Number.isFinite(origin)) return null;
  return { kind: 'tumble', sizeMicros, offsetMicros: modulo(origin, sizeMicros) };
}

const modulo = (a: number, b: number): number => ((a % b) + b) % b;
