/** Counters and gauges by Prometheus name. */
import type { EngineMetrics } from '../engine-client.ts';
import type { EngineState } from './engine-state.ts';

export function metricsOf(state: EngineState, rowsAdmitted: number): EngineMetrics {
  const out: Record<string, number> = {
    millrace_ticks_total: state.tick.number,
    millrace_rows_admitted_total: rowsAdmitted,
    millrace_late_rows_total: state.late.total,
    millrace_rejected_rows_total: state.rejected.total,
    millrace_memory_bytes: state.memoryBytes,
    millrace_memory_limit_bytes: state.options.memoryLimitBytes,
    millrace_subscriptions: state.subscriptions.size,
    millrace_transaction_blocks: state.blocks.size,
    millrace_relations: state.relations.objects.size,
  };
  for (const { definition, query, rows, sink } of state.relations.sinks.values()) {
    const label = `sink="${definition.name}"`;
    out[`millrace_sink_rows_total{${label}}`] = rows;
    out[`millrace_sink_ended{${label}}`] = query.ended ? 1 : 0;
    for (const [column, sum] of sink?.sums ?? [])
      out[`millrace_sink_column_sum{${label},column="${column}"}`] = sum;
  }
  for (const stream of state.relations.streams.values()) {
    out[`millrace_stream_rows_total{stream="${stream.name}"}`] = stream.rowsIn;
  }
  return out;
}
