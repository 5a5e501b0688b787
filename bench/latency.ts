/** From the row that closes a window to the client, at 100,000 rows a second: over the Postgres wire and a WebSocket. */
import pg from 'pg';
import { WebSocket } from 'ws';
import { percentile, type Result } from './report.ts';
import { BenchServer } from './server.ts';

const RATE = 100_000;
const SECONDS = 12;
const WINDOW_MS = 100;

/**
 * Rows carry the clock as event time and the watermark follows without delay, so a window's end is the time of the row
 * that closes it at the earliest: latency = arrival of the result − window_end (with the clock of one machine).
 */
export async function* runLatency(): AsyncIterable<Result> {
  for (const protocol of ['pgwire', 'websocket'] as const) {
    const bench = await BenchServer.start();
    try {
      await bench.client.query(
        `CREATE STREAM events (at timestamptz NOT NULL, tag text, value float8, WATERMARK FOR at AS at)
         WITH (connector = 'generator', rate = ${RATE}, keys = 1000)`,
      );
      const sql = `SELECT count(*) AS n, window_end FROM TUMBLE(events, at, INTERVAL '${WINDOW_MS} milliseconds')
                   GROUP BY window_end EMIT ON WINDOW CLOSE`;
      bench.begin();
      const latencies: number[] = [];
      const note = (end: Date): void => {
        latencies.push(performance.timeOrigin + performance.now() - end.getTime());
      };
      await (protocol === 'pgwire' ? overWire(bench, sql, note) : overSocket(bench, sql, note));
      const { seconds, cpuSeconds, peakMb } = bench.usage();
      const measured = latencies.slice(10);
      yield {
        workload: `latency-${protocol}`,
        rows: RATE * SECONDS,
        seconds,
        cpu_seconds: cpuSeconds,
        rows_per_second: RATE,
        peak_mb: peakMb,
        result_rows: latencies.length,
        count_sum: null,
        value_sum: null,
        p50_ms: percentile(measured, 0.5),
        p99_ms: percentile(measured, 0.99),
      };
    } finally {
      await bench.stop();
    }
  }
}

async function overWire(bench: BenchServer, sql: string, note: (end: Date) => void): Promise<void> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: bench.server.pgPort,
    user: 'bench',
    database: 'millrace',
  });
  await client.connect();
  const query = new pg.Query(sql);
  query.on('row', (row: { window_end: Date }) => note(row.window_end));
  query.on('error', () => undefined);
  client.on('error', () => undefined);
  client.query(query);
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

async function overSocket(bench: BenchServer, sql: string, note: (end: Date) => void): Promise<void> {
  const socket = new WebSocket(`${bench.server.url.replace('http', 'ws')}/ws`, 'millrace.v1');
  await new Promise((resolve) => socket.once('open', resolve));
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as { op: string; rows?: [string, string][] };
    if (message.op === 'rows') for (const [, end] of message.rows!) note(new Date(end));
  });
  socket.send(JSON.stringify({ op: 'subscribe', id: 'a', sql }));
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  socket.terminate();
}
