/** The rows of the views of schema millrace, as datums in the order of their columns. */
import { interval, type Interval } from '../../common/interval.ts';
import { canonicalJsonb } from '../../common/json.ts';
import type { SystemViewName } from '../plan/system-views.ts';
import type { ContinuousQuery } from './continuous-query.ts';
import type { EngineCore } from './engine-core.ts';

type Rows = readonly (readonly unknown[])[];

const micros = (n: number): Interval => interval(0, 0, Math.round(n));
const int8 = (n: number): bigint => BigInt(Math.round(n));
/** −∞ is a watermark that does not exist yet. */
const time = (n: number): number | null => (n === Number.NEGATIVE_INFINITY ? null : n);

export function systemRows(view: SystemViewName, core: EngineCore): Rows {
  const { relations } = core;
  switch (view) {
    case 'ticks':
      return core.ticks
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
      return queries(core).flatMap(([name, query]) =>
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
      return [...relations.streams.values()].map(({ name, watermark }) => [
        name,
        null,
        time(watermark.value),
        time(watermark.maxTime),
        watermark.lastRowAt,
        watermark.idle,
      ]);
    case 'late_rows':
      return core.late
        .all()
        .map((r) => [
          r.view,
          r.at,
          Number.isFinite(r.lateBy) ? micros(r.lateBy) : null,
          canonicalJsonb(r.row),
        ]);
    case 'rejected_rows':
      return core.rejected.all().map((r) => [r.relation, r.at, r.code, r.reason, r.sourceOffset, r.payload]);
    case 'memory':
      return memoryRows(core);
    case 'subscriptions':
      return [...core.subscriptions].map(({ options, since, rowsSent, lastTick }) => [
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
        sink?.guarantee ?? 'exactly once (same tick)',
        int8(tick),
        int8(rows),
        lastError,
      ]);
  }
}

function queries(core: EngineCore): [string, ContinuousQuery][] {
  return [
    ...[...core.relations.views.values()].map(({ view, query }): [string, ContinuousQuery] => [
      view.name,
      query,
    ]),
    ...[...core.relations.sinks.values()].map(({ definition, query }): [string, ContinuousQuery] => [
      definition.name,
      query,
    ]),
    ...[...core.subscriptions].flatMap(({ options }): [string, ContinuousQuery][] =>
      options.query === null ? [] : [[options.label, options.query]],
    ),
  ];
}

function memoryRows(core: EngineCore): Rows {
  const rows: unknown[][] = [];
  for (const { view, query } of core.relations.views.values()) {
    rows.push(
      [view.name, 'rows', int8(view.memoryBytes)],
      [view.name, 'operators', int8(query.memoryBytes())],
    );
  }
  for (const table of core.relations.tables.values())
    rows.push([table.name, 'rows', int8(table.store.memoryBytes())]);
  for (const stream of core.relations.streams.values())
    rows.push([stream.name, 'history', int8(stream.memoryBytes)]);
  for (const { definition, query } of core.relations.sinks.values()) {
    rows.push([definition.name, 'operators', int8(query.memoryBytes())]);
  }
  for (const { options } of core.subscriptions) {
    if (options.query !== null) rows.push([options.label, 'operators', int8(options.query.memoryBytes())]);
  }
  return rows;
}
