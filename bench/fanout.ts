/** Many views over one stream, many live groups, and the time to be ready. */
import { readFileSync } from 'node:fs';
import { eventsFile } from './data.ts';
import type { Result } from './report.ts';
import { BenchServer } from './server.ts';

export async function* runFanout(rows: number): AsyncIterable<Result> {
  const one = await views('views-1-tumbling', rows, (i) => tumbling(i), 1);
  yield one;
  const many = await views('views-100-tumbling', rows, (i) => tumbling(i), 100);
  yield { ...many, times_the_first: many.cpu_seconds / one.cpu_seconds };
  const oneSliding = await views('views-1-sliding', rows, (i) => sliding(i), 1);
  yield oneSliding;
  const manySliding = await views('views-100-sliding', rows, (i) => sliding(i), 100);
  yield { ...manySliding, times_the_first: manySliding.cpu_seconds / oneSliding.cpu_seconds };
  yield await liveGroups(1_000_000);
  yield await ready();
}

const tumbling = (i: number): string => `TUMBLE(events, ts, INTERVAL '${10 * (i + 1)} seconds')`;
const sliding = (i: number): string =>
  `HOP(events, ts, INTERVAL '1 second', INTERVAL '${10 * (i + 1)} seconds')`;

/** `count` views over one stream of its own log, fed by HTTP. */
async function views(
  workload: string,
  rows: number,
  window: (i: number) => string,
  count: number,
): Promise<Result> {
  const bench = await BenchServer.start();
  try {
    const { client, server } = bench;
    await client.query(
      `CREATE STREAM events (ts timestamptz NOT NULL, tag text, "user" bigint, value float8, WATERMARK FOR ts AS ts)
       WITH (retention = 'none', timestamp_unit = 'ms')`,
    );
    for (let i = 0; i < count; i++) {
      await client.query(
        `CREATE MATERIALIZED VIEW v${i} WITH (retention = '1 MB', changelog = '1 MB') AS
         SELECT tag, count(*) AS n, sum(value) AS s, window_end FROM ${window(i)} GROUP BY tag, window_end`,
      );
    }
    const data = readFileSync(eventsFile(rows, 'json'));
    bench.begin();
    for (let at = 0; at < data.length; ) {
      const end = data.lastIndexOf(10, Math.min(data.length, at + (8 << 20)) - 1) + 1;
      const body = data.subarray(at, end);
      const response = await fetch(`${server.url}/streams/events`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-ndjson' },
        body: new Uint8Array(body),
      });
      if (!response.ok) throw new Error(await response.text());
      at = end;
    }
    const { seconds, cpuSeconds, peakMb } = bench.usage();
    return {
      workload,
      rows,
      seconds,
      cpu_seconds: cpuSeconds,
      rows_per_second: rows / seconds,
      peak_mb: peakMb,
      result_rows: 0,
      count_sum: null,
      value_sum: null,
    };
  } finally {
    await bench.stop();
  }
}

/** Memory of a running count and sum per key. */
async function liveGroups(groups: number): Promise<Result> {
  const bench = await BenchServer.start();
  try {
    const { client, server } = bench;
    await client.query("CREATE STREAM keys (k text, v float8) WITH (retention = 'none')");
    await client.query(
      "CREATE SINK totals AS SELECT k, count(*) AS n, sum(v) AS s FROM keys GROUP BY k EMIT CHANGES WITH (connector = 'blackhole')",
    );
    const before = bench.residentBytes();
    bench.begin();
    const part = 50_000;
    for (let at = 0; at < groups; at += part) {
      let body = '';
      for (let i = at; i < at + part; i++) body += `{"k":"key${i}","v":${i % 1000}}\n`;
      const headers = { 'Content-Type': 'application/x-ndjson' };
      const response = await fetch(`${server.url}/streams/keys`, { method: 'POST', headers, body });
      if (!response.ok) throw new Error(await response.text());
    }
    const { seconds, cpuSeconds, peakMb } = bench.usage();
    const { rows } = await client.query(
      "SELECT sum(bytes)::float8 AS bytes FROM millrace.memory WHERE owner = 'totals'",
    );
    return {
      workload: 'live-groups',
      rows: groups,
      seconds,
      cpu_seconds: cpuSeconds,
      rows_per_second: groups / seconds,
      peak_mb: peakMb,
      result_rows: groups,
      count_sum: null,
      value_sum: null,
      accounted_bytes_a_group: Number(rows[0].bytes) / groups,
      resident_bytes_a_group: (bench.residentBytes() - before) / groups,
    };
  } finally {
    await bench.stop();
  }
}

async function ready(): Promise<Result> {
  const started = performance.now();
  const bench = await BenchServer.start();
  const seconds = (performance.now() - started) / 1000;
  bench.begin();
  const { peakMb } = bench.usage();
  await bench.stop();
  return {
    workload: 'ready',
    rows: 0,
    seconds,
    cpu_seconds: 0,
    rows_per_second: 0,
    peak_mb: peakMb,
    result_rows: 0,
    count_sum: null,
    value_sum: null,
  };
}
