/** The rows of the views of schema millrace, as datums in the order of their columns. */
import { interval, type Interval } from '../../../common/interval.ts';
import { canonicalJsonb } from '../../../common/json.ts';
import { shownName } from '../../plan/relation.ts';
import type { SystemViewName } from '../../plan/system-views.ts';
import { UNTIL_A_CRASH } from '../../sink/sink.ts';
import { secretRows } from './secret-rows.ts';
import type { ContinuousQuery } from '../continuous-query.ts';
import type { EngineState } from '../engine-state.ts';

type Rows = readonly (readonly unknown[])[];

const micros = (n: number): Interval => interval(0, 0, Math.round(n));

const MICROS_PER_DAY = 86_400_000_000;

/** As PostgreSQL subtracts timestamps: days and a rest, so that times ages apart fit too. */
function timeBetween(n: number): Interval {
  const days = Math.trunc(n / MICROS_PER_DAY);
  return interval(0, days, Math.round(n - days * MICROS_PER_DAY));
}

const int8 = (n: number): bigint => BigInt(Math.round(n));
/** −∞ is a watermark that does not exist yet. */
const time = (n: number): number | null => (n === Number.NEGATIVE_INFINITY ? null : n);

export function systemRows(view: SystemViewName, state: EngineState): Rows {
  const { relations } = state;
  switch (view) {
    case 'ticks':
      return state.ticks
        .all()
        .map((t) => [
          int8(t.tick),
          t.at,
          int8(t.rowsIn),
          micros(t.schedulingDelayMicros),
          micros(t.processingMicros),
          micros(t.schedulingDelayMicros + t.processingMicros),
        ]);
    case 'operators':
      return queries(state).flatMap(([name, query]) =>
        query.pipeline
          .statistics()
          .map((s) => [
            name,
            s.operator,
            s.id,
            int8(s.rowsIn),
            int8(s.rowsOut),
            micros(s.busyMicros),
            int8(s.memoryBytes),
          ]),
      );
    case 'watermarks':
      return [...relations.streams.values()].map(({ definition, watermark }) => [
        shownName(definition),
        null,
        time(watermark.value),
        time(watermark.maxTime),
        watermark.lastRowAt,
        watermark.idle,
      ]);
    case 'late_rows':
      return state.late
        .all()
        .map((r) => [
          r.view,
          r.at,
          Number.isFinite(r.lateBy) ? timeBetween(r.lateBy) : null,
          canonicalJsonb(r.row),
        ]);
    case 'rejected_rows':
      return state.rejected.all().map((r) => [r.relation, r.at, r.code, r.reason, r.sourceOffset, r.payload]);
    case 'memory':
      return memoryRows(state);
    case 'subscriptions':
      return [...state.subscriptions].map(({ options, since, rowsSent, lastTick }) => [
        options.pid,
        options.label,
        since,
        int8(rowsSent),
        int8(options.channel.pendingBytes),
        int8(lastTick),
      ]);
    case 'sinks':
      return [...relations.sinks.values()].map(({ definition, sink, tick, rows, lastError }) => [
        definition.name,
        sink?.guarantee ?? UNTIL_A_CRASH,
        int8(tick),
        int8(rows),
        lastError,
      ]);
    case 'secrets':
      return secretRows(relations);
  }
}

function queries(state: EngineState): [string, ContinuousQuery][] {
  return [
    ...[...state.relations.views.values()].map(({ view, query }): [string, ContinuousQuery] => [
      view.name,
      query,
    ]),
    ...[...state.relations.sinks.values()].map(({ definition, query }): [string, ContinuousQuery] => [
      definition.name,
      query,
    ]),
    ...[...state.subscriptions].flatMap(({ options }): [string, ContinuousQuery][] =>
      options.query === null ? [] : [[options.label, options.query]],
    ),
  ];
}

function memoryRows(state: EngineState): Rows {
  const rows: unknown[][] = [];
  for (const { view, query } of state.relations.views.values()) {
    rows.push(
      [view.name, 'rows', int8(view.memoryBytes)],
      [view.name, 'operators', int8(query.memoryBytes())],
    );
  }
  for (const table of state.relations.tables.values())
    rows.push([table.name, 'rows', int8(table.store.memoryBytes())]);
  for (const stream of state.relations.streams.values())
    rows.push([stream.name, 'history', int8(stream.memoryBytes)]);
  for (const { definition, query } of state.relations.sinks.values()) {
    rows.push([definition.name, 'operators', int8(query.memoryBytes())]);
  }
  for (const { options } of state.subscriptions) {
    if (options.query !== null) rows.push([options.label, 'operators', int8(options.query.memoryBytes())]);
  }
  return rows;
}
