/** W0 to W4: a bounded file through a windowed query into a blackhole that adds up what it gets. */
import { basename } from 'node:path';
import { eventsFile } from './data.ts';
import { BenchServer } from './server.ts';
import type { Result } from './report.ts';

const aggregate = (window: string): string =>
  `SELECT tag, count(*) AS n, sum(value) AS s, window_end FROM ${window} GROUP BY tag, window_end`;

export const WINDOW_QUERIES: Readonly<Record<string, string>> = {
  W0: 'SELECT ts, tag, value AS s FROM events WHERE value > 50',
  W1: aggregate("TUMBLE(events, ts, INTERVAL '10 seconds')"),
  W2: aggregate("HOP(events, ts, INTERVAL '1 second', INTERVAL '60 seconds')"),
  W3: aggregate("HOP(events, ts, INTERVAL '1 second', INTERVAL '600 seconds')"),
  W4: `${aggregate("HOP(events, ts, INTERVAL '1 second', INTERVAL '600 seconds')")} ORDER BY s DESC, tag LIMIT 10 PER WINDOW`,
};

export async function runWindows(workload: string, rows: number, format: 'csv' | 'json'): Promise<Result> {
  const file = eventsFile(rows, format);
  const bench = await BenchServer.start();
  try {
    const { client } = bench;
    await client.query(
      `CREATE STREAM events (ts timestamptz NOT NULL, tag text, "user" bigint, value float8, WATERMARK FOR ts AS ts)
       WITH (connector = 'file', path = '${basename(file)}', follow = false, timestamp_unit = 'ms')
       FORMAT ${format === 'csv' ? 'CSV' : 'JSON'}`,
    );
    bench.begin();
    await client.query(`CREATE SINK out AS ${WINDOW_QUERIES[workload]} WITH (connector = 'blackhole')`);
    let metrics = await bench.metrics();
    while (metrics.get('millrace_sink_ended{sink="out"}') !== 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      metrics = await bench.metrics();
    }
    const { seconds, cpuSeconds, peakMb } = bench.usage();
    const sum = (column: string): number | null =>
      metrics.get(`millrace_sink_column_sum{sink="out",column="${column}"}`) ?? null;
    return {
      workload: format === 'csv' ? workload : `${workload}-${format}`,
      rows,
      seconds,
      cpu_seconds: cpuSeconds,
      rows_per_second: rows / seconds,
      peak_mb: peakMb,
      result_rows: metrics.get('millrace_sink_rows_total{sink="out"}') ?? 0,
      count_sum: sum('n'),
      value_sum: sum('s'),
    };
  } finally {
    await bench.stop();
  }
}
